/** Parts of programs as they are written for `ws` and its types: each compiles under those as well. */

import { EventEmitter, on, once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import WebSocket, { createWebSocketStream, type RawData, WebSocketServer } from 'ws';

export function echo(): void {
  const wss = new WebSocketServer({ port: 8080 });
  wss.on('connection', function connection(ws) {
    ws.on('error', console.error);
    ws.on('message', function message(data, isBinary) {
      wss.clients.forEach(function each(client) {
        if (client !== ws && client.readyState === WebSocket.OPEN) {
          client.send(data, { binary: isBinary });
        }
      });
      console.log('received: %s', data);
      this.send(data.toString());
    });
    ws.send('something');
  });
}

export function heartbeats(): void {
  interface Alive extends WebSocket {
    isAlive: boolean;
    subscriptions?: Set<string>;
  }
  function heartbeat(this: WebSocket): void {
    (this as Alive).isAlive = true;
  }
  const wss = new WebSocket.Server({ port: 8080 });
  wss.on('connection', (ws: Alive) => {
    ws.isAlive = true;
    ws.on('pong', heartbeat);
  });
  const interval = setInterval(() => {
    for (const ws of wss.clients as Set<Alive>) {
      if (!ws.isAlive) return ws.terminate();
      ws.isAlive = false;
      ws.ping();
    }
    wss.clients.forEach((ws) => {
      ws.ping('', false, () => {});
    });
  }, 30_000);
  wss.on('close', () => clearInterval(interval));
}

export function clientHeartbeat(this: unknown): void {
  let timer: NodeJS.Timeout | undefined;
  const client = new WebSocket('wss://example.org/', { rejectUnauthorized: false });
  function heartbeat(): void {
    clearTimeout(timer);
    timer = setTimeout(() => client.terminate(), 31_000);
  }
  client.on('open', heartbeat);
  client.on('ping', heartbeat);
  client.on('close', function clear() {
    clearTimeout(timer);
  });
  client.onerror = (event) => {
    if (event.error.code === 'ECONNREFUSED') console.error(event.message, event.error.errno);
  };
  client.onmessage = ({ data }) => JSON.parse(data.toString());
}

export function authenticate(): void {
  const server = http.createServer();
  const one = new WebSocketServer({ noServer: true });
  const two = new WebSocketServer({ noServer: true });
  const refused = (socket: Duplex) => {
    socket.write('HTTP/1.1 401 Unauthorized\r\n\r\n');
    socket.destroy();
  };
  server.on('upgrade', async (request, socket, head) => {
    const { pathname } = new URL(request.url ?? '/', 'wss://base.url');
    const wss = pathname === '/one' ? one : pathname === '/two' ? two : undefined;
    if (wss === undefined || !wss.shouldHandle(request)) return refused(socket);
    wss.handleUpgrade(request, socket, head, (ws) => {
      wss.emit('connection', ws, request, { user: 'known' });
    });
  });
  one.on('connection', (ws: WebSocket, request: http.IncomingMessage, client: { user: string }) => {
    ws.send(`${client.user} from ${request.socket.remoteAddress}`);
  });
  server.listen(8080);
}

export const options: WebSocket.ServerOptions = {
  server: https.createServer(),
  path: '/ws',
  verifyClient: async (
    info: { origin: string; secure: boolean; req: http.IncomingMessage },
    done: (result: boolean, code?: number, message?: string) => void,
  ) => {
    await Promise.resolve();
    done(info.origin !== '', 401, 'Unauthorized');
  },
  handleProtocols: (protocols: Set<string>) => Array.from(protocols)[0] ?? false,
  perMessageDeflate: {
    zlibDeflateOptions: { chunkSize: 1024, memLevel: 7, level: 3 },
    zlibInflateOptions: { chunkSize: 10 * 1024 },
    clientNoContextTakeover: true,
    serverNoContextTakeover: true,
    serverMaxWindowBits: 10,
    concurrencyLimit: 10,
    threshold: 1024,
  },
};

/** What programs read from options has the types they know. */
export function readOptions(server: WebSocketServer, client: WebSocket.ClientOptions): unknown[] {
  const port: number | undefined = server.options.port;
  const host: string | undefined = server.options.host;
  const path: string = server.options.path ?? server.path;
  const headers: Record<string, string> = client.headers ?? {};
  const agent: http.Agent | undefined = client.agent;
  const inherited: WebSocket.ClientOptions = { ...client, headers: { ...client.headers, a: 'b' } };
  return [port, host, path, headers['Authorization']?.startsWith('Basic'), agent, inherited];
}

export function clientOptions(args: http.ClientRequestArgs, given: https.RequestOptions): void {
  new WebSocket('ws://localhost', args);
  new WebSocket('ws://localhost', 'chat', args);
  new WebSocket('wss://localhost', { ...given, agent: new https.Agent() });
  new WebSocket('ws://localhost', { createConnection: net.createConnection });
  new WebSocket('wss://localhost', ['a'], {
    checkServerIdentity: (servername: string, cert: WebSocket.CertMeta) => servername === `${cert}`,
    generateMask(mask: Buffer): void {
      mask.writeInt32BE(0, 0);
    },
    headers: { 'User-Agent': 'program', 'X-Count': 1, Cookie: ['a=b'] },
    finishRequest: (request) => request.end(),
  });
}

/** The three kinds of data are told apart in every order. */
export function kinds(data: RawData): string[] {
  const asText = (data: WebSocket.RawData): string => {
    if (data instanceof ArrayBuffer) return Buffer.from(data).toString('utf8');
    if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
    return data.toString('utf8');
  };
  const byBuffer = (data: WebSocket.RawData): Buffer => {
    if (Buffer.isBuffer(data)) return data;
    return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
  };
  const every = (data: WebSocket.Data): Buffer => {
    if (typeof data === 'string') return Buffer.from(data);
    if (Buffer.isBuffer(data)) return data;
    if (data instanceof ArrayBuffer) return Buffer.from(new Uint8Array(data));
    return Buffer.concat(data);
  };
  const exhaustive = (data: WebSocket.RawData): never | number => {
    if (Array.isArray(data) || Buffer.isBuffer(data) || data instanceof ArrayBuffer) return 0;
    const nothing: never = data;
    return nothing;
  };
  const parsed: { type: string } = JSON.parse(data.toString());
  return [asText(data), `${byBuffer(data)}`, `${every(data)}`, `${exhaustive(data)}`, parsed.type];
}

type Message = Parameters<WebSocket['send']>[0];

export class Room {
  private readonly members = new Map<WebSocket, { name: string }>();
  private readonly queue: Message[] = [];
  private readonly seen = new WeakMap<WebSocket, Date>();
  private readonly handlers: Partial<Record<'message' | 'close', (data: RawData) => void>> = {};

  add(socket: WebSocket, name: string): void {
    this.members.set(socket, { name });
    this.seen.set(socket, new Date());
    const onMessage = (data: WebSocket.RawData): void => this.broadcast(data);
    socket.on('message', onMessage);
    socket.once('close', (code: number, reason: Buffer) => {
      socket.off('message', onMessage);
      this.members.delete(socket);
      this.broadcast(`${name} left: ${code} ${reason.toString()}`);
    });
    if (this.handlers.message) socket.addListener('message', this.handlers.message);
  }

  broadcast(data: Message): void {
    this.queue.push(data);
    for (const [socket] of this.members) {
      if (socket.readyState !== socket.OPEN) continue;
      socket.send(data, (error) => error && console.error(error.message));
      socket.send(data, { compress: true }, (error?: Error) => this.failed(error));
    }
  }

  async send(socket: WebSocket, data: Message): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      socket.send(data, (error) => (error ? reject(error) : resolve())),
    );
  }

  private failed(error: Error | undefined): void {
    if (error !== undefined) throw error;
  }
}

