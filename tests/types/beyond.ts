/** What `ws` has and its types lack, and what only we have. */

import type { Blob } from 'node:buffer';
import type { Duplex, Writable } from 'node:stream';
import WebSocket, {
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  type subprotocol,
  WebSocketServer,
} from 'ws';
import { type Equal, expectType } from './equal.js';

export const server = new WebSocketServer({
  port: 0,
  closeTimeout: 1000,
  maxPendingAutoPongs: 10,
  maxFragments: 1000,
  maxBufferedChunks: 1000,
  perMessageDeflate: { serverMaxWindowBits: false, clientMaxWindowBits: true },
});

/** Neither form of verifyClient needs annotations, and each may be asynchronous. */
export const deciding = [
  new WebSocketServer({ port: 0, verifyClient: (info) => info.origin !== '' && !info.secure }),
  new WebSocketServer({ port: 0, verifyClient: async ({ req }) => req.url === '/' }),
  new WebSocketServer({
    port: 0,
    verifyClient: (info, callback) => {
      expectType<Equal<typeof info.secure, boolean>>();
      callback(info.secure, 498, 'Token expired', { 'Retry-After': 1 });
    },
  }),
  new WebSocketServer({ port: 0, verifyClient: async (info, callback) => callback(info.secure) }),
  new WebSocketServer({
    port: 0,
    verifyClient: (_info, callback) => setTimeout(callback, 1, true),
  }),
  new WebSocketServer({
    port: 0,
    verifyClient({ req }, callback) {
      callback(req.method === 'GET');
    },
  }),
];

export const asynchronous: WebSocket.VerifyClientCallbackSync = async () => true;

export class Deciding extends WebSocketServer {
  override async shouldHandle(): Promise<boolean> {
    return true;
  }
}

export function decideLater(server: WebSocketServer): void {
  server.options.verifyClient = (info) => info.secure;
  server.on('callbackError', (error, request) => {
    expectType<Equal<typeof error, Error>>();
    console.error(error.stack, request.url);
  });
}

export function limitPeers(server: WebSocketServer): void {
  server.options.messageRate = {
    perSecond: 50,
    policy: (socket, _data, isBinary) => (isBinary && socket.isPaused ? 'drop' : 'pause'),
  };
  server.on('socketError', (error, socket, request) => {
    const { by, cause, bytes, messages, opened, closed } = socket.closeInfo ?? {};
    const seconds = ((closed ?? 0) - (opened ?? 0)) / 1000;
    console.error(error.message, request?.url, by, cause, bytes?.sent, messages?.received, seconds);
  });
}

export async function measure(socket: WebSocket, signal: AbortSignal): Promise<string> {
  expectType<Equal<typeof socket.rtt, number | undefined>>();
  const milliseconds = await socket.measureRoundTrip({ timeout: 1000, signal });
  const silence: number | undefined = socket.closeInfo?.silentFor;
  return `${milliseconds.toFixed(1)} ms; ${silence ?? 0} ms`;
}

export const client = new WebSocket('ws://127.0.0.1', {
  closeTimeout: 1000,
  idleTimeout: 60_000,
  heartbeat: { interval: 10_000 },
  messageRate: { perSecond: 10, burst: 20, policy: 'close' },
  unheardErrors: 'close',
  maxPendingAutoPongs: 10,
  protocols: ['chat', 'superchat'],
  defaultPort: 8080,
  perMessageDeflate: { serverMaxWindowBits: 10, clientMaxWindowBits: false },
});

const proxyOptions: WebSocket.ProxyOptions = {
  url: 'https://name:password@proxy.example.com',
  headers: { 'Proxy-Authorization': 'Bearer token', 'X-Trace': ['a', 'b'] },
  ca: 'certificate',
  rejectUnauthorized: true,
};

export const proxies: WebSocket.ProxyOption[] = [
  'env',
  new URL('socks5h://127.0.0.1:9050'),
  { url: 'env', ca: 'certificate' },
  proxyOptions,
];

export const throughProxy = [
  new WebSocket('ws://127.0.0.1', { proxy: 'env' }),
  new WebSocket('ws://127.0.0.1', { proxy: false }),
  WebSocket.connect('ws://127.0.0.1', { proxy: proxyOptions }),
];

/** `undefined` stands for the default, also under exactOptionalPropertyTypes. */
export const everyOption: {
  [K in keyof WebSocket.ConnectionOptions]-?: undefined;
} & WebSocket.ConnectionOptions = {
  allowSynchronousEvents: undefined,
  autoPong: undefined,
  captureRejections: undefined,
  closeTimeout: undefined,
  maxBufferedAmount: undefined,
  firstMessageTimeout: undefined,
  heartbeat: undefined,
  idleTimeout: undefined,
  maxBufferedChunks: undefined,
  maxFragments: undefined,
  maxPayload: undefined,
  maxPendingAutoPongs: undefined,
  maxQueuedAge: undefined,
  overflow: undefined,
  messageRate: undefined,
  perMessageDeflate: undefined,
  skipUTF8Validation: undefined,
  unheardErrors: undefined,
};

