/** The http server that a WebSocketServer takes requests from, and how it closes. */

import type { EventEmitter } from 'node:events';
import * as http from 'node:http';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import type { DropReason } from '../connection/channels.js';
import type { CloseInfo } from '../connection/close-info.js';
import { toLimit, toTimeout } from '../connection/options.js';
import { reportShutdown } from '../connection/reports.js';
import { time } from '../connection/time.js';
import type { FieldLine } from '../handshake/server.js';
import type { SessionServer } from '../websocket/session-owner.js';
import { sessionOf, type WebSocket } from '../websocket/websocket.js';
import { Admission } from './admission.js';
import type { ServerState } from './api.js';
import { closeOwn } from './close-http.js';
import { ServerCounters } from './counters.js';
import { closeClient, dropClient } from './end-client.js';
import { Lifetimes } from './lifetimes.js';
import { MemoryBudget } from './memory-budget.js';
import {
  type AnySocketClass,
  HTTP_TIMEOUTS,
  type MaxLifetime,
  type ServerOptions,
} from './options.js';
import { createOwnHttp, placeOf } from './own-http.js';
import { PendingHandshakes, type TimeLimit } from './pending-handshakes.js';
import type { ConnectionEvent } from './return-request.js';
import { Routes } from './routes.js';
import { attach, type Candidate, type Claim } from './shared-server.js';
import { Shutdown, type ShutdownHost } from './shutdown.js';
import type { ShutdownOptions, ShutdownReport } from './shutdown-options.js';
import type { Topics } from './topics.js';
import type { TopicStats } from './topics-api.js';
import type { Upgrade } from './upgrade-request.js';
import { reportCallbackError } from './upgrade-server.js';

type Phase = 'RUNNING' | 'CLOSING' | 'CLOSED';

/** After a shutdown, how long a client that is connected may take to send its request. */
const LATE_REQUEST_TIMEOUT = 2_000;

/** Retry-After of clients that are refused by a shutdown without `retryAfter`, in seconds. */
const DEFAULT_RETRY_AFTER = 1;

/** The members of a server that its lifecycle uses. Programs override these methods. */
export interface LifecycleOwner extends EventEmitter {
  readonly options: Pick<
    ServerOptions<AnySocketClass>,
    'broker' | 'path' | 'handshakeTimeout' | 'memoryBudget' | 'topics'
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

/** The state of a server that `close` and `shutdown` change. */
export class Lifecycle implements SessionServer {
  phase: Phase = 'RUNNING';
  /** The http server that it takes requests from. */
  http: http.Server | undefined;
  readonly pending = new PendingHandshakes();
  readonly admission = new Admission();
  readonly counters = new ServerCounters();
  readonly routes = new Routes();
  /** Removes the listeners from the http server. */
  detach: () => void = () => {};

  readonly owner: LifecycleOwner;
  /** Whether `shouldHandle` is not overridden, so that only the option `path` decides. */
  private readonly comparesPath: () => boolean;
  /** The http server of the option `port`. */
  private ownHttp: http.Server | undefined;
  private shutdown: Shutdown | undefined;
  private sharedBudget: MemoryBudget | undefined;
  private lifetimes: Lifetimes | undefined;
  private usedTopics: Topics | undefined;
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
    const server = createOwnHttp();
    this.ownHttp = server;
    this.attachTo(server);
    server.listen({ ...placeOf(port, host), backlog: backlog ?? undefined }, callback);
  }

