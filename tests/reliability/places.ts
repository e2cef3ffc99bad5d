/** Where the tests of this folder meet the product: a server in memory, and clients to it. */

import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import WebSocket from '../../src/index.js';
import type { WireEnd } from '../support/duplex-pair.js';
import { Inbox, until } from '../support/inbox.js';
import type { Scope } from '../support/scope.js';

export type Face = InstanceType<typeof WebSocket>;
export type FaceServer = InstanceType<typeof WebSocket.WebSocketServer>;
export type FaceServerOptions = NonNullable<
  ConstructorParameters<typeof WebSocket.WebSocketServer>[0]
>;
export type FaceOptions = NonNullable<ConstructorParameters<typeof WebSocket>[2]>;

/** Options as the tests write them: also wrong ones, which is what some tests are about. */
export type Loose = Record<string, unknown>;

/** A caller of a hall: its end of the wire, and what comes out of it. */
export interface Caller {
  wire: WireEnd;
  /** the server's end of the same wire */
  far: WireEnd;
  inbox: Inbox;
}

/** A WebSocket that a hall accepted, and what it was told. */
export interface Guest {
  ws: Face;
  request: IncomingMessage;
  /** `message …`, `error …`, `close …` in order */
  events: string[];
}

/** Notes what a WebSocket is told. */
export function attend(ws: Face): string[] {
  const events: string[] = [];
  ws.on('open', () => events.push('open'));
  ws.on('message', (data) => events.push(`message ${(data as Buffer).toString()}`));
  ws.on('error', (error) => events.push(`error ${error.message}`));
  ws.on('close', (code) => events.push(`close ${code}`));
  return events;
}

/**
 * A server in memory: a real `http.Server` that listens nowhere and is handed its connections, and
 * a WebSocketServer on it. Its application answers other requests and sends messages back.
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
    const [wire, far] = this.scope.wire();
    const inbox = new Inbox(wire);
    this.http.emit('connection', far);
    if (bytes.length > 0) wire.write(bytes);
    return { wire, far, inbox };
  }

  /** Every accepted WebSocket is closed, was told so exactly once, and is forgotten. */
  async empty(): Promise<void> {
    const open = (): Guest[] => this.guests.filter(({ ws }) => ws.readyState !== 3);
    await until(
      () => open().length === 0,
      () => `${open().length} of ${this.guests.length} WebSockets to close`,
    );
    for (const { events } of this.guests) {
      const closes = events.filter((event) => event.startsWith('close'));
      const errors = events.filter((event) => event.startsWith('error'));
      if (closes.length !== 1 || errors.length > 1) throw new Error(`told: ${events.join(', ')}`);
    }
    await until(() => (this.wss.clients?.size ?? 0) === 0, 'the set of clients to be empty');
  }
}

/** A connection that a client asked for: its options, and the far end of the wire. */
export interface Arrival {
  to: { host?: string; port?: number | string; servername?: string };
  wire: WireEnd;
  inbox: Inbox;
}

/** A client in memory: each connection it asks for arrives here. */
export class Dialer {
  readonly ws: Face;
  readonly events: string[];
  readonly errors: NodeJS.ErrnoException[] = [];
  readonly arrivals: Arrival[] = [];

  constructor(
    readonly scope: Scope,
    url = 'ws://server.example.com/chat',
    options: Loose = {},
    protocols?: string | string[],
  ) {
    const createConnection = (to: Arrival['to']): Duplex => {
      const [near, wire] = scope.wire();
      this.arrivals.push({ to, wire, inbox: new Inbox(wire) });
      return near;
    };
    const all = { perMessageDeflate: false, createConnection, ...options } as FaceOptions;
    this.ws =
      protocols === undefined ? new WebSocket(url, all) : new WebSocket(url, protocols, all);
    this.events = attend(this.ws);
    this.ws.on('error', (error) => this.errors.push(error));
    scope.track(this.ws);
  }

  /** The nth connection that the client asked for. */
  async arrival(index = 0): Promise<Arrival> {
    await until(
      () => this.arrivals.length > index,
      () => `connection ${index}; told: ${this.events.join(', ')}`,
    );
    const arrival = this.arrivals[index];
    if (arrival === undefined) throw new Error('no such connection');
    return arrival;
  }

  async closed(): Promise<void> {
    await until(
      () => this.events.some((event) => event.startsWith('close')),
      () => `"close"; told: ${this.events.join(', ')}`,
    );
  }

  /** The client failed as it should: one error, then one close, nothing else; and it hung up. */
  async failed(): Promise<string> {
    await this.closed();
    const [error = '', close, ...more] = this.events;
    if (!error.startsWith('error ') || close !== 'close 1006' || more.length > 0) {
      throw new Error(`told: ${this.events.join(', ')}`);
    }
    for (const { inbox } of this.arrivals) await until(() => inbox.ended, 'the client to hang up');
    return error.slice('error '.length);
  }
}
