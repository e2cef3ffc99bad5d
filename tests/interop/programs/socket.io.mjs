/** socket.io: engine.io and its adapter on the server, engine.io-client, by WebSocket alone. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const MEMBERS = 5;

/** A server with rooms, and `connect` for clients of it. */
async function start(perMessageDeflate) {
  const http = createServer();
  const server = new Server(http, { transports: ['websocket'], perMessageDeflate });
  server.on('connection', (socket) => {
    socket.on('join', (room, done) => done(socket.join(room)));
    socket.on('say', (room, ...said) => server.to(room).emit('said', ...said));
    socket.on('echo', (...values) => values.pop()(...values));
    socket.on('where', (done) => done(socket.handshake.address));
    socket.on('leave', () => socket.disconnect(true));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const url = `http://127.0.0.1:${http.address().port}`;
  return { server, connect: () => connect(url, perMessageDeflate) };
}

async function connect(url, perMessageDeflate) {
  const client = io(url, {
    transports: ['websocket'],
    perMessageDeflate,
    forceNew: true,
    reconnection: false,
  });
  await within(5000, 'connect', event(client, 'connect'));
  return client;
}

/** The arguments of the next `name`. */
function event(emitter, name) {
  return new Promise((resolve, reject) => {
    emitter.once('connect_error', reject);
    emitter.once(name, (...values) => {
      emitter.off('connect_error', reject);
      resolve(values);
    });
  });
}

/** What an acknowledgement of the other side says. */
const ask = (client, ...values) => client.timeout(5000).emitWithAck(...values);

async function acknowledged(client) {
  const text = 'Grüße, 世界 '.repeat(20_000);
  const [same, list] = await new Promise((resolve) =>
    client.emit('echo', text, [1, { two: 2 }], (...values) => resolve(values)),
  );
  assert.equal(same, text);
  assert.deepEqual(list, [1, { two: 2 }]);
}

async function attached(client) {
  for (const size of [0, 1, 125, 126, 65_536, 300_000]) {
    const bytes = randomBytes(size);
    const { name, back } = await ask(client, 'echo', { name: `${size}`, back: bytes });
    assert.equal(name, `${size}`);
    assert.ok(bytes.equals(back), `${size} bytes`);
  }
}

async function broadcast(clients) {
  const [speaker, ...others] = clients;
  await Promise.all(others.map((client) => ask(client, 'join', 'room')));
  speaker.once('said', () => assert.fail('heard outside the room'));
  const heard = others.map((client) => event(client, 'said'));
  const blob = randomBytes(3000);
  speaker.emit('say', 'room', 'hello', blob);
  for (const [text, bytes] of await within(5000, 'the broadcast', Promise.all(heard))) {
    assert.equal(text, 'hello');
    assert.ok(blob.equals(bytes));
  }
  await inOrder(speaker, others);
  await acknowledged(speaker);
}

/** Many broadcasts of text alone: the adapter frames each of them once for all members. */
async function inOrder(speaker, others) {
  const expected = Array.from({ length: 200 }, (_, number) => `${number} `.repeat(number));
  const heard = others.map(
    (client) =>
      new Promise((resolve) => {
        const texts = [];
        client.on('said', (text) => texts.push(text) === expected.length && resolve(texts));
      }),
  );
  for (const text of expected) speaker.emit('say', 'room', text);
  for (const texts of await within(5000, '200 broadcasts', Promise.all(heard))) {
    assert.deepEqual(texts, expected);
  }
}

async function disconnected({ server, connect }, client) {
  const told = event(client, 'disconnect');
  client.emit('leave');
  assert.deepEqual((await within(5000, 'disconnect', told))[0], 'io server disconnect');

  const other = await connect();
  const gone = event(server.sockets.sockets.get(other.id), 'disconnect');
  other.disconnect();
  assert.equal((await within(5000, 'disconnect', gone))[0], 'client namespace disconnect');
}

async function job(perMessageDeflate, title) {
  const place = await start(perMessageDeflate);
  const clients = await Promise.all(Array.from({ length: MEMBERS }, place.connect));
  const [first] = clients;
  const extensions = first.io.engine.transport.ws.extensions;
  await result(`${title}: extensions '${extensions}', address 127.0.0.1`, async () => {
    assert.equal(extensions.includes('permessage-deflate'), perMessageDeflate);
    assert.equal(await ask(first, 'where'), '127.0.0.1');
  });
  await result(`${title}: acknowledgements, texts of 300 kB`, () => acknowledged(first));
  await result(`${title}: binary attachments of 0 to 300,000 bytes`, () => attached(first));
  await result(`${title}: a room of ${MEMBERS - 1}, 201 broadcasts`, () => broadcast(clients));
  await result(`${title}: either side disconnects`, () => disconnected(place, clients[1]));
  for (const client of clients) client.disconnect();
  await place.server.close();
}

await runsOn('socket.io', 'engine.io', 'socket.io-adapter', 'engine.io-client');
await job(false, 'socket.io');
await job(true, 'socket.io with perMessageDeflate');
