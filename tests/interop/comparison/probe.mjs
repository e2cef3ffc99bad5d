/** A WebSocket client over node:net that does nothing by itself: no Pong, no Close, no masking key but 0. */
import { connect } from 'node:net';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** A frame of a client. @param data fewer than 126 bytes, or up to 65 535 */
export function frame(firstByte, data) {
  const payload = Buffer.from(data);
  const length =
    payload.length < 126
      ? [payload.length | 0x80]
      : [0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([firstByte, ...length, 0, 0, 0, 0]), payload]);
}

export class Probe {
  /** What arrived after the response's head, and how the connection stands. */
  received = Buffer.alloc(0);
  head = '';
  ended = false;

  constructor(socket) {
    this.socket = socket.unref();
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ended = true;
    });
    socket.on('data', (data) => this.#read(data));
  }

  /** Sends the request of an opening handshake and waits for the head of the response. */
  static async open({ port, path = '/' }, headers = {}) {
    const probe = new Probe(connect(port, '127.0.0.1'));
    const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...headers });
    probe.socket.write(
      `GET ${path} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${KEY}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    );
    await probe.until(() => probe.head !== '' || probe.ended);
    return probe;
  }

  get status() {
    return Number(this.head.split(' ')[1]);
  }

  /** Whether `isTrue` became true within the time. */
  until(isTrue, milliseconds = 2000) {
    return new Promise((resolve) => {
      const check = () => {
        if (isTrue()) settle(true);
      };
      const settle = (value) => {
        clearTimeout(timer);
        for (const name of ['data', 'close']) this.socket.off(name, check);
        resolve(value);
      };
      const timer = setTimeout(settle, milliseconds, false);
      for (const name of ['data', 'close']) this.socket.on(name, check);
      check();
    });
  }

  /** The frames that arrived completely, as `{ opcode, data }`. */
  get frames() {
    const frames = [];
    let at = 0;
    for (;;) {
      const [first, short] = this.received.subarray(at);
      const extra = { 126: 2, 127: 8 }[short] ?? 0;
      const start = at + 2 + extra;
      if (short === undefined || start > this.received.length) return frames;
      const length =
        extra === 0
          ? short
          : this.received.readUIntBE(start - Math.min(extra, 6), Math.min(extra, 6));
      if (start + length > this.received.length) return frames;
      at = start + length;
      frames.push({ opcode: first & 15, data: this.received.subarray(start, at) });
    }
  }

  /** The code of the Close that arrived, 1005 for an empty one; 'end' without a Close; 'open' if nothing ended. */
  async ending(milliseconds) {
    const close = () => this.frames.find(({ opcode }) => opcode === 8)?.data;
    await this.until(() => close() !== undefined || this.ended, milliseconds);
    const data = close();
    if (data === undefined) return this.ended ? 'end' : 'open';
    return data.length === 0 ? 1005 : data.readUInt16BE(0);
  }

  #read(data) {
    this.received = Buffer.concat([this.received, data]);
    const end = this.received.indexOf('\r\n\r\n');
    if (this.head !== '' || end === -1) return;
    this.head = this.received.toString('latin1', 0, end);
    this.received = this.received.subarray(end + 4);
  }
}
