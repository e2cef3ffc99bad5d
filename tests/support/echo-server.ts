/** A server in memory that sends messages back. */

import {
  createServer,
  type Server as HttpServer,
  type ServerOptions as HttpServerOptions,
  type IncomingMessage,
} from 'node:http';
import WebSocket from '../../src/index.js';
import { until } from './inbox.js';
import { connectRaw, type RawClient } from './raw-client.js';
import type { Scope } from './scope.js';
import {
  type Loose,
  recordEvents,
  type ServerInstance,
  type ServerOptions,
  type WebSocketInstance,
} from './websockets.js';

/** A WebSocket that the server accepted, and its events. */
export interface AcceptedClient {
  ws: WebSocketInstance;
  request: IncomingMessage;
  /** `message …`, `error …`, `close …` in order */
  events: string[];
}

/**
 * A server in memory: a real `http.Server` that listens nowhere and gets its connections from
 * the test, with a WebSocketServer. Its application answers other requests and sends messages back.
 */
export class EchoServer {
  readonly http: HttpServer;
  readonly wss: ServerInstance;
  /** the targets of requests that the application was handed */
  readonly requests: string[] = [];
  readonly accepted: AcceptedClient[] = [];
  /** what the callbacks of its options did wrong */
  readonly callbackErrors: Error[] = [];

  constructor(
    readonly scope: Scope,
    options: Loose = {},
    http: HttpServerOptions = {},
  ) {
    this.http = createServer(http, (request, response) => {
      this.requests.push(request.url ?? '');
      response.end('application');
    });
    const where = options['noServer'] === true ? {} : { server: this.http };
    this.wss = new WebSocket.WebSocketServer({ ...where, ...options } as ServerOptions);
    this.wss.on('connection', (ws: WebSocketInstance, request: IncomingMessage) =>
      this.accept(ws, request),
    );
    this.wss.on('callbackError', (error) => this.callbackErrors.push(error));
    scope.later(async () => {
      for (const { ws } of this.accepted) ws.terminate();
      await this.empty();
      await new Promise<void>((done) => this.wss.close(() => done()));
    });
  }

  /** What `connection` does: note it, send its messages back. */
  accept(ws: WebSocketInstance, request: IncomingMessage): void {
    const events = recordEvents(ws);
    this.accepted.push({ ws, request, events });
    ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }));
  }

  /** A new connection to the server, and the bytes sent over it. */
  connect(bytes: Buffer | string = ''): RawClient {
    return connectRaw(this.scope, this.http, bytes);
  }

  /** Every accepted WebSocket is closed, with one 'close' event, and not in `clients` any more. */
  async empty(): Promise<void> {
    const open = (): AcceptedClient[] => this.accepted.filter(({ ws }) => ws.readyState !== 3);
    await until(
      () => open().length === 0,
      () => `${open().length} of ${this.accepted.length} WebSockets to close`,
    );
    for (const { events } of this.accepted) {
      const closes = events.filter((event) => event.startsWith('close'));
      const errors = events.filter((event) => event.startsWith('error'));
      if (closes.length !== 1 || errors.length > 1) throw new Error(`events: ${events.join(', ')}`);
    }
    await until(() => (this.wss.clients?.size ?? 0) === 0, 'the set of clients to be empty');
  }
}