type AllUndefined<T> = { [K in keyof T]: undefined };
declare const nothing: never;
export const clientOptions: WebSocket.ClientOptions =
  nothing as AllUndefined<WebSocket.ClientOptions>;
export const serverOptions: WebSocket.ServerOptions =
  nothing as AllUndefined<WebSocket.ServerOptions>;
export const deflateOptions: WebSocket.PerMessageDeflateOptions =
  nothing as AllUndefined<WebSocket.PerMessageDeflateOptions>;
export const sendOptions: WebSocket.SendOptions = nothing as AllUndefined<WebSocket.SendOptions>;
export const receiverOptions: WebSocket.ReceiverOptions =
  nothing as AllUndefined<WebSocket.ReceiverOptions>;

export async function blobs(socket: WebSocket, blob: Blob, file: File): Promise<void> {
  expectType<Equal<WebSocket['binaryType'], 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob'>>();
  socket.binaryType = 'blob';
  socket.send(blob);
  socket.send(file, { binary: true });
  socket.send(new globalThis.Blob(['x']), (error) => error?.message);
  socket.on('message', async (data) => {
    if (data instanceof globalThis.Blob) {
      const bytes: ArrayBuffer = await data.arrayBuffer();
      console.log(data.size, bytes.byteLength);
    } else expectType<Equal<typeof data, WebSocket.RawData>>();
  });
  socket.onmessage = ({ data }) => {
    if (data instanceof globalThis.Blob) console.log(data.size);
    else expectType<Equal<typeof data, string | WebSocket.RawData>>();
  };
}

/** The error is there when the frame did not leave; callbacks declared to have one are taken too. */
export function controlCallbacks(socket: WebSocket): void {
  socket.ping('', true, (error) => expectType<Equal<typeof error, Error | undefined>>());
  socket.pong('', undefined, (error) => expectType<Equal<typeof error, Error | undefined>>());
  socket.ping('', true, (error: Error) => error.message);
  socket.pong('', true, (error?: Error) => error?.message);
  const declared: (err: Error) => void = console.error;
  socket.ping('', true, declared);
  socket.pong(declared);
}

export function unconnected(wire: Duplex): void {
  const plain: WebSocket = new WebSocket(null);
  const ws = new WebSocket(null, undefined, { isServer: false }) as WebSocket.Unconnected;
  ws.setSocket(wire, Buffer.alloc(0), { maxPayload: 2 ** 20, generateMask: undefined });
  ws.setSocket(wire, Buffer.alloc(0));
  ws.emitClose();
  plain.terminate();
}

export function closeInfo(socket: WebSocket): string | undefined {
  const info: WebSocket.CloseInfo | undefined = socket.closeInfo;
  return info?.received?.reason ?? info?.error?.message;
}

/** The low-level names are classes and types, on the class and beside it. */
export function lowLevel(socket: Duplex): unknown[] {
  const deflate: PerMessageDeflate = new PerMessageDeflate({ isServer: true, threshold: 0 });
  const same: WebSocket.PerMessageDeflate = new WebSocket.PerMessageDeflate({ isServer: false });
  const extensions = { [PerMessageDeflate.extensionName]: deflate };
  const receiver: Receiver = new Receiver({
    isServer: true,
    extensions,
    binaryType: 'arraybuffer',
  });
  const writable: Writable = new WebSocket.Receiver();
  const sender: Sender = new Sender(socket, extensions, (mask) => mask.fill(0));
  const frame: Buffer[] = WebSocket.Sender.frame(Buffer.alloc(1), { opcode: 1, fin: true });
  sender.send('text', { compress: true, fin: true, binary: false, mask: true }, () => {});
  receiver.on('message', console.log);
  class Own extends Receiver {}
  class Framing extends WebSocket.Sender {}
  expectType<Equal<WebSocket.Sender, Sender>>();
  expectType<Equal<typeof WebSocket.Receiver, typeof Receiver>>();
  const offered = extension.parse('permessage-deflate; client_max_window_bits');
  const [bits] = offered['permessage-deflate']?.[0]?.['client_max_window_bits'] ?? [];
  expectType<Equal<typeof bits, string | true | undefined>>();
  const names: Set<string> = WebSocket.subprotocol.parse('a, b');
  expectType<Equal<typeof subprotocol, typeof WebSocket.subprotocol>>();
  const field: string = WebSocket.extension.format({ 'permessage-deflate': same.offer() });
  return [writable, sender, frame, new Own(), new Framing(socket), bits, names, field];
}

export function errors(error: unknown): number | undefined {
  if (error instanceof WebSocket.HandshakeError) return error.status;
  return error instanceof WebSocket.ProtocolError ? error.closeCode : undefined;
}

export function ownServerMembers(wss: WebSocketServer<typeof WebSocket>): void {
  const { completeUpgrade } = wss;
  wss.completeUpgrade = (...args) => completeUpgrade?.apply(wss, args);
  wss.prependListener('connection', (socket) => expectType<Equal<typeof socket, WebSocket>>());
}

