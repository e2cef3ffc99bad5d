/** webpack-dev-server: whoever looks at a page of it is told when a source of that page changes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import webpack from 'webpack';
import WebpackDevServer from 'webpack-dev-server';
import { WebSocket } from 'ws';
import { lackingBrowser } from '../support/chromium.mjs';
import { within } from '../support/deadline.mjs';
import { withBrowser } from '../support/puppeteer.mjs';
import { result, skip } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';
import { temporaryFolder } from '../support/temporary.mjs';

const BUILT_WITHIN = 20_000;
const project = join(temporaryFolder, 'project');

function writeSource(title) {
  writeFileSync(join(project, 'index.js'), `document.title = '${title}';\n`);
}

/** The server of a project of one file, after its first build. */
async function withServer(use) {
  mkdirSync(project, { recursive: true });
  writeSource('first');
  writeFileSync(join(project, 'index.html'), '<!doctype html><script src="/main.js"></script>');
  const compiler = webpack({
    mode: 'development',
    context: project,
    entry: './index.js',
    devtool: false,
    infrastructureLogging: { level: 'error' },
    stats: 'errors-only',
  });
  const built = new Promise((resolve) => compiler.hooks.done.tap('program', resolve));
  const options = { port: 0, host: 'localhost', static: { directory: project, watch: false } };
  const server = new WebpackDevServer(options, compiler);
  await server.start();
  try {
    await within(BUILT_WITHIN, 'the first build', built);
    await use(server, `localhost:${server.server.address().port}`);
  } finally {
    await server.stop();
  }
}

/** What the server tells a client, in order. */
class Told {
  types = [];
  #socket;

  constructor(socket) {
    this.#socket = socket;
    socket.on('message', (data) => this.types.push(JSON.parse(data).type));
  }

  async until(type) {
    while (!this.types.includes(type)) {
      await within(BUILT_WITHIN, `'${type}' after ${this.types}`, once(this.#socket, 'message'));
    }
    return this.types.splice(0);
  }
}

async function tells(server, address) {
  const socket = new WebSocket(`ws://${address}/ws`, { origin: `http://${address}` });
  const told = new Told(socket);
  const first = await told.until('ok');
  assert.deepEqual(first, ['hot', 'liveReload', 'reconnect', 'overlay', 'hash', 'ok']);
  writeSource('second');
  const then = await told.until('ok');
  assert.equal(then[0], 'invalid');
  assert.deepEqual(then.slice(-2), ['hash', 'ok']);

  const [client] = server.webSocketServer.clients;
  await within(5_000, 'the answer to a ping', once(client, 'pong'));
  socket.close();
  await within(5_000, 'a Close', once(socket, 'close'));
}

async function refuses(_, address) {
  const socket = new WebSocket(`ws://${address}/ws`, { origin: 'http://elsewhere.test' });
  const told = new Told(socket);
  const closed = once(socket, 'close');
  assert.deepEqual(await told.until('error'), ['error']);
  await within(5_000, 'the end', closed);
}

async function reloads(server, address) {
  await withBrowser(async (browser) => {
    const page = await browser.newPage();
    const connected = once(server.webSocketServer.implementation, 'connection');
    await page.goto(`http://${address}/`);
    await within(10_000, 'the page connects', connected);
    await page.waitForFunction(() => document.title !== '', { timeout: 10_000 });
    writeSource('of a new page');
    await page.waitForFunction(() => document.title === 'of a new page', { timeout: BUILT_WITHIN });
  });
}

await runsOn('webpack-dev-server', 'webpack-dev-server');
await withServer(async (server, address) => {
  await result('webpack-dev-server: tells of a change, pings', () => tells(server, address));
  await result('webpack-dev-server: turns a foreign origin away', () => refuses(server, address));
  const name = 'webpack-dev-server: Chromium shows what has changed';
  if (lackingBrowser) skip(name, lackingBrowser);
  else await result(name, () => reloads(server, address));
});
