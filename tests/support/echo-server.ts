/** A server in memory that sends messages back. */

import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http';
import WebSocket from '../../src/index.js';
import { until } from './inbox.js';
import { type Caller, connectRaw } from './raw-client.js';
import type { Scope } from './scope.js';
import {
  attend,
  type Face,
  type FaceServer,
  type FaceServerOptions,
  type Loose,
} from './websockets.js';

/** A WebSocket that the server accepted, and its events. */
export interface Guest {
  ws: Face;
  request: IncomingMessage;
  /** `message …`, `error …`, `close …` in order */
  events: string[];
}

/**
 * A server in memory: a real `http.Server` that listens nowhere and gets its connections from
 * the test, with a WebSocketServer. Its application answers other requests and sends messages back.
 */
export class Hall {
  readonly http: Server;
  readonly wss: FaceServer;
  /** the targets of requests that the application was handed */
  readonly requests: string[] = [];
  readonly guests: Guest[] = [];
  /** what the callbacks of its options did wrong */
  readonly callbackErrors: Error[] = [];

  constructor(
    readonly scope: Scope,
    options: Loose = {},
    http: ServerOptions = {},
  ) {
    this.http = createServer(http, (request, response) => {
      this.requests.push(request.url ?? '');
      response.end('application');
    });
    const where = options['noServer'] === true ? {} : { server: this.http };
    this.wss = new WebSocket.WebSocketServer({ ...where, ...options } as FaceServerOptions);
    this.wss.on('connection', (ws: Face, request: IncomingMessage) => this.admit(ws, request));
    this.wss.on('callbackError', (error) => this.callbackErrors.push(error));
    scope.later(async () => {
      for (const { ws } of this.guests) ws.terminate();
      await this.empty();
      await new Promise<void>((done) => this.wss.close(() => done()));
    });
  }

  /** What `connection` does: note it, send its messages back. */
  admit(ws: Face, request: IncomingMessage): void {
    const events = attend(ws);
    this.guests.push({ ws, request, events });
    ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }));
  }

  /** A new connection to the server, and the bytes sent over it. */
  call(bytes: Buffer | string = ''): Caller {
    return connectRaw(this.scope, this.http, bytes);
  }

  /** Every accepted WebSocket is closed, with one 'close' event, and not in `clients` any more. */
  async empty(): Promise<void> {
    const open = (): Guest[] => this.guests.filter(({ ws }) => ws.readyState !== 3);
    await until(
      () => open().length === 0,
      () => `${open().length} of ${this.guests.length} WebSockets to close`,
    );
    for (const { events } of this.guests) {
      const closes = events.filter((event) => event.startsWith('close'));
      const errors = events.filter((event) => event.startsWith('error'));
      if (closes.length !== 1 || errors.length > 1) throw new Error(`events: ${events.join(', ')}`);
    }
    await until(() => (this.wss.clients?.size ?? 0) === 0, 'the set of clients to be empty');
  }
}
