/** An inspector in front of an echo server, and its page in a browser. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { startBrowser } from './browser.mjs';

const require = createRequire(import.meta.url);
const { WebSocketServer, WebSocket } = require('../../../dist/index.js');
const { startInspector } = require('../../../dist/inspect/inspector.js');

export { WebSocket };
export const { encodeFrame } = require('../../../dist/protocol.js');

/** A server that sends each message back; it compresses at all paths but /echo. */
export async function startEchoServer(port = 0) {
  const settings = { noServer: true, origins: '*' };
  const plain = new WebSocketServer(settings);
  const compressing = new WebSocketServer({ ...settings, perMessageDeflate: { threshold: 64 } });
  const http = createServer();
  http.on('upgrade', (request, socket, head) => {
    const server = request.url === '/echo' || request.url === '/flood' ? plain : compressing;
    server.handleUpgrade(request, socket, head, (webSocket) => echo(webSocket, request.url));
  });
  http.listen(port, '127.0.0.1');
  await once(http, 'listening');
  return { port: http.address().port, end: () => end(http, plain, compressing) };
}

function echo(socket, url) {
  socket.on('error', () => {}); // 'close' follows
  if (url === '/flood') flood(socket);
  else socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
}

async function end(http, ...servers) {
  for (const { clients } of servers) for (const socket of clients) socket.terminate();
  if (!http.listening) return;
  http.close();
  http.closeAllConnections();
  await once(http, 'close');
}

/** Frames for the list: as many as a message of the client asks for, as fast as they are read. */
function flood(socket) {
  socket.once('message', async (count) => {
    for (let i = 0; i < Number(count); i += 1) {
      if (i % 500 === 0 || socket.bufferedAmount > 100_000) await setImmediate();
      socket.send(`message ${i}`);
    }
  });
}

/** What a page must not do: throw, break its Content-Security-Policy, or lack a file. */
export function collectErrors(page) {
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.stack));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/WebSocket connection to/.test(message.text())) {
      errors.push(message.text());
    }
  });
  return errors;
}

/** One for all cases of a file: their inspectors have different ports, so nothing is shared. */
let browser;

export const endBrowser = () => browser?.close();

/**
 * @param use is called with the page, the inspector and the server behind it
 * @param options of the inspector; `path` is that of the page, `size` that of the window
 */
export async function withInspector(use, { path = '', size = [1200, 800], ...options } = {}) {
  const server = await startEchoServer();
  const target = `ws://127.0.0.1:${server.port}/echo`;
  let inspector = await startInspector({ target, port: 0, ...options });
  const restart = async () => {
    const port = Number(new URL(inspector.url).port);
    inspector = await startInspector({ target, port, ...options });
  };
  browser ??= await startBrowser();
  const page = await browser.newPage();
  try {
    const errors = collectErrors(page);
    page.setDefaultTimeout(10_000);
    await page.setViewportSize({ width: size[0], height: size[1] });
    await page.goto(`${inspector.url}${path}`);
    await waitForInspector(page);
    await use({ page, inspector, server, restart });
    if (errors.length > 0) throw new Error(`The page has errors:\n${errors.join('\n')}`);
  } finally {
    await page.close();
    await inspector.close();
    await server.end();
  }
}

/** Waits until the page has heard from the inspector. */
export const waitForInspector = (page) =>
  page.locator('#listening', { hasText: 'ws://' }).waitFor();

/** Opens a connection from the page. */
export async function openFromPage(page, path = '/echo') {
  const before = await page.locator('.chip.open').count();
  await page.fill('#path', path);
  await page.click('#open');
  await page.locator('.chip.open').nth(before).waitFor();
}

/** Sends a text from the page, and waits until its echo is in the list. */
export async function sendFromPage(page, text) {
  await page.fill('#message', text);
  await page.click('#send');
  await page.locator('.row.text.server', { hasText: text }).first().waitFor();
}

/** Opens the details of the first row that fits. */
export async function openRow(page, selector) {
  await page.locator(selector).first().click();
  await page.locator('#detail-content h2').waitFor();
}
