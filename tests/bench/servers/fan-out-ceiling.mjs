/**
 * Not a WebSocket server, but the least that one on `node:net` can do: it frames a message once, writes what
 * is due in a tick to each of its sockets in one write, and sends in one write to Redis what was published.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { GUID, textFrame } from '../fan-out-frames.mjs';
import { options } from './announce.mjs';
import { obey } from './fan-out.mjs';

const OWN = randomUUID();
const client = new Redis(options().url);
const subscriber = client.duplicate();
/** By topic: its sockets, and the frames that are due. */
const rooms = new Map();
let commands;

function deliver(topic, text) {
  const room = rooms.get(topic);
  if (room === undefined) return;
  if (room.due.length === 0) process.nextTick(flush, room);
  room.due.push(textFrame(text));
}

function flush(room) {
  const bytes = room.due.length === 1 ? room.due[0] : Buffer.concat(room.due);
  room.due = [];
  for (const socket of room.sockets) socket.write(bytes);
}

function publish(topic, text) {
  deliver(topic, text);
  if (commands === undefined) {
    commands = client.pipeline();
    process.nextTick(() => {
      commands.exec();
      commands = undefined;
    });
  }
  commands.publish(topic, OWN + text);
}

subscriber.on('message', (topic, text) => {
  if (!text.startsWith(OWN)) deliver(topic, text.slice(OWN.length));
});

const http = createServer();
http.on('upgrade', async ({ url, headers }, socket) => {
  const accept = createHash('sha1')
    .update(headers['sec-websocket-key'] + GUID)
    .digest('base64');
  const topic = new URL(url, 'http://localhost').searchParams.get('topic');
  if (!rooms.has(topic)) rooms.set(topic, { sockets: [], due: [] });
  rooms.get(topic).sockets.push(socket);
  await subscriber.subscribe(topic);
  socket.on('error', () => {}).resume();
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(textFrame('ready'));
});
await once(http.listen(0, '127.0.0.1'), 'listening');
obey(http.address().port, `node:net ${process.versions.node}`, publish);
