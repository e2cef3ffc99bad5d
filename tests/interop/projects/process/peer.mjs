/** A peer in raw bytes, in either role: what a process wrote is read without any WebSocket library. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { deferred } from '../../support/deadline.mjs';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const END_OF_HEAD = '\r\n\r\n';
const NAMES = { 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

/** `go` as a masked frame and as an unmasked one (RFC 6455 §5.2). */
const GO = {
  client: Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x67, 0x6f]),
  server: Buffer.from([0x81, 0x02, 0x67, 0x6f]),
};

/** A Close with 1001. */
const ANSWER = {
  client: Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]),
  server: Buffer.from([0x88, 0x02, 0x03, 0xe9]),
};

/** The whole frames in `bytes`, of less than 64 KiB each: `text a`, `close 1001 bye`. */
function framesIn(bytes) {
  const frames = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const opcode = bytes[at] & 0x0f;
    const masked = (bytes[at + 1] & 0x80) !== 0;
    let length = bytes[at + 1] & 0x7f;
    let start = at + 2;
    if (length === 126) {
      if (start + 2 > bytes.length) break;
      length = bytes.readUInt16BE(start);
      start += 2;
    }
    const key = masked ? bytes.subarray(start, start + 4) : [0, 0, 0, 0];
    if (masked) start += 4;
    at = start + length;
    if (at > bytes.length) break;
    const payload = bytes.subarray(start, at).map((byte, index) => byte ^ key[index & 3]);
    frames.push(describe(opcode, payload));
  }
  return frames;
}

function describe(opcode, payload) {
  const code = opcode === 8 && payload.length >= 2 ? `${payload.readUInt16BE(0)} ` : '';
  const text = payload.subarray(code === '' ? 0 : 2).toString();
  return `${NAMES[opcode]} ${code}${text}`.trim();
}

/** Collects what comes behind the head: `frames()`, `arrived(count)` and `ended`. */
class Peer {
  #bytes = Buffer.alloc(0);
  #waiting = [];
  #head = deferred();
  #answered = false;
  ended = deferred();

  constructor(socket, role) {
    this.socket = socket;
    this.role = role;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => {}); // a process that is killed may leave a reset behind
    socket.on('close', () => this.ended.resolve());
  }

  #take(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const end = this.#bytes.indexOf(END_OF_HEAD);
    if (end < 0) return;
    this.#head.resolve(this.#bytes.toString('latin1', 0, end));
    const { length } = this.frames();
    for (const { count, resolve } of this.#waiting) if (length >= count) resolve();
    this.#answerClose();
  }

  head() {
    return this.#head.promise;
  }

  frames() {
    const end = this.#bytes.indexOf(END_OF_HEAD);
    return end < 0 ? [] : framesIn(this.#bytes.subarray(end + END_OF_HEAD.length));
  }

  /** Resolves when this many frames are here. */
  arrived(count) {
    if (this.frames().length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  /** Has the other side begin. */
  go() {
    this.socket.write(GO[this.role]);
  }

  /** RFC 6455 §5.5.1: answers a Close, should one come, and ends TCP when the other side has. */
  #answerClose() {
    if (this.#answered || !this.frames().some((frame) => frame.startsWith('close'))) return;
    this.#answered = true;
    this.socket.end(ANSWER[this.role]);
  }
}

/** A server for one connection: `{ port, peer, close }`. */
export async function listenRaw() {
  const arrival = deferred();
  const server = createServer(async (socket) => {
    const peer = new Peer(socket, 'server');
    const head = await peer.head();
    const key = head.match(/^sec-websocket-key: *(.*?)$/im)[1].trim();
    const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}${END_OF_HEAD}`,
    );
    arrival.resolve(peer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, peer: arrival.promise, close: () => server.close() };
}

/** A client of the server on this port, its opening handshake over. */
export async function connectRaw(port) {
  const socket = connect({ port, host: '127.0.0.1' });
  const peer = new Peer(socket, 'client');
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13${END_OF_HEAD}`,
  );
  assert.match(await peer.head(), /^HTTP\/1.1 101 /);
  return peer;
}