export class Reconnecting extends EventEmitter {
  private socket?: WebSocket;
  private ws: WebSocket | null = null;
  private readonly closed = (event: WebSocket.CloseEvent) => this.emit('close', event.code);

  connect(url: string | URL, protocols?: string | string[], given?: WebSocket.ClientOptions): void {
    const { OPEN, CLOSED } = WebSocket;
    if (this.socket?.readyState === OPEN || this.ws?.readyState !== CLOSED) return;
    this.socket = new WebSocket(url, protocols, given);
    this.ws = this.socket;
    this.socket.addEventListener('close', this.closed);
    this.socket.addEventListener('message', (event: WebSocket.MessageEvent) => {
      this.emit('message', event.data);
    });
    this.socket.addEventListener('open', () => this.emit('open'), { once: true });
    this.socket.on('unexpected-response', (_, response) => response.resume());
    this.socket.removeEventListener('close', this.closed);
  }
}

export async function events(socket: WebSocket, server: WebSocketServer): Promise<void> {
  await once(socket, 'open');
  const [data] = (await once(socket, 'message')) as [RawData, boolean];
  for await (const [next] of on(socket, 'message')) console.log(next, data);
  await Promise.all([once(server, 'listening'), once(server, 'close')]);
  const emitters: EventEmitter[] = [socket, server];
  const emitter: NodeJS.EventEmitter = socket;
  emitter.removeAllListeners();
  for (const one of emitters[0]?.listeners('message') ?? [])
    socket.off('message', one as () => void);
  socket.on('message', async (one) => void (await Promise.resolve(one)));
  const either: 'ping' | 'pong' = Math.random() > 0.5 ? 'ping' : 'pong';
  socket.on(either, (payload) => payload.readUInt8(0));
  const anyName: string = either;
  socket.on(anyName, (...args) => console.log(args[0].length));
  socket.emit('message', Buffer.alloc(0), false);
  server.on('close', () => {}).on('listening', () => {});
  server.removeListener('connection', (one: WebSocket) => one.close());
  server.addListener('connection', (one, request) => one.send(request.url ?? ''));
}

