/** WebSocketServers on an http server in memory, and what they answer. */

import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Inbox, until } from './inbox.js';
import { connectRaw, type RawClient } from './raw-client.js';
import { type RequestParts, upgradeRequest } from './requests.js';
import type { Scope } from './scope.js';
import { type Loose, type ServerInstance, serve, type WebSocketInstance } from './websockets.js';

export type Upgrade = [request: IncomingMessage, socket: Duplex, head: Buffer];

/** @returns what makes servers that are closed when the test is over, and requests to them */
export function useServers(scope: () => Scope) {
  /** A WebSocketServer that nothing is attached to. */
  const detached = (options: Loose = {}): ServerInstance =>
    serve(scope(), { noServer: true, ...options });

  const call = (http: HttpServer, bytes: string): RawClient => connectRaw(scope(), http, bytes);

  /** A server in memory, its connections, and its responses. */
  function startServer(options: Loose = {}) {
    const http = createServer();
    const wss = serve(scope(), { server: http, ...options });
    const connections: [WebSocketInstance, IncomingMessage][] = [];
    wss.on('connection', (ws: WebSocketInstance, request: IncomingMessage) =>
      connections.push([ws, request]),
    );
    const ask = (parts: RequestParts = {}) => call(http, upgradeRequest(parts));
    const answer = async (parts: RequestParts = {}) => ask(parts).inbox.message();
    return { http, wss, connections, ask, answer };
  }

  /** An opening handshake request as node's http server hands it out. */
  async function upgrade(parts: RequestParts = {}): Promise<Upgrade & { inbox?: Inbox }> {
    const http = createServer();
    const upgrades: Upgrade[] = [];
    http.on('upgrade', (...args: Upgrade) => upgrades.push(args));
    const { inbox } = call(http, upgradeRequest(parts));
    await until(() => upgrades.length > 0, "'upgrade'");
    const [args] = upgrades;
    if (args === undefined) throw new Error('no upgrade');
    return Object.assign(args, { inbox });
  }

  return { detached, call, startServer, upgrade };
}

export async function closing(wss: ServerInstance): Promise<(Error | undefined)[]> {
  const given: (Error | undefined)[] = [];
  wss.close((error) => given.push(error));
  await until(() => given.length > 0, 'the callback of close()');
  return given;
}
