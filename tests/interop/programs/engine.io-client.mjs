/** engine.io-client: it begins by polling and goes over to a WebSocket, which need not keep a process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Server } from 'engine.io';
import { Socket } from 'engine.io-client';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const event = (emitter, name) => {
  return within(5_000, name, new Promise((resolve) => emitter.once(name, resolve)));
};

async function withServer(options, use) {
  const http = createServer();
  const server = new Server(options);
  server.attach(http);
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  http.listen(0);
  await once(http, 'listening');
  try {
    await use(`http://localhost:${http.address().port}`, server);
  } finally {
    server.close();
    http.closeAllConnections();
    http.close();
  }
}

async function upgrades(url) {
  const socket = new Socket(url, { transports: ['polling', 'websocket'], perMessageDeflate: true });
  await event(socket, 'upgrade');
  assert.equal(socket.transport.name, 'websocket');
  for (const data of ['Grüße 🌍', 'long '.repeat(50_000)]) {
    socket.send(data);
    assert.equal(await event(socket, 'message'), data);
  }
  const bytes = randomBytes(100_000);
  socket.send(bytes);
  assert.deepEqual(await event(socket, 'message'), bytes);
  socket.close();
}

async function beats(url, server) {
  const socket = new Socket(url, { transports: ['websocket'] });
  await event(socket, 'open');
  const [peer] = Object.values(server.clients);
  await event(peer, 'heartbeat');
  await event(peer, 'heartbeat');
  const closed = event(peer, 'close');
  socket.close();
  assert.equal(await closed, 'transport close');
}

const UNREF = `
import { Socket } from 'engine.io-client';
const socket = new Socket(process.argv[1], { transports: ['websocket'], autoUnref: true });
const untilOpen = setTimeout(() => {}, 10_000);
socket.on('open', () => {
  console.log('open');
  clearTimeout(untilOpen);
});
`;

/** A process that has nothing else to do ends although its connection is open. */
async function unref(url) {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const parameters = ['--input-type=module', '--eval', UNREF, url];
  const child = spawn(process.execPath, parameters, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  try {
    const [code] = await within(10_000, 'the process ends', once(child, 'close'));
    assert.equal(code, 0);
    assert.equal(said, 'open\n');
  } finally {
    child.kill();
  }
}

await runsOn('engine.io-client', 'engine.io', 'engine.io-client');
await result('engine.io-client: from polling to a WebSocket', () =>
  withServer({ perMessageDeflate: { threshold: 0 } }, upgrades),
);
await result('engine.io-client: heartbeats, a Close', () =>
  withServer({ pingInterval: 50 }, beats),
);
await result('engine.io-client: autoUnref lets the process end', () => withServer({}, unref));