  /** Takes the upgrade requests of an http server. */
  attachTo(server: http.Server): void {
    const onListening = () => this.owner.emit('listening');
    const onError = (error: Error) => this.owner.emit('error', error);
    server.on('listening', onListening);
    server.on('error', onError);
    const event = this.ownHttp ? undefined : connectionEventOf(server);
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

  /** The topics. Few servers have any: the code is loaded when they are read first. */
  get topics(): Topics {
    if (this.usedTopics !== undefined) return this.usedTopics;
    const { Topics } = require('./topics.js') as typeof import('./topics.js');
    this.usedTopics = new Topics(this.owner, this.owner.options ?? {});
    if (this.phase === 'CLOSED') this.usedTopics.close();
    return this.usedTopics;
  }

  get topicStats(): TopicStats {
    return this.usedTopics?.stats ?? {};
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
    if (!this.ownHttp) this.detach();
    this.pending.close();
    this.http = undefined;
    if (this.ownHttp) closeOwn(this.ownHttp, this.requestTimeout, () => this.closeWithClients());
    else time.nextTick(() => this.closeWithClients());
  }

  get keepsRequests(): boolean {
    return this.owner.listenerCount('socketError') > 0;
  }

  get state(): ServerState {
    if (this.phase === 'CLOSED') return 'closed';
    return this.phase === 'RUNNING' && this.shutdown === undefined ? 'open' : 'draining';
  }

  /** Whether a client may be accepted. */
  get isAccepting(): boolean {
    return this.phase === 'RUNNING' && (this.shutdown?.isAccepting ?? true);
  }

  /** Further fields of the response to a client that is refused because the server is closing. */
  closingFields(): FieldLine[] {
    if (this.shutdown === undefined) return [];
    const delay = this.shutdown.drawDelay() ?? DEFAULT_RETRY_AFTER;
    // RFC 9110 §10.2.3: Retry-After has whole seconds.
    return [['Retry-After', String(Math.ceil(delay))]];
  }

  /** Starts a shutdown, or hardens the one that is in progress. */
  shutDown(options: ShutdownOptions): Promise<ShutdownReport> {
    if (this.shutdown !== undefined) {
      this.shutdown.harden(options);
      return this.shutdown.done;
    }
    // After close() no client is accepted that a lame duck could wait for.
    const times = this.phase === 'RUNNING' ? options : { ...options, lameDuck: 0 };
    const shutdown = new Shutdown(this.shutdownHost(), times);
    this.shutdown = shutdown;
    this.reportShutdown();
    void shutdown.done.then(() => this.reportShutdown());
    try {
      if (this.phase !== 'CLOSED') this.owner.emit('draining');
    } finally {
      shutdown.start();
    }
    return shutdown.done;
  }

  private reportShutdown(): void {
    const { owner, state, admission } = this;
    reportShutdown(() => ({ server: owner, state, open: admission.connections }));
  }

  private shutdownHost(): ShutdownHost {
    const { owner, admission, pending } = this;
    return {
      clients: owner.clients ?? new Set(),
      get refused() {
        return admission.refused.closing;
      },
      refuse: () => pending.close(),
      close: closeClient,
      drop: dropClient,
      end: (onEnded) => {
        if (this.phase === 'CLOSED') onEnded();
        else this.close(onEnded);
      },
      dropHandshakes: () => this.ownHttp?.closeAllConnections(),
    };
  }

  private get requestTimeout(): number {
    return this.shutdown === undefined ? HTTP_TIMEOUTS.requestTimeout : LATE_REQUEST_TIMEOUT;
  }

  /** A client was accepted. @param lifetime the option `maxLifetime` */
  onClientOpen(client: object, lifetime: MaxLifetime | null | undefined): void {
    if (!lifetime) return;
    this.lifetimes ??= new Lifetimes();
    this.lifetimes.start(client, lifetime);
  }

  onSocketError(error: Error, client: object, request: http.IncomingMessage | undefined): boolean {
    return this.owner.emit('socketError', error, client, request);
  }

  onRoundTrip(milliseconds: number): void {
    this.counters.roundTrips.observe(milliseconds / 1000);
  }

  onDrop(reason: DropReason): void {
    this.counters.dropped[reason]++;
  }

  onClientEnd(client: object, closeInfo: CloseInfo): void {
    const { clients } = this.owner;
    this.counters.end(closeInfo);
    this.admission.connections--;
    this.lifetimes?.stop(client);
    this.usedTopics?.onEnd(sessionOf(client as WebSocket));
    clients?.delete(client);
    this.shutdown?.countEnd(client, closeInfo.wasClean);
    if (!this.closesWhenEmpty || (clients && clients.size > 0)) return;
    this.closesWhenEmpty = false;
    time.nextTick(() => this.emitClose());
  }

  private closeWithClients(): void {
    if (this.owner.clients?.size) this.closesWhenEmpty = true;
    else this.emitClose();
  }

  private emitClose(): void {
    this.phase = 'CLOSED';
    this.counters.byType?.stop();
    this.usedTopics?.close();
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
      // After close() other servers may claim the request; a shutdown refuses it with 503.
      onClosed: () => answer(this.phase === 'RUNNING' ? 'CLOSING' : 'NO'),
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