export class Traced extends WebSocket {
  static opened = 0;
  written: Message[] = [];
  override onopen = () => {};

  // biome-ignore lint/suspicious/noExplicitAny: as programs write it
  constructor(address: any, protocols?: any, options?: WebSocket.ClientOptions) {
    super(address, protocols, options);
    Traced.opened++;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as programs write it
  override send(data: any, ...rest: any[]): void {
    this.written.push(data);
    super.send(data, rest[0], rest[1]);
  }

  override ping(data?: unknown, mask?: boolean, cb?: (err: Error) => void): void {
    super.ping(data, mask, cb);
  }

  // biome-ignore lint/suspicious/noExplicitAny: as programs write it
  override on(event: string | symbol, listener: (...args: any[]) => void): this {
    return super.on(event, listener);
  }

  override terminate(): void {
    super.terminate();
    this.removeAllListeners();
  }
}

export class Owned extends WebSocketServer {
  constructor(options: WebSocket.ServerOptions, ready?: () => void) {
    super({ ...options, clientTracking: true }, ready);
    this.on('connection', this.greet);
  }

  override shouldHandle(request: http.IncomingMessage): boolean {
    return super.shouldHandle(request) === true && request.url !== '/';
  }

  override handleUpgrade(
    request: http.IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (client: WebSocket, request: http.IncomingMessage) => void,
  ): void {
    super.handleUpgrade(request, socket, head, callback);
  }

  override close(cb?: (err?: Error) => void): void {
    for (const client of this.clients) client.terminate();
    super.close(cb);
  }

