/** WebSockets and servers of the library: on a wire, or a server and its client in memory. */

import type { EventEmitter } from 'node:events';
import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import WebSocket from '../../src/index.js';
import { type FrameOptions, frame, KEY } from './frames.js';
import { until } from './inbox.js';
import type { Scope } from './scope.js';

export type Role = 'server' | 'client';
export const ROLES: readonly Role[] = ['server', 'client'];

export type WebSocketInstance = InstanceType<typeof WebSocket>;
export type ServerInstance = InstanceType<typeof WebSocket.WebSocketServer>;
export type ClientOptions = NonNullable<ConstructorParameters<typeof WebSocket>[2]>;
export type ServerOptions = NonNullable<ConstructorParameters<typeof WebSocket.WebSocketServer>[0]>;

/** Options as tests write them, also wrong ones. */
export type Loose = Record<string, unknown>;

const NO_LIMITS = { maxPayload: 0, maxFragments: 0, maxBufferedChunks: 0 };

/** A WebSocket that is not connected to anything. */
export function unconnected(role: Role, settings: Loose = {}): WebSocket.Unconnected {
  const options = { isServer: role === 'server', autoPong: true, closeTimeout: 30_000 };
  const ws = new WebSocket(null, undefined, { ...options, ...settings });
  // `ws` itself knows its role only so.
  if ('_isServer' in ws) Object.assign(ws, { _isServer: role === 'server' });
  return ws as WebSocket.Unconnected;
}

/** A WebSocket on a wire, as after the opening handshake. */
export function onWire(wire: Duplex, role: Role, settings: Loose = {}): WebSocketInstance {
  const { head = Buffer.alloc(0), ...rest } = settings;
  const ws = unconnected(role, rest);
  ws.setSocket(wire, head as Buffer, { allowSynchronousEvents: true, ...NO_LIMITS, ...rest });
  return ws;
}

/** A frame as a peer of that role has to send it to the product: masked to a server. */
export function frameFor(role: Role, options: FrameOptions = {}): Buffer {
  return frame(role === 'server' ? { mask: KEY, ...options } : options);
}

/** Collects the events of a WebSocket, each as a text. */
export function recordEvents(ws: EventEmitter): string[] {
  const events: string[] = [];
  ws.on('open', () => events.push('open'));
  ws.on('message', (data: unknown) => events.push(`message ${String(data)}`));
  ws.on('ping', (data: Buffer) => events.push(`ping ${data}`));
  ws.on('pong', (data: Buffer) => events.push(`pong ${data}`));
  ws.on('error', (error: Error) => events.push(`error ${error.message}`));
  ws.on('close', (code: number, reason: Buffer) => {
    events.push(reason.length > 0 ? `close ${code} ${reason}` : `close ${code}`);
  });
  return events;
}

/** The arguments of the next event of that name. */
export function next<Args extends unknown[]>(emitter: EventEmitter, event: string): Promise<Args> {
  let args: Args | undefined;
  emitter.once(event, (...given: unknown[]) => {
    args = given as Args;
  });
  return until(() => args !== undefined, `'${event}'`).then(() => args as Args); // just seen
}

export interface ConnectedPair {
  http: HttpServer;
  wss: ServerInstance;
  client: WebSocketInstance;
  /** the WebSocket of the server */
  ws: WebSocketInstance;
  request: IncomingMessage;
  /** the ends of the wire: `[client, server]` */
  wires: [Duplex, Duplex];
}

/** An http server in memory and a way for clients to connect to it. */
export function memoryServer(scope: Scope, http = createServer()) {
  const wires: [Duplex, Duplex][] = [];
  const createConnection = (): Duplex => {
    const pair = scope.wire();
    wires.push(pair);
    http.emit('connection', pair[1]);
    return pair[0];
  };
  const connect = (
    options: Loose = {},
    protocols?: string | string[],
    path = '/',
  ): WebSocketInstance => {
    const all = { createConnection, perMessageDeflate: false, ...options } as ClientOptions;
    return scope.track(new WebSocket(`ws://server.example.com${path}`, protocols, all));
  };
  return { http, wires, connect };
}

/** A WebSocketServer that is closed when the test is over, with its clients. */
export function serve(scope: Scope, options: Loose): ServerInstance {
  const wss = new WebSocket.WebSocketServer(options as ServerOptions);
  const all = new Set<WebSocketInstance>();
  wss.on('connection', (ws: WebSocketInstance) => {
    all.add(ws);
    ws.on('close', () => all.delete(ws));
  });
  scope.later(async () => {
    for (const ws of all) ws.terminate();
    await until(() => all.size === 0, 'the WebSockets of a server to close');
    await new Promise<void>((done) => wss.close(() => done()));
  });
  return wss;
}

/** A server and a client of it, connected, in memory. */
export async function connectPair(
  scope: Scope,
  serverOptions: Loose = {},
  clientOptions: Loose = {},
  protocols?: string | string[],
): Promise<ConnectedPair> {
  const { http, wires, connect } = memoryServer(scope);
  const wss = serve(scope, { server: http, ...serverOptions });
  const connection = next<[WebSocketInstance, IncomingMessage]>(wss, 'connection');
  const client = connect(clientOptions, protocols);
  await next(client, 'open');
  const [ws, request] = await connection;
  const [pair] = wires;
  if (pair === undefined) throw new Error('no wire');
  ws.on('error', () => {});
  return { http, wss, client, ws, request, wires: pair };
}
