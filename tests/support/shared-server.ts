/** An http server in memory that several WebSocketServers share. */

import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import WebSocket from '../../src/index.js';
import { turns, until } from './inbox.js';
import { connectRaw, type RawClient } from './raw-client.js';
import { type RequestParts, upgradeRequest } from './requests.js';
import type { Scope } from './scope.js';
import type { Loose, ServerInstance, WebSocketInstance } from './websockets.js';

export type Upgrade = [request: IncomingMessage, socket: Duplex, head: Buffer];

const EVENTS = ['error', 'close', 'data', 'end', 'readable', 'finish', 'drain'];

function countListeners(socket: Duplex): string {
  return EVENTS.map((event) => `${event} ${socket.listenerCount(event)}`).join(', ');
}

/** The listeners of a socket that Node handed out and nobody touched. */
async function listenersLeftAlone(scope: Scope): Promise<string> {
  const bare = new SharedServer(scope);
  bare.http.on('upgrade', () => {});
  const { far } = bare.connect(upgradeRequest());
  await turns();
  return countListeners(far);
}

export class SharedServer {
  /** Which server got which target: `name target`. */
  readonly taken: string[] = [];
  /** Errors of callbacks: `name message`. */
  readonly errors: string[] = [];

  constructor(
    readonly scope: Scope,
    readonly http: HttpServer = createServer(),
  ) {}

  /** Attaches a WebSocketServer. @param Class a subclass, if it is to be one */
  add(
    name: string,
    options: Loose = {},
    Class: new (options: never) => ServerInstance = WebSocket.WebSocketServer,
  ): ServerInstance {
    const wss = new Class({ server: this.http, ...options } as never);
    const clients = new Set<WebSocketInstance>();
    wss.on('connection', (ws: WebSocketInstance, request: IncomingMessage) => {
      this.taken.push(`${name} ${request.url}`);
      clients.add(ws);
      ws.on('close', () => clients.delete(ws));
    });
    wss.on('callbackError', (error: Error) => this.errors.push(`${name} ${error.message}`));
    this.scope.later(async () => {
      for (const ws of clients) ws.terminate();
      await until(() => clients.size === 0, 'the WebSockets to close');
      await new Promise<void>((done) => wss.close(() => done()));
    });
    return wss;
  }

  connect(bytes: string | Buffer): RawClient {
    return connectRaw(this.scope, this.http, bytes);
  }

  /** What becomes of a request: the server that took it, the status, or `left alone`. */
  async ask(target: string, parts: RequestParts = {}): Promise<string> {
    const { far, inbox } = this.connect(upgradeRequest({ target, ...parts }));
    await turns(20);
    if (inbox.peek().length > 0) {
      const { status } = await inbox.message();
      return status === 101 ? (this.taken.at(-1) ?? 'nobody') : String(status);
    }
    const untouched = countListeners(far) === (await listenersLeftAlone(this.scope));
    return untouched && !far.destroyed ? 'left alone' : 'neither answered nor left alone';
  }
}