  private readonly greet = (socket: WebSocket): void => {
    socket.send('welcome');
  };
}

export function serverOf<T extends typeof WebSocket>(Class: T): InstanceType<T>[] {
  const server = new WebSocketServer<T>({ noServer: true, WebSocket: Class });
  return [...server.clients];
}

export function classes(server: WebSocket.Server<typeof Traced>): Traced[] {
  const Class: typeof WebSocket = Traced;
  serverOf(Traced).map((one) => one.sent);
  new Class('ws://localhost').close();
  const untyped: unknown = server;
  if (untyped instanceof WebSocketServer) untyped.close();
  if (untyped instanceof WebSocket) untyped.send('');
  WebSocket.prototype.send = function send(this: WebSocket) {
    this.ping();
  };
  const connect = (...args: ConstructorParameters<typeof WebSocket>) => new WebSocket(...args);
  connect('ws://localhost', ['a'], {}).once('open', () => {});
  return [...server.clients];
}

export function streams(socket: WebSocket): void {
  const duplex: Duplex = createWebSocketStream(socket, { encoding: 'utf8', decodeStrings: false });
  duplex.pipe(process.stdout);
  process.stdin.pipe(WebSocket.createWebSocketStream(socket));
}

/** A stand-in as tests have it. `@types/ws` does not ask for what is after `resume`. */
export class Standin extends EventEmitter implements WebSocket {
  binaryType: 'nodebuffer' | 'arraybuffer' | 'fragments' = 'nodebuffer';
  readonly CONNECTING = WebSocket.CONNECTING;
  readonly OPEN = WebSocket.OPEN;
  readonly CLOSING = WebSocket.CLOSING;
  readonly CLOSED = WebSocket.CLOSED;
  bufferedAmount = 0;
  extensions = '';
  isPaused = false;
  protocol = '';
  readyState: WebSocket['readyState'] = WebSocket.OPEN;
  url = '';
  onopen: ((event: WebSocket.Event) => void) | null = null;
  onerror: ((event: WebSocket.ErrorEvent) => void) | null = null;
  onclose: ((event: WebSocket.CloseEvent) => void) | null = null;
  onmessage: ((event: WebSocket.MessageEvent) => void) | null = null;
  readonly written: unknown[] = [];
  readonly closed = new Promise<never>(() => {});

  send(data: unknown, ..._: unknown[]): void {
    this.written.push(data);
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
    this.onmessage?.({ data: 'x', type: 'message', target: this });
    this.onerror?.({ error: new Error('x'), message: 'x', type: 'error', target: this });
  }

  ping(): void {}
  pong(): void {}
  terminate(): void {}
  pause(): void {}
  resume(): void {}
  async measureRoundTrip(): Promise<number> {
    return 0;
  }
  stats(): WebSocket.SocketStats {
    const none = { sent: 0, received: 0 };
    return { messages: none, buffered: 0, dropped: 0 };
  }
  async sent(data: unknown): Promise<void> {
    this.send(data);
  }
  readonly topics = new Set<string>();
  async subscribe(): Promise<void> {}
  unsubscribe(): void {}
  publish(): number {
    return 0;
  }
  async *messages(): AsyncGenerator<never, undefined> {}
  toStream(): ReturnType<WebSocket['toStream']> {
    throw new Error('not there');
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<never, undefined> {}
  addEventListener(): void {}
  removeEventListener(): void {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

export class StandinServer extends EventEmitter implements WebSocket.Server {
  options: WebSocket.ServerOptions = {};
  path = '';
  clients = new Set<WebSocket>([new Standin()]);

  address(): WebSocket.AddressInfo | string | null {
    return { address: '', family: 'IPv4', port: 0 };
  }

  close(cb?: (err?: Error) => void): void {
    cb?.();
  }

  handleUpgrade(): void {}
  shouldHandle(): boolean {
    return true;
  }
}

export const standins: [WebSocket, WebSocket.Server] = [new Standin(), new StandinServer()];
export const partial = { send: () => {}, readyState: WebSocket.OPEN } as unknown as WebSocket;
