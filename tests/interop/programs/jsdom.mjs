/** jsdom's WebSocket: what a page's script sees of a server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { CookieJar, JSDOM } from 'jsdom';
import { WebSocketServer } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const SET_COOKIES = ['Set-Cookie: seen=yes; Path=/', 'Set-Cookie: also=1; Path=/'];
const ALL_COOKIES = 'session=abc; seen=yes; also=1';

/** An echo server and an empty page of the same origin. */
async function withPage(use, options = {}) {
  const wss = new WebSocketServer({
    port: 0,
    ...options,
    handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
  });
  wss.on('headers', (lines) => lines.push(...SET_COOKIES));
  wss.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(wss, 'listening');
  const { port } = wss.address();
  const cookieJar = new CookieJar();
  cookieJar.setCookieSync('session=abc; Path=/', `http://localhost:${port}/`);
  const { window } = new JSDOM('', { url: `http://localhost:${port}/page`, cookieJar });
  try {
    await use({ window, wss, cookieJar, url: `ws://localhost:${port}/socket` });
  } finally {
    window.close();
    for (const client of wss.clients) client.terminate();
    await new Promise((resolve) => wss.close(resolve));
  }
}

const event = (target, type) => within(5_000, type, once(target, type)).then(([event]) => event);

/** A socket of the page, once it is open. */
async function opened(window, url, protocols) {
  const socket = new window.WebSocket(url, protocols);
  await event(socket, 'open');
  return socket;
}

async function echoes({ window, url }) {
  const socket = await opened(window, url);
  socket.send('Grüße 🌍');
  assert.equal((await event(socket, 'message')).data, 'Grüße 🌍');
  const bytes = new window.Uint8Array(70_000).map((_, at) => at);
  socket.binaryType = 'arraybuffer';
  socket.send(bytes);
  const { data, origin } = await event(socket, 'message');
  assert.ok(data instanceof window.ArrayBuffer);
  assert.deepEqual(Buffer.from(data), Buffer.from(bytes));
  assert.equal(origin, new URL(url).origin);
  socket.binaryType = 'blob';
  socket.send(new window.Blob(['of a ', 'Blob']));
  const { data: blob } = await event(socket, 'message');
  assert.ok(blob instanceof window.Blob);
  const reader = new window.FileReader();
  reader.readAsText(blob);
  await event(reader, 'load');
  assert.equal(reader.result, 'of a Blob');
  assert.equal(socket.bufferedAmount, 0);
}

async function cookies({ window, wss, cookieJar, url }) {
  const connected = once(wss, 'connection');
  const socket = await opened(window, url, ['chat.v1', 'chat.v2']);
  const [, { headers }] = await connected;
  assert.equal(headers.cookie, 'session=abc');
  assert.equal(headers.origin, window.location.origin);
  assert.equal(headers['user-agent'], window.navigator.userAgent);
  assert.equal(socket.protocol, 'chat.v2');
  assert.equal(cookieJar.getCookieStringSync(`${window.location}`), ALL_COOKIES);
  assert.equal(window.document.cookie, ALL_COOKIES);
}

async function closes({ window, wss, url }) {
  const connected = once(wss, 'connection');
  const first = await opened(window, url);
  const [itsPeer] = await connected;
  const left = once(itsPeer, 'close');
  first.close(4001, 'the page');
  const { code, reason, wasClean } = await event(first, 'close');
  assert.deepEqual({ code, reason, wasClean }, { code: 4001, reason: 'the page', wasClean: true });
  const [peerCode, peerReason] = await left;
  assert.deepEqual([peerCode, `${peerReason}`], [4001, 'the page']);

  const nextConnected = once(wss, 'connection');
  const second = await opened(window, url);
  const [server] = await nextConnected;
  server.close(1012, 'Service Restart');
  const closed = await event(second, 'close');
  assert.deepEqual([closed.code, closed.reason], [1012, 'Service Restart']);
}

async function abandons({ window, wss, url }) {
  const socket = new window.WebSocket(url);
  const types = [];
  for (const type of ['open', 'error', 'close']) {
    socket.addEventListener(type, () => types.push(type));
  }
  await setImmediate();
  assert.equal(socket.readyState, socket.CONNECTING);
  socket.close();
  const { code, wasClean } = await event(socket, 'close');
  assert.deepEqual(
    { code, wasClean, types },
    { code: 1006, wasClean: false, types: ['error', 'close'] },
  );
  assert.equal(wss.clients.size, 0);
}

async function isRefused({ window, wss, url }) {
  wss.shouldHandle = () => false;
  const socket = new window.WebSocket(url);
  const error = event(socket, 'error');
  const { code } = await event(socket, 'close');
  await error;
  assert.equal(code, 1006);
}

async function leaves({ window, wss, url }) {
  const connected = once(wss, 'connection');
  await opened(window, url);
  const [socket] = await connected;
  const closed = once(socket, 'close');
  window.close();
  const [code] = await within(5_000, 'a Close', closed);
  assert.equal(code, 1001);
}

/** Over compressed messages. */
async function echoesCompressed(page) {
  const connected = once(page.wss, 'connection');
  await echoes(page);
  const [{ extensions }] = await connected;
  assert.match(extensions, /^permessage-deflate/);
}

await runsOn('jsdom', 'jsdom');
await result('jsdom: text and binary echo, in each binaryType', () => withPage(echoes));
await result('jsdom: cookies, origin, subprotocol of the handshake', () => withPage(cookies));
await result('jsdom: close codes and reasons, in both directions', () => withPage(closes));
await result('jsdom: close() before the connection is open: an error, then 1006', () =>
  withPage(abandons),
);
await result('jsdom: a refused handshake: an error, then 1006', () => withPage(isRefused));
await result('jsdom: closing the window closes its sockets with 1001', () => withPage(leaves));
await result('jsdom: the echo of compressed messages', () =>
  withPage(echoesCompressed, { perMessageDeflate: { threshold: 0 } }),
);
