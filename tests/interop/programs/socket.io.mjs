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
  const members = server.sockets.sockets;
  server.on('connection', (socket) => {
    socket.on('join', (room, done) => done(socket.join(room)));
    socket.on('say', (room, ...said) => server.to(room).emit('said', ...said));
    socket.on('say twice', (room, text) => {
      server.to(room).emit('said', text);
      for (const id of server.of('/').adapter.rooms.get(room)) members.get(id).emit('own', text);
    });
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

/**
 * Without compression the adapter frames each text for a room once, by `Sender.frame`, and gives the
 * bytes to `sendFrame` of each member: they keep their place among what is sent otherwise.
 */
async function inOrder(speaker, others) {
  const texts = Array.from({ length: 200 }, (_, number) => `${number} `.repeat(number));
  const heard = others.map((client) => record(client, 2 * texts.length));
  for (const text of texts) speaker.emit('say twice', 'room', text);
  const expected = texts.flatMap((text) => [`said ${text}`, `own ${text}`]);
  for (const lines of await within(5000, '200 broadcasts', Promise.all(heard))) {
    assert.deepEqual(lines, expected);
  }
}

/** The next `count` of what comes as 'said' and 'own'. */
function record(client, count) {
  const lines = [];
  return new Promise((resolve) => {
    const take = (name) => (text) => lines.push(`${name} ${text}`) === count && resolve(lines);
    client.on('said', take('said'));
    client.on('own', take('own'));
  });
}

/** Without `Sender.frame` or `sendFrame` all this works as well, but each member costs a frame. */
async function framedOnce({ server }, [speaker, member]) {
  const { conn } = server.sockets.sockets.get(member.id);
  const heard = record(member, 2);
  const packet = new Promise((resolve) => conn.once('packetCreate', resolve));
  speaker.emit('say twice', 'room', 'once');
  assert.deepEqual(await within(5000, 'a broadcast', heard), ['said once', 'own once']);
  assert.ok((await packet).options.wsPreEncodedFrame, 'Sender.frame is found');
  assert.equal(typeof conn.transport.socket._sender?.sendFrame, 'function');
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
  if (!perMessageDeflate) {
    await result(`${title}: a frame is made once for a room`, () => framedOnce(place, clients));
  }
  await result(`${title}: either side disconnects`, () => disconnected(place, clients[1]));
  for (const client of clients) client.disconnect();
  await place.server.close();
}

await runsOn('socket.io', 'engine.io', 'socket.io-adapter', 'engine.io-client');
await job(false, 'socket.io');
await job(true, 'socket.io with perMessageDeflate');
