/** happy-dom's WebSocket: what a page's script sees of a server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Window } from 'happy-dom';
import { WebSocketServer } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

/** An echo server and an empty page of the same origin. */
async function withPage(use) {
  const wss = new WebSocketServer({ port: 0 });
  wss.on('headers', (lines) => lines.push('Set-Cookie: seen=yes; Path=/'));
  wss.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(wss, 'listening');
  const { port } = wss.address();
  const window = new Window({ url: `http://localhost:${port}/page` });
  try {
    await use({ window, wss, url: `ws://localhost:${port}/socket` });
  } finally {
    await window.happyDOM.close();
    for (const client of wss.clients) client.terminate();
    await new Promise((resolve) => wss.close(resolve));
  }
}

function event(target, type) {
  const fired = new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
  return within(5_000, type, fired);
}

async function echoes({ window, wss, url }) {
  window.document.cookie = 'session=abc';
  const connected = once(wss, 'connection');
  const socket = new window.WebSocket(url, 'chat.v2');
  await event(socket, 'open');
  const [, { headers }] = await connected;
  assert.equal(headers.cookie, 'session=abc');
  assert.equal(headers.origin, window.location.origin);
  assert.equal(socket.protocol, 'chat.v2');
  assert.equal(window.document.cookie, 'session=abc; seen=yes');
  socket.send('Grüße 🌍');
  assert.equal((await event(socket, 'message')).data, 'Grüße 🌍');
  const bytes = new Uint8Array(70_000).map((_, at) => at);
  socket.binaryType = 'arraybuffer';
  socket.send(bytes);
  assert.deepEqual(new Uint8Array((await event(socket, 'message')).data), bytes);
  socket.binaryType = 'blob';
  socket.send(new window.Blob(['of a Blob']));
  assert.equal(await (await event(socket, 'message')).data.text(), 'of a Blob');
}

async function closes({ window, wss, url }) {
  const connected = once(wss, 'connection');
  const socket = new window.WebSocket(url);
  await event(socket, 'open');
  const [peer] = await connected;
  const left = once(peer, 'close');
  socket.close(4001, 'the page');
  const { code, reason, wasClean } = await event(socket, 'close');
  assert.deepEqual({ code, reason, wasClean }, { code: 4001, reason: 'the page', wasClean: true });
  assert.equal((await left)[0], 4001);
}

async function abandons({ window, url }) {
  const socket = new window.WebSocket(url);
  socket.close();
  const { code, wasClean } = await event(socket, 'close');
  assert.deepEqual({ code, wasClean }, { code: 1006, wasClean: false });
}

await runsOn('happy-dom', 'happy-dom');
await result('happy-dom: cookies, origin, subprotocol; text and binary echo', () =>
  withPage(echoes),
);
await result('happy-dom: a close code and its reason', () => withPage(closes));
await result('happy-dom: close() before the connection is open', () => withPage(abandons));
