/** The http server that a WebSocketServer takes requests from, and how it closes. */

import type { EventEmitter } from 'node:events';
import * as http from 'node:http';
import type { ListenOptions } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import { toLimit, toTimeout } from '../connection/options.js';
import { type Timer, time } from '../connection/time.js';
import type { SessionServer } from '../websocket/session-owner.js';
import { Admission } from './admission.js';
import { MemoryBudget } from './memory-budget.js';
import { type AnySocketClass, HTTP_TIMEOUTS, type ServerOptions } from './options.js';
import { PendingHandshakes, type TimeLimit } from './pending-handshakes.js';
import { answerPlainRequest } from './refusal.js';
import type { ConnectionEvent } from './return-request.js';
import { Routes } from './routes.js';
import { attach, type Candidate, type Claim } from './shared-server.js';
import type { Upgrade } from './upgrade-request.js';
import { reportCallbackError } from './upgrade-server.js';

type Phase = 'RUNNING' | 'CLOSING' | 'CLOSED';

/** The members of a server that its lifecycle uses. Programs override these methods. */
export interface LifecycleOwner extends EventEmitter {
  readonly options: Pick<
    ServerOptions<AnySocketClass>,
    'path' | 'handshakeTimeout' | 'memoryBudget'
  >;
  readonly clients: Set<object> | undefined;
  shouldHandle(request: http.IncomingMessage): unknown;
  handleUpgrade(
    request: http.IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (client: object, request: http.IncomingMessage) => void,
  ): void;
}

/** The state of a server that `server.close` changes. */
export class Lifecycle implements SessionServer {
  phase: Phase = 'RUNNING';
  /** The http server that it takes requests from. */
  http: http.Server | undefined;
  readonly pending = new PendingHandshakes();
  readonly admission = new Admission();
  readonly routes = new Routes();
  /** Removes the listeners from the http server. */
  detach: () => void = () => {};

  private readonly owner: LifecycleOwner;
  /** Whether `shouldHandle` is not overridden, so that only the option `path` decides. */
  private readonly comparesPath: () => boolean;
  private ownsHttp = false;
  private sharedBudget: MemoryBudget | undefined;
  /** 'close' waits for the last client. */
  private closesWhenEmpty = false;
  /** The requests for which `shouldHandle` returned true already: it is called once per request. */
  private readonly claimed = new WeakSet<http.IncomingMessage>();

  constructor(owner: LifecycleOwner, comparesPath: () => boolean) {
    this.owner = owner;
    this.comparesPath = comparesPath;
  }

  /** As for sessions: reactive frameworks do not proxy an object with its own tag. */
  get [Symbol.toStringTag](): string {
    return 'Lifecycle';
  }

  /** Whether `shouldHandle` returned true for the request already. */
  takeClaim(request: http.IncomingMessage): boolean {
    return this.claimed.delete(request);
  }

  /** Creates an http server and listens on a port. */
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

  /** The memory that the backlogs of all connections share. @param limit the option `memoryBudget` */
  get budget(): MemoryBudget | undefined {
    const max = toLimit(this.owner.options.memoryBudget, 0);
    if (max === 0) return undefined;
    this.sharedBudget ??= new MemoryBudget();
    this.sharedBudget.max = max;
    return this.sharedBudget;
  }

  /** Stops accepting clients. 'close' follows when the last connection has ended. */
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
    // An own http server keeps its listener: later upgrades on open connections are answered 503.
    if (!this.ownsHttp) this.detach();
    this.pending.close();
    const server = this.http;
    this.http = undefined;
    if (this.ownsHttp && server) closeOwn(server, () => this.closeWithClients());
    else time.nextTick(() => this.closeWithClients());
  }

  onSocketError(error: Error, client: object, request: http.IncomingMessage | undefined): boolean {
    return this.owner.emit('socketError', error, client, request);
  }

  onClientEnd(client: object): void {
    const { clients } = this.owner;
    this.admission.connections--;
    clients?.delete(client);
    if (!this.closesWhenEmpty || (clients && clients.size > 0)) return;
    this.closesWhenEmpty = false;
    time.nextTick(() => this.emitClose());
  }

  private closeWithClients(): void {
    const { clients } = this.owner;
    if (clients && clients.size > 0) this.closesWhenEmpty = true;
    else this.emitClose();
  }

  private emitClose(): void {
    this.phase = 'CLOSED';
    this.owner.emit('close');
  }

  /** Returns this server in the form that `shared-server.ts` uses. */
  private candidate(): Candidate {
    const { owner } = this;
    const emitConnection = (client: object, request: http.IncomingMessage) =>
      owner.emit('connection', client, request);
    return {
      claimedPath: () => {
        if (!this.comparesPath() || this.routes.size > 0) return null;
        return owner.options.path || undefined;
      },
      ask: (upgrade, answer) => this.askWhetherOurs(upgrade, answer),
      handle: ({ request, socket, head }, isAsked) => {
        if (isAsked) this.claimed.add(request);
        owner.handleUpgrade(request, socket, head, emitConnection);
      },
    };
  }

  private askWhetherOurs({ request, socket }: Upgrade, answer: (claim: Claim) => void): void {
    const answered = {
      onAnswer: (isOurs: unknown) => answer(isOurs ? 'YES' : 'NO'),
      onError: (error: unknown, isPending: boolean) => {
        if (isPending) answer('FAILED');
        reportCallbackError(this.owner, error, request);
      },
      onClosed: () => answer('NO'),
    };
    const limit = (): TimeLimit | undefined => {
      const milliseconds = toLimit(this.owner.options.handshakeTimeout, 0);
      if (milliseconds === 0) return undefined;
      return { milliseconds: toTimeout(milliseconds, 0), onTimeout: () => answer('LATE') };
    };
    this.pending.ask(socket, () => this.owner.shouldHandle(request), answered, limit);
  }
}

/** @returns undefined for an object that only forwards the events of an http server */
function connectionEventOf(server: http.Server): ConnectionEvent | undefined {
  if (server instanceof TlsServer) return 'secureConnection';
  return server instanceof http.Server ? 'connection' : undefined;
}

/** Returns the path of a Unix socket or named pipe, or a port, as `net.Server.listen` reads them. */
function placeOf(port: number | string, host: string | null | undefined): ListenOptions {
  const isPath = typeof port === 'string' && !(Number(port) >= 0);
  return isPath ? { path: port } : { port: port as number, host: host ?? undefined };
}

/**
 * Closes an own http server, which waits for its connections. A closing server does not check for late
 * requests, so a client that sends nothing would keep it open.
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
