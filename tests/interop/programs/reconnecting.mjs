/** reconnecting-websocket and partysocket: wrappers that copy the events of the class they are given. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket as PartySocket } from 'partysocket';
import ReconnectingWebSocket from 'reconnecting-websocket';
import { WebSocket, WebSocketServer } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const OPTIONS = { WebSocket, minReconnectionDelay: 1, maxReconnectionDelay: 10, minUptime: 1 };

async function withSocket(Wrapper, use) {
  const wss = new WebSocketServer({ port: 0 });
  await once(wss, 'listening');
  const connected = once(wss, 'connection');
  const socket = new Wrapper(`ws://localhost:${wss.address().port}`, 'chat.v2', OPTIONS);
  try {
    const open = event(socket, 'open');
    const [peer] = await within(5_000, 'a connection', connected);
    await open;
    await use({ socket, peer, wss });
  } finally {
    socket.close();
    for (const client of wss.clients) client.terminate();
    await new Promise((resolve) => wss.close(resolve));
  }
}

function event(target, type) {
  const fired = new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
  return within(5_000, type, fired);
}

async function delivers({ socket, peer }) {
  assert.equal(socket.protocol, 'chat.v2');
  assert.equal(socket.binaryType, 'blob');
  const text = event(socket, 'message');
  peer.send('Grüße 🌍');
  assert.equal((await text).data, 'Grüße 🌍');
  const blob = event(socket, 'message');
  peer.send(Buffer.from('of a Blob'));
  const { data } = await blob;
  assert.ok(data instanceof Blob);
  assert.equal(await data.text(), 'of a Blob');
  const heard = once(peer, 'message');
  socket.send('back');
  assert.equal(`${(await within(5_000, 'a message', heard))[0]}`, 'back');
}

async function comesBack({ socket, peer, wss }) {
  const closed = event(socket, 'close');
  const open = event(socket, 'open');
  const connected = once(wss, 'connection');
  peer.close(1012, 'Service Restart');
  const { code, reason, wasClean } = await closed;
  assert.deepEqual(
    { code, reason, wasClean },
    { code: 1012, reason: 'Service Restart', wasClean: true },
  );
  const [next] = await within(5_000, 'another connection', connected);
  const heard = once(next, 'message');
  socket.send('again');
  await open;
  assert.equal(`${(await within(5_000, 'a message', heard))[0]}`, 'again');
}

async function keepsTrying(Wrapper) {
  const wss = new WebSocketServer({ port: 0 });
  await once(wss, 'listening');
  const url = `ws://localhost:${wss.address().port}`;
  await new Promise((resolve) => wss.close(resolve));
  const socket = new Wrapper(url, [], { ...OPTIONS, maxRetries: 2 });
  const errors = [];
  const third = new Promise((resolve) => {
    socket.addEventListener('error', (error) => errors.push(error) === 3 && resolve());
  });
  await within(10_000, 'three errors', third);
  socket.close();
  assert.match(errors[2].message, /ECONNREFUSED|^$/);
  assert.equal(errors[2].type, 'error');
}

await runsOn('reconnecting', 'reconnecting-websocket', 'partysocket');
const WRAPPERS = { 'reconnecting-websocket': ReconnectingWebSocket, partysocket: PartySocket };
for (const [name, Wrapper] of Object.entries(WRAPPERS)) {
  await result(`reconnecting: ${name}: text and Blob`, () => withSocket(Wrapper, delivers));
  await result(`reconnecting: ${name}: comes back`, () => withSocket(Wrapper, comesBack));
  await result(`reconnecting: ${name}: nobody listens`, () => keepsTrying(Wrapper));
}
