/** Clients as they are written for `ws` and its types. */

import { Agent, type ClientRequest } from 'node:http';
import WebSocket from 'ws';
import { type Equal, expectType } from './equal.js';

const url = 'ws://127.0.0.1/';

export function constructed(token: string | undefined): WebSocket[] {
  return [
    new WebSocket(url),
    new WebSocket(new URL(url)),
    new WebSocket(url, 'chat'),
    new WebSocket(url, ['chat', 'superchat']),
    new WebSocket(url, { headers: { Authorization: `Bearer ${token}` } }),
    new WebSocket(url, undefined, { origin: 'http://localhost', handshakeTimeout: 1000 }),
    new WebSocket(url, ['chat'], { rejectUnauthorized: false, ca: Buffer.alloc(0) }),
    new WebSocket(url, { auth: 'user:password', timeout: 1000, family: 4 }),
    new WebSocket(null),
  ];
}

/** `undefined` stands for the default, also under exactOptionalPropertyTypes. */
export const undefinedValues: WebSocket.ClientOptions = {
  followRedirects: undefined,
  handshakeTimeout: undefined,
  maxRedirects: undefined,
  perMessageDeflate: undefined,
  headers: undefined,
  origin: undefined,
  agent: undefined,
  rejectUnauthorized: undefined,
  maxPayload: undefined,
  skipUTF8Validation: undefined,
  finishRequest: undefined,
  createConnection: undefined,
};

export const options: WebSocket.ClientOptions = {
  agent: new Agent({ keepAlive: true }),
  autoPong: false,
  allowSynchronousEvents: false,
  checkServerIdentity: () => true,
  family: 4,
  followRedirects: true,
  generateMask: (mask: Buffer) => {
    mask.fill(1);
  },
  handshakeTimeout: 5000,
  headers: { Cookie: 'a=b', 'X-Own': '1' },
  host: '127.0.0.1',
  localAddress: '127.0.0.1',
  maxPayload: 2 ** 20,
  maxRedirects: 3,
  origin: 'https://example.org',
  perMessageDeflate: {
    serverNoContextTakeover: true,
    clientMaxWindowBits: 10,
    zlibDeflateOptions: { level: 3, memLevel: 7, chunkSize: 1024 },
    zlibInflateOptions: { chunkSize: 10 * 1024 },
    concurrencyLimit: 10,
    threshold: 1024,
  },
  protocolVersion: 13,
  skipUTF8Validation: true,
  finishRequest: (request, websocket) => {
    expectType<Equal<typeof request, ClientRequest>>();
    websocket.once('open', () => request.end());
  },
};

export function send(socket: WebSocket, done: (error?: Error) => void): void {
  socket.send('text');
  socket.send('text', done);
  socket.send('text', { binary: true });
  socket.send(
    Buffer.alloc(1),
    { compress: false, fin: false, mask: true, binary: undefined },
    done,
  );
  socket.send('text', {}, (error) => expectType<Equal<typeof error, Error | undefined>>());
  for (const data of [
    new Uint8Array(1),
    new DataView(new ArrayBuffer(1)),
    new ArrayBuffer(1),
    new SharedArrayBuffer(1),
    [1, 2, 3],
    42,
  ]) {
    socket.send(data);
  }
}

export function controlFrames(socket: WebSocket): void {
  socket.ping();
  socket.ping('payload', true, (error: Error) => console.log(error));
  socket.ping(() => undefined);
  socket.pong(Buffer.from('payload'), undefined, () => undefined);
  socket.close();
  socket.close(1000);
  socket.close(1000, 'done');
  socket.close(4000, Buffer.from('done'));
  socket.close(undefined, undefined);
  socket.terminate();
  socket.pause();
  socket.resume();
}

export function properties(socket: WebSocket): void {
  expectType<Equal<typeof socket.readyState, 0 | 1 | 2 | 3>>();
  expectType<Equal<typeof socket.bufferedAmount, number>>();
  expectType<Equal<typeof socket.protocol, string>>();
  expectType<Equal<typeof socket.extensions, string>>();
  expectType<Equal<typeof socket.url, string>>();
  expectType<Equal<typeof socket.isPaused, boolean>>();
  expectType<Equal<typeof WebSocket.OPEN, 1>>();
  expectType<Equal<typeof socket.CLOSED, 3>>();
  socket.binaryType = 'arraybuffer';
  socket.binaryType = 'fragments';
  socket.binaryType = 'nodebuffer';
  if (socket.readyState === WebSocket.OPEN || socket.readyState === socket.CLOSING) socket.close();
}

export function rawData(data: WebSocket.RawData): number {
  if (Array.isArray(data)) return Buffer.concat(data).length;
  return Buffer.isBuffer(data) ? data.length : data.byteLength;
}

export type Parts = Pick<WebSocket, 'send' | 'close' | 'readyState'>;
export type Send = WebSocket['send'];

/** A class of the program's own that is as good as a WebSocket. */
export class Heartbeat extends WebSocket {
  isAlive = true;

  override close(code?: number, data?: string | Buffer): void {
    this.isAlive = false;
    super.close(code, data);
  }
}
