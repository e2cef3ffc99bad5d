/** Where a server gets its requests from, and how it stops. */

import type { EventEmitter } from 'node:events';
import * as http from 'node:http';
import type { ListenOptions } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import { type Timer, time } from '../connection/time.js';
import { HTTP_TIMEOUTS } from './options.js';
import { PendingHandshakes } from './pending-handshakes.js';
import { answerPlainRequest } from './refusal.js';
import type { ConnectionEvent } from './return-request.js';
import { attach, type Candidate, type Claim } from './shared-server.js';
import type { Upgrade } from './upgrade-request.js';
import { reportCallbackError } from './upgrade-server.js';

type Phase = 'RUNNING' | 'CLOSING' | 'CLOSED';

/** What the lifecycle needs of its server. Programs override these methods. */
export interface LifecycleOwner extends EventEmitter {
  readonly options: { readonly path?: string | null | undefined };
  readonly clients: Set<object> | undefined;
  shouldHandle(request: http.IncomingMessage): unknown;
  handleUpgrade(
    request: http.IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (client: object, request: http.IncomingMessage) => void,
  ): void;
}

/** The state of a server. */
export class Lifecycle {
  phase: Phase = 'RUNNING';
  /** The http server that it takes requests from. */
  http: http.Server | undefined;
  readonly pending = new PendingHandshakes();
  /** Takes no more upgrades from the http server. */
  detach: () => void = () => {};

  private readonly owner: LifecycleOwner;
  /** Whether the option `path` alone decides which requests are for this server. */
  private readonly comparesPath: () => boolean;
  private ownsHttp = false;
  /** 'close' waits for the last client. */
  private closesWhenEmpty = false;
  /** Requests that this server claimed when it was asked: it is asked once. */
  private readonly claimed = new WeakSet<http.IncomingMessage>();

  constructor(owner: LifecycleOwner, comparesPath: () => boolean) {
    this.owner = owner;
    this.comparesPath = comparesPath;
  }

  /** Deep proxies, such as those of reactive frameworks, leave objects with a tag of their own alone. */
  get [Symbol.toStringTag](): string {
    return 'Lifecycle';
  }

  /** Whether this server was asked before whether it handles the request, and does. */
  takeClaim(request: http.IncomingMessage): boolean {
    return this.claimed.delete(request);
  }

  /** Listens on a port, with an http server of its own. */
  listen(
    port: number | string,
    host: string | null | undefined,
    backlog: number | null | undefined,
    callback: (() => void) | undefined,
  ): void {
    const server = http.createServer(
      {
        headersTimeout: HTTP_TIMEOUTS.requestTimeout,
        requestTimeout: HTTP_TIMEOUTS.requestTimeout,
        connectionsCheckingInterval: HTTP_TIMEOUTS.connectionsCheckingInterval,
      },
      (request, response) => answerPlainRequest(request, response),
    );
    this.ownsHttp = true;
    this.attachTo(server);
    server.listen({ ...placeOf(port, host), backlog: backlog ?? undefined }, callback);
  }

  /** Takes the upgrade requests of an http server. */
  attachTo(server: http.Server): void {
    const onListening = () => this.owner.emit('listening');
    const onError = (error: Error) => this.owner.emit('error', error);
    server.on('listening', onListening);
    server.on('error', onError);
    const event = this.ownsHttp ? undefined : connectionEventOf(server);
    const detach = attach(server, this.candidate(), event);
    this.http = server;
    this.detach = () => {
      server.removeListener('listening', onListening);
      server.removeListener('error', onError);
      detach();
    };
  }

  /** Stops accepting. 'close' follows when the last client is gone. */
  close(callback: ((error?: Error) => void) | undefined): void {
    const { owner } = this;
    if (this.phase === 'CLOSED') {
      if (callback) owner.once('close', () => callback(new Error('The server is not running')));
      time.nextTick(() => owner.emit('close'));
      return;
    }
    if (callback) owner.once('close', () => callback());
    if (this.phase === 'CLOSING') return;
    this.phase = 'CLOSING';
    // On a port of our own, upgrades that still come on open connections are answered 503.
    if (!this.ownsHttp) this.detach();
    this.pending.close();
    const server = this.http;
    this.http = undefined;
    if (this.ownsHttp && server) closeOwn(server, () => this.closeWithClients());
    else time.nextTick(() => this.closeWithClients());
  }

  /** A connection is closed. One function for all connections of the server. */
  readonly onClientEnd = (client: object): void => {
    const { clients } = this.owner;
    clients?.delete(client);
    if (!this.closesWhenEmpty || (clients && clients.size > 0)) return;
    this.closesWhenEmpty = false;
    time.nextTick(() => this.emitClose());
  };

  private closeWithClients(): void {
    const { clients } = this.owner;
    if (clients && clients.size > 0) this.closesWhenEmpty = true;
    else this.emitClose();
  }

  private emitClose(): void {
    this.phase = 'CLOSED';
    this.owner.emit('close');
  }

  /** What the http server sees of this server. */
  private candidate(): Candidate {
    const { owner } = this;
    const emitConnection = (client: object, request: http.IncomingMessage) =>
      owner.emit('connection', client, request);
    return {
      claimedPath: () => (this.comparesPath() ? owner.options.path || undefined : null),
      ask: (upgrade, answer) => this.askWhetherOurs(upgrade, answer),
      handle: ({ request, socket, head }, isAsked) => {
        if (isAsked) this.claimed.add(request);
        owner.handleUpgrade(request, socket, head, emitConnection);
      },
    };
  }

  private askWhetherOurs({ request, socket }: Upgrade, answer: (claim: Claim) => void): void {
    this.pending.ask(socket, () => this.owner.shouldHandle(request), {
      onAnswer: (isOurs) => answer(isOurs ? 'YES' : 'NO'),
      onError: (error, isPending) => {
        if (isPending) answer('FAILED');
        reportCallbackError(this.owner, error, request);
      },
      onClosed: () => answer('NO'),
    });
  }
}

/** undefined for an object that only forwards the events of an http server. */
function connectionEventOf(server: http.Server): ConnectionEvent | undefined {
  if (server instanceof TlsServer) return 'secureConnection';
  return server instanceof http.Server ? 'connection' : undefined;
}

/** A path (of a Unix socket or a named pipe) or a port, as `net.Server.listen` reads them. */
function placeOf(port: number | string, host: string | null | undefined): ListenOptions {
  const isPath = typeof port === 'string' && !(Number(port) >= 0);
  return isPath ? { path: port } : { port: port as number, host: host ?? undefined };
}

/**
 * Closes an http server of our own, which waits for all of its connections. Node stops looking for
 * late requests then, so a client that sends nothing would keep it open.
 */
function closeOwn(server: http.Server, onClosed: () => void): void {
  const timer: Timer = time.setTimeout(
    () => server.closeAllConnections(),
    HTTP_TIMEOUTS.requestTimeout,
  );
  timer.unref();
  server.close(() => {
    time.clearTimeout(timer);
    onClosed();
  });
}
