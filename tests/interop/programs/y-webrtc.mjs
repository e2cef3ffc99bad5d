/** y-webrtc's signalling server: what is published to a topic reaches everybody subscribed to it. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const SERVER = fileURLToPath(new URL('../node_modules/y-webrtc/bin/server.js', import.meta.url));

/** It does not say on which port it listens, but its HTTP server can be asked. */
const TELL_PORT = `data:text/javascript,
import { Server } from 'node:net';
const { listen } = Server.prototype;
Server.prototype.listen = function (...parameters) {
  this.once('listening', () => process.send(this.address().port));
  return listen.apply(this, parameters);
};`;

async function withSignalling(use) {
  const execArgv = ['--import', TELL_PORT];
  const env = { ...process.env, PORT: '0' };
  const server = fork(SERVER, { execArgv, env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  try {
    const [port] = await within(10_000, 'the server listens', once(server, 'message'));
    await use(`ws://localhost:${port}`);
  } finally {
    server.kill();
  }
}

async function joins(url, topic) {
  const socket = new WebSocket(url);
  await within(5_000, 'open', once(socket, 'open'));
  tell(socket, { type: 'subscribe', topics: [topic] });
  tell(socket, { type: 'ping' });
  assert.deepEqual(await next(socket), { type: 'pong' });
  return socket;
}

const tell = (socket, message) => socket.send(JSON.stringify(message));
const next = async (socket) => {
  const [data] = await within(5_000, 'a message', once(socket, 'message'));
  return JSON.parse(data);
};

async function publishes(url) {
  const members = await Promise.all(Array.from({ length: 20 }, () => joins(url, 'room')));
  const stranger = await joins(url, 'another room');
  stranger.on('message', () => assert.fail('heard outside the room'));
  const heard = members.map(next);
  const data = 'Grüße 🌍 '.repeat(10_000);
  tell(stranger, { type: 'publish', topic: 'room', data });
  for (const message of await Promise.all(heard)) {
    assert.deepEqual(message, { type: 'publish', topic: 'room', data, clients: 20 });
  }
  for (const socket of [...members, stranger]) {
    socket.close();
    await within(5_000, 'close', once(socket, 'close'));
  }
}

await runsOn('y-webrtc', 'y-webrtc');
await result('y-webrtc: a topic of 20', () => withSignalling(publishes));
