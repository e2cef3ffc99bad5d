/** Who gets in: origins, authentication, the context of connections, and routes. */

import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';
import type { Duplex } from 'node:stream';
import WebSocket, { WebSocketServer } from 'ws';
import { type Equal, expectType } from './equal.js';

interface User {
  readonly userId: string;
}

declare function find(cookie: string | undefined): Promise<User | undefined>;

class Member extends WebSocket {
  room = 'lobby';
}

export const limited = new WebSocketServer({
  port: 0,
  blockList: new BlockList(),
  maxConnections: 1000,
  maxConnectionsPerAddress: 10,
  maxPendingHandshakes: 100,
  handshakeRate: { perSecond: 50, burst: 100 },
  handshakeRatePerAddress: { perSecond: 1, burst: 10 },
  handshakeTimeout: 10_000,
  hosts: ['example.com'],
  origins: ['https://example.com', /https:\/\/[a-z]+\.example\.com/],
  address: (request) => request.socket.remoteAddress,
  trustProxy: 1,
});

/** The context has the type that authenticate returns, without its refusals. */
export function contexts(): void {
  const server = new WebSocketServer({
    port: 0,
    origins: 'same',
    authenticate: async ({ headers }) => (await find(headers.cookie)) ?? false,
  });
  server.on('connection', (socket, request) => {
    expectType<Equal<typeof socket.context, User>>();
    expectType<Equal<typeof request, IncomingMessage>>();
    socket.send(socket.context.userId);
  });
  for (const { context } of server.clients) console.log(context.userId);
  server.broadcast('all', { filter: ({ context }) => context.userId !== 'nobody' });
  const plain: WebSocketServer = server;
  plain.close();
}

export function refusals(): void {
  const server = new WebSocketServer({
    port: 0,
    authenticate: ({ headers: { authorization } }) =>
      authorization === undefined
        ? { status: 401, headers: { 'WWW-Authenticate': 'Basic' } }
        : { userId: authorization, status: 7 },
  });
  server.on('connection', ({ context }) => {
    expectType<Equal<typeof context.userId, string>>();
    expectType<Equal<typeof context.status, number>>();
  });
}

/** Without authenticate, and with arguments for the classes only, there is no member `context`. */
export function noContext(): void {
  new WebSocketServer({ port: 0 }).on('connection', (socket) => {
    expectType<Equal<typeof socket, WebSocket>>();
  });
  const own = new WebSocketServer<typeof Member>({ port: 0, WebSocket: Member });
  own.on('connection', (socket) => expectType<Equal<typeof socket, Member>>());
  const named = new WebSocketServer<typeof Member, typeof IncomingMessage, User>({ port: 0 });
  named.on('connection', (socket) => {
    socket.room = socket.context.userId;
  });
}

export function routes(): void {
  const server = new WebSocketServer({ port: 0, authenticate: () => ({ userId: 'a' }) });
  server
    .route('/chat', { maxPayload: 1024 }, (socket, request) => {
      expectType<Equal<typeof socket.context, { userId: string }>>();
      expectType<Equal<typeof request, IncomingMessage>>();
    })
    .route('/admin', { authenticate: async () => ({ isAdmin: true }) }, ({ context }) => {
      expectType<Equal<typeof context, { isAdmin: boolean }>>();
    })
    .route('/news', (socket, request) => {
      expectType<Equal<typeof socket.context, { userId: string }>>();
      expectType<Equal<typeof request, IncomingMessage>>();
    })
    .route('/members/*', { WebSocket: Member }, (socket) => {
      socket.room = socket.context.userId;
    });
  const { refused, connections }: WebSocket.ServerStats = server.stats();
  console.log(refused.origins, connections);
}

export class Club extends WebSocketServer<typeof Member> {
  constructor() {
    super({ port: 0, WebSocket: Member });
    this.on('connection', (member) => expectType<Equal<typeof member, Member>>());
  }
}

/** A class that leaves the class of its connections open. */
export class Chat<Class extends typeof WebSocket> extends WebSocketServer<Class> {
  readonly names = new Map<InstanceType<Class>, string>();

  override handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (client: InstanceType<Class>, request: IncomingMessage) => void,
  ): void {
    super.handleUpgrade(request, socket, head, (client, same) => {
      this.names.set(client, 'new');
      callback(client, same);
    });
  }
}

export const policies: WebSocket.OriginPolicy[] = [
  'same',
  '*',
  ['example.com', /.*/],
  (origin, request) => origin !== undefined && request.url === '/',
];