/** Backpressure, and one message for many. */
export function fast(socket: WebSocket, server: WebSocket.WebSocketServer): number {
  const prepared: WebSocket.PreparedMessage = WebSocket.prepareMessage('text', { binary: false });
  if (socket.send('data') === false) socket.once('drain', () => socket.send(prepared));
  const options: WebSocket.BroadcastOptions<WebSocket> = { except: socket, filter: () => true };
  return server.broadcast(prepared, options) || server.broadcast(Buffer.alloc(1)) || 0;
}

/** A subclass that was written before there was a `broadcast`, and a `send` that tells nothing. */
export class Room extends WebSocket.WebSocketServer {
  override broadcast(message: string): void {
    for (const client of this.clients) client.send(message);
  }
}

export class Quiet extends WebSocket {
  override send(data: WebSocket.BufferLike): void {
    super.send(data);
  }
}

/** Counters and channels. */
export function observe(server: WebSocketServer, socket: WebSocket): string {
  const counted: WebSocket.SocketStats = socket.stats();
  const { messages, bytes, buffered, dropped, rtt, since } = counted ?? {};
  expectType<Equal<typeof rtt, number | undefined>>();
  expectType<Equal<WebSocket['remoteAddress'], string | undefined>>();
  socket.remoteAddress = '192.0.2.1';
  const { accepted, abandoned, closes } = server.stats();
  const codes = closes.map(({ code, by, count }) => `${code} ${by} ${count}`);
  console.log(
    messages?.sent,
    bytes?.received,
    buffered,
    dropped,
    since,
    accepted,
    abandoned,
    codes,
  );
  const options: WebSocket.MetricsOptions = { labels: { instance: 'a' } };
  return `${WebSocket.METRICS_CONTENT_TYPE} ${server.metrics(options)}`;
}

export function onFrame(message: unknown): number {
  const { websocket, server, direction, wireBytes } = message as WebSocket.FrameDiagnostic;
  expectType<Equal<typeof direction, 'sent' | 'received'>>();
  server?.stats();
  return websocket.bufferedAmount + wireBytes;
}

export function onHandshake(message: unknown): string {
  const { request, verdict, error } = message as WebSocket.HandshakeDiagnostic;
  return `${request?.url} ${verdict} ${error?.message}`;
}

export function onClose({ closeInfo, code }: WebSocket.CloseDiagnostic): string {
  return `${code} ${closeInfo.by}`;
}

class Member extends WebSocket {
  name = '';
}

export async function iterate(server: WebSocketServer, signal: AbortSignal): Promise<void> {
  const everything: {
    [K in keyof WebSocket.ConnectOptions & keyof WebSocket.MessagesOptions]?: undefined;
  } & Required<AllUndefined<WebSocket.ConnectOptions & WebSocket.MessagesOptions>> = {
    highWaterMark: undefined,
    lowWaterMark: undefined,
    signal: undefined,
    signalScope: undefined,
    timeout: undefined,
  };
  const socket = await WebSocket.connect('ws://localhost', 'chat', {
    signal,
    timeout: 1,
    signalScope: 'connection',
  });
  expectType<Equal<typeof socket, WebSocket>>();
  const member = await Member.connect('ws://localhost', everything);
  expectType<Equal<typeof member.name, string>>();
  for await (const message of socket.messages({ highWaterMark: 8, lowWaterMark: 2, signal })) {
    expectType<Equal<typeof message, WebSocket.ReceivedMessage>>();
    if (message.isBinary) expectType<Equal<typeof message.data, Buffer>>();
    else expectType<Equal<typeof message.data, string>>();
  }
  for await (const { data, isBinary } of member.messages<ArrayBuffer>(everything)) {
    expectType<Equal<typeof data, string | ArrayBuffer>>();
    await member.sent(data, { binary: isBinary });
  }
  for await (const data of socket) expectType<Equal<typeof data, string | Buffer>>();
  expectType<Equal<Awaited<typeof socket.closed>, WebSocket.CloseInfo>>();
  server.handle(async (client, request) => {
    expectType<Equal<typeof client, WebSocket>>();
    for await (const data of client) await client.sent(`${request.url}: ${data}`);
  });
  server.handle('/plain', async (client) => expectType<Equal<typeof client, WebSocket>>());
  const authenticate = () => ({ user: 'Ada' });
  server.handle('/chat', { authenticate }, async (client) => {
    expectType<Equal<typeof client.context.user, string>>();
  });
}

export const withContext = new WebSocketServer({
  port: 0,
  authenticate: () => ({ user: 'Ada' }),
}).handle(async (socket) => {
  expectType<Equal<typeof socket.context.user, string>>();
  try {
    for await (const _ of socket);
  } catch (error) {
    if (!(error instanceof WebSocket.CloseError)) throw error;
    expectType<Equal<typeof error.closeInfo, WebSocket.CloseInfo>>();
    console.error(error.closeCode, error.reason);
  }
});
