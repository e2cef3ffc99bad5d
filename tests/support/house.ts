/** WebSocketServers on an http server in memory, and what they answer. */

import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WireEnd } from './duplex-pair.js';
import { type Face, type FaceServer, type Loose, serve } from './faces.js';
import { Inbox, until } from './inbox.js';
import { type RequestParts, upgradeRequest } from './requests.js';
import type { Scope } from './scope.js';

export type Upgrade = [request: IncomingMessage, socket: Duplex, head: Buffer];

/** @returns what makes servers that are closed when the test is over, and requests to them */
export function useServers(scope: () => Scope) {
  /** A WebSocketServer that nothing is attached to. */
  const detached = (options: Loose = {}): FaceServer =>
    serve(scope(), { noServer: true, ...options });

  /** A caller of an http server in memory: the wire and what comes out of it. */
  function call(http: HttpServer, bytes: string): { wire: WireEnd; far: WireEnd; inbox: Inbox } {
    const [wire, far] = scope().wire();
    const inbox = new Inbox(wire);
    http.emit('connection', far);
    wire.write(bytes);
    return { wire, far, inbox };
  }

  /** A server in memory and what callers are answered. */
  function house(options: Loose = {}) {
    const http = createServer();
    const wss = serve(scope(), { server: http, ...options });
    const connections: [Face, IncomingMessage][] = [];
    wss.on('connection', (ws: Face, request: IncomingMessage) => connections.push([ws, request]));
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

  return { detached, call, house, upgrade };
}

export async function closing(wss: FaceServer): Promise<(Error | undefined)[]> {
  const given: (Error | undefined)[] = [];
  wss.close((error) => given.push(error));
  await until(() => given.length > 0, 'the callback of close()');
  return given;
}
