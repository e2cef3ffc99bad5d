/** Servers as they are written for `ws` and its types. */

import { createServer, IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import WebSocket, { WebSocketServer } from 'ws';
import { type Equal, expectType } from './equal.js';

class Member extends WebSocket {
  room = 'lobby';
}

class Request extends IncomingMessage {
  user = 'nobody';
}

export const servers: WebSocket.Server[] = [
  new WebSocketServer({ port: 0 }),
  new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 10 }, () => undefined),
  new WebSocketServer({ server: createServer() }),
  new WebSocketServer({ server: createSecureServer({}) }),
  new WebSocketServer({ noServer: true, clientTracking: false }),
  new WebSocket.Server({ port: 0, path: '/chat', maxPayload: 2 ** 20 }),
  new WebSocket.WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 1024 } }),
];

/** `undefined` stands for the default, also under exactOptionalPropertyTypes. */
export const undefinedValues: WebSocket.ServerOptions = {
  host: undefined,
  port: 0,
  backlog: undefined,
  server: undefined,
  verifyClient: undefined,
  path: undefined,
  noServer: undefined,
  clientTracking: undefined,
  perMessageDeflate: undefined,
  maxPayload: undefined,
  skipUTF8Validation: undefined,
  WebSocket: undefined,
};

export const verifySync: WebSocket.VerifyClientCallbackSync = ({ origin, secure, req }) => {
  expectType<Equal<typeof origin, string>>();
  expectType<Equal<typeof secure, boolean>>();
  return req.url === '/' && !secure;
};

export const verifyAsync: WebSocket.VerifyClientCallbackAsync = ({ req }, callback) => {
  if (req.headers.authorization === undefined) {
    callback(false, 401, 'Unauthorized', { 'WWW-Authenticate': 'Basic' });
  } else callback(true);
};

export const verifyRequest: WebSocket.VerifyClientCallbackSync<Request> = ({ req }) =>
  req.user !== 'nobody';

export const deciding = [
  new WebSocketServer({ port: 0, verifyClient: verifySync }),
  new WebSocketServer({ port: 0, verifyClient: verifyAsync }),
  new WebSocketServer({ port: 0, verifyClient: (info: { origin: string }) => info.origin !== '' }),
  new WebSocketServer({ port: 0, verifyClient: (info: { origin?: string }) => !info.origin }),
  new WebSocketServer({
    port: 0,
    handleProtocols: (protocols, request) => {
      expectType<Equal<typeof protocols, Set<string>>>();
      return protocols.has('chat') && request.url === '/' ? 'chat' : false;
    },
  }),
];

export function withOwnClass(): void {
  const server = new WebSocketServer({ noServer: true, WebSocket: Member });
  server.on('connection', (member) => {
    expectType<Equal<typeof member, Member>>();
  });
  for (const member of server.clients ?? []) member.room = 'hall';
  const typed: WebSocket.Server<typeof Member> = server;
  typed.close();
}

export function withOwnRequest(http: Duplex, head: Buffer, request: Request): void {
  const server = new WebSocketServer<typeof WebSocket, typeof Request>({ noServer: true });
  server.handleUpgrade(request, http, head, (socket, same) => {
    expectType<Equal<typeof same.user, string>>();
    server.emit('connection', socket, same);
  });
}

export class Club extends WebSocketServer<typeof Member> {
  override shouldHandle(request: IncomingMessage): boolean {
    return request.url !== '/closed' && super.shouldHandle(request) === true;
  }

  broadcast(data: WebSocket.RawData): void {
    for (const client of this.clients ?? []) {
      if (client.readyState === WebSocket.OPEN) client.send(data);
    }
  }
}

export function members(server: WebSocketServer): number {
  const address = server.address();
  const { port } = address as AddressInfo;
  server.options.maxPayload = 1024;
  server.options.handleProtocols = () => false;
  server.shouldHandle = ({ url }) => url === '/';
  server.close((error) => expectType<Equal<typeof error, Error | undefined>>());
  server.close();
  return typeof address === 'string' || address === null ? 0 : port;
}

export function connectUpgrades(server: WebSocketServer): void {
  createServer().on('upgrade', (request, socket, head) => {
    server.handleUpgrade(request, socket, head, (client) => {
      server.emit('connection', client, request);
    });
  });
}
