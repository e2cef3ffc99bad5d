/**
 * The ceiling: a `node:net` server that answers the opening handshake, counts the bytes that come,
 * and writes back one ready-made frame for each whole frame among them, without looking at any.
 * It knows the size and the bytes of the one message beforehand: no server on `node:net` can do less.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { announce, certificate, copiesAsked, numberedMessages, options } from './announce.mjs';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MASKED_CLOSE = 8;
const READY_BYTES = 256 * 1024;

const { payload: file, binary, fragments = 1, mode, tls: secure } = options();
const payload = readFileSync(file);
const header = frameHeader(binary ? 0x82 : 0x81, payload.length);
const reply = Buffer.concat([header, payload]);
const requestBytes = maskedBytes(payload.length);
const readyFrames = Math.max(1, Math.floor(READY_BYTES / reply.length));
const ready = Buffer.concat(new Array(readyFrames).fill(reply));

function frameHeader(first, length) {
  if (length < 126) return Buffer.from([first, length]);
  if (length < 65536) return Buffer.from([first, 126, length >> 8, length & 0xff]);
  const long = Buffer.alloc(10);
  long[0] = first;
  long[1] = 127;
  long.writeUInt32BE(length, 6);
  return long;
}

/** How long the generator's message is, cut in its way. */
function maskedBytes(length) {
  let bytes = length;
  for (let i = 0; i < fragments; i++) {
    const cut = (n) => Math.floor((length * n) / fragments);
    bytes += frameHeader(0, cut(i + 1) - cut(i)).length + 4;
  }
  return bytes;
}

function acceptHandshake(socket, request) {
  const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1] ?? '';
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}`;
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`);
}

function writeReplies(socket, count) {
  for (let left = count; left > 0; left -= readyFrames) {
    socket.write(left >= readyFrames ? ready : ready.subarray(0, left * reply.length));
  }
}

function isClose(chunk) {
  return chunk.length === MASKED_CLOSE && chunk[0] === 0x88;
}

function endWithClose(socket) {
  socket.end(Buffer.from([0x88, 0x02, 0x03, 0xe8]));
}

/** The one frame that is looked into: it says how many copies everyone gets. */
function answerBroadcasts(socket) {
  everyone.add(socket);
  socket.on('close', () => everyone.delete(socket));
  socket.on('data', (chunk) => {
    if (isClose(chunk)) return endWithClose(socket);
    const text = chunk.subarray(6).map((byte, i) => byte ^ chunk[2 + (i & 3)]);
    const copies = copiesAsked(text.toString('latin1'));
    const frames = Array.from({ length: copies }, () => [header, Buffer.from(next())]).flat();
    const bytes = Buffer.concat(frames);
    for (const other of everyone) other.write(bytes);
  });
}

function answerFrames(socket) {
  let pending = 0;
  socket.on('data', (chunk) => {
    if (pending === 0 && isClose(chunk)) return endWithClose(socket);
    pending += chunk.length;
    const count = Math.floor(pending / requestBytes);
    pending -= count * requestBytes;
    if (count > 0) writeReplies(socket, count);
  });
}

const everyone = new Set();
const next = mode === 'broadcast' ? numberedMessages() : undefined;
const answer = mode === 'broadcast' ? answerBroadcasts : answerFrames;

function accept(socket) {
  let request = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', function onRequest(chunk) {
    request += chunk.toString('latin1');
    if (!request.endsWith('\r\n\r\n')) return;
    socket.off('data', onRequest);
    acceptHandshake(socket, request);
    answer(socket);
  });
}

const server = secure
  ? tls.createServer({ ...certificate(), noDelay: true }, accept)
  : net.createServer({ noDelay: true }, accept);

server.listen(0, '127.0.0.1');
await announce(server, `node:net ${process.versions.node}`);
