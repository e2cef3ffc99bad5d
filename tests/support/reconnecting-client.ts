/** A ReconnectingWebSocket whose connections lead to a server in memory. */

import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { ReconnectingWebSocket } from '../../src/reconnect.js';
import type { CloseEvent } from '../../src/standard/index.js';
import { until } from './inbox.js';
import type { Scope } from './scope.js';
import { type Loose, type ServerInstance, serve, type WebSocketInstance } from './websockets.js';

/** The longest delay of these options is 100 ms. */
const BACKOFF = { first: 100, base: 100, factor: 1, max: 100 };

/** The constructor as programs in JavaScript call it. */
export const Any = ReconnectingWebSocket as unknown as new (
  ...args: unknown[]
) => ReconnectingWebSocket;

/** What an event says, and the state in which it comes. */
function describe(ws: ReconnectingWebSocket, event: Event): string {
  const { type } = event;
  if (type === 'message' || type === 'overflow') return `${type} ${(event as MessageEvent).data}`;
  if (type !== 'close') return `${type} in ${ws.readyState}`;
  const { code, reason, wasClean } = event as CloseEvent;
  return `close ${code} '${reason}' ${wasClean ? 'clean' : 'unclean'} in ${ws.readyState}`;
}

export class ReconnectingClient {
  readonly ws: ReconnectingWebSocket;
  readonly wss: ServerInstance;
  readonly events: string[] = [];
  readonly errors: Error[] = [];
  /** The server's ends of the connections, and what they received. */
  readonly peers: { readonly ws: WebSocketInstance; readonly received: string[] }[] = [];
  /** Attempts that reached the transport. */
  attempts = 0;
  /** Whether connections are accepted, reset, or left without an answer. */
  network: 'up' | 'down' | 'silent' = 'up';
  private readonly scope: Scope;

  constructor(scope: Scope, options: Loose = {}, server: Loose = {}) {
    this.scope = scope;
    const http = createServer();
    this.wss = serve(scope, { server: http, ...server });
    this.wss.on('connection', (ws: WebSocketInstance) => {
      const received: string[] = [];
      ws.on('message', (data) => received.push(String(data)));
      this.peers.push({ ws, received });
    });
    const createConnection = (): Duplex => {
      this.attempts++;
      const [near, far] = this.scope.wire();
      if (this.network === 'up') http.emit('connection', far);
      if (this.network === 'down') far.destroy();
      return near;
    };
    const all = { createConnection, perMessageDeflate: false, backoff: BACKOFF, ...options };
    this.ws = new Any('ws://server.example.com/chat', all);
    for (const type of ['open', 'message', 'error', 'close', 'overflow']) {
      this.ws.addEventListener(type, (event) => {
        this.events.push(describe(this.ws, event));
        if (type === 'error') this.errors.push((event as Event & { error: Error }).error);
      });
    }
    scope.later(async () => {
      this.ws.close();
      await this.ended();
    });
  }

  count(type: string): number {
    return this.events.filter((event) => event.startsWith(type)).length;
  }

  /** Waits until there have been so many events of a type. */
  async seen(type: string, times = 1): Promise<void> {
    await until(
      () => this.count(type) >= times,
      () => `${times} times ${type}: ${this.events.join(', ')}`,
    );
  }

  async ended(): Promise<void> {
    await until(() => this.ws.readyState === 3, 'the state CLOSED');
  }

  /** The server's end of the nth connection. */
  async peer(index = 0) {
    await until(() => this.peers.length > index, `connection ${index}`);
    return this.peers[index] as { ws: WebSocketInstance; received: string[] }; // just seen
  }
}
