/** The class WebSocketServer: reads arguments, and calls its lifecycle and handshakes. */

import { captureRejectionSymbol, EventEmitter } from 'node:events';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ASYNC_DISPOSE } from '../connection/async-dispose.js';
import { toError } from '../connection/callbacks.js';
import { hasConnection } from '../connection/connection.js';
import { pathOf } from '../handshake/server.js';
import { EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import { replaceProperty } from '../websocket/class-properties.js';
import type { BufferLike } from '../websocket/payload.js';
import { PreparedMessage } from '../websocket/prepared.js';
import type { TopicNames } from '../websocket/server-topics.js';
import { sessionOf, WebSocket } from '../websocket/websocket.js';
import { type Acceptance, accept, openClient } from './accept.js';
import type { Authenticate, WithContext } from './admission-options.js';
import type {
  BroadcastApi,
  BroadcastOptions,
  EndpointsApi,
  MetricsOptions,
  Reached,
  ServerApi,
  ServerState,
  ServerStats,
  ShutdownApi,
} from './api.js';
import { broadcastTo } from './broadcast.js';
import { checkIsObject, checkRoute, checkServerOptions } from './check-options.js';
import type { ConnectionHandler, RouteOptions } from './handler-api.js';
import { recordRefusal } from './handshake-record.js';
import { Lifecycle, type LifecycleOwner } from './lifecycle.js';
import { type AnySocketClass, type ServerOptions, serverOptions } from './options.js';
import { refuseIfClosing } from './refuse-if-closing.js';
import { reportRejection, withRejections } from './rejections.js';
import { beginHandshake, socketInUseError } from './shared-server.js';
import {
  checkShutdownOptions,
  type ShutdownOptions,
  type ShutdownReport,
} from './shutdown-options.js';
import { serverStats } from './stats.js';
import type { PublishOptions, TopicsApi } from './topics-api.js';
import { OpeningHandshake } from './upgrade.js';
import {
  type Accepted,
  destroyOnThrow,
  failHandshake,
  ignore,
  type NegotiatedExtensions,
  type UpgradeServer,
} from './upgrade-server.js';

type Request = typeof IncomingMessage;

/** The option of a route that `route` itself looks at. */
type RouteRejections = { readonly captureRejections?: boolean | undefined };

/** What every listener of a route is. */
type AnyListener = Parameters<EventEmitter['on']>[1];

/** The key of the state. It works through proxies and objects that inherit from a server. */
const LIFECYCLE = Symbol('ws6455.lifecycle');

/** @returns undefined for objects that the constructor did not create, such as the prototype */
export function lifecycleOf(server: { readonly [LIFECYCLE]?: Lifecycle }): Lifecycle | undefined {
  return server[LIFECYCLE];
}

/** A server of WebSockets, on its own port, on an http server, or used through `handleUpgrade`. */
export class WebSocketServer<
    T extends AnySocketClass = AnySocketClass,
    U extends Request = Request,
    Context = unknown,
  >
  extends EventEmitter
  implements
    ServerApi<WithContext<InstanceType<T>, Context>, InstanceType<U>>,
    BroadcastApi<WithContext<InstanceType<T>, Context>, InstanceType<T>>,
    EndpointsApi<T, U, Context>,
    ShutdownApi,
    TopicsApi<InstanceType<T>>
{
  options: ServerOptions<T, U>;
  declare clients: Set<WithContext<InstanceType<T>, Context>>;
  declare path: string;
  /** @internal */
  declare readonly [LIFECYCLE]: Lifecycle;

  /**
   * Checks the options, and with `port` listens: `index.ts` documents the parameters.
   */
  constructor(options?: ServerOptions<T, U>, callback?: () => void) {
    super({ captureRejections: Boolean(options?.captureRejections) });
    checkIsObject(options);
    this.options = serverOptions(options ?? {}, WebSocket);
    checkServerOptions(this.options, comparesPath(this));
    const lifecycle = ensureLifecycle(this as unknown as Owner);
    const { server, noServer, clientTracking, port, host, backlog } = this.options;
    if (clientTracking) this.clients = new Set();
    if (this.options.messageMetrics) lifecycle.counters.countMessages(this);
    if (server) lifecycle.attachTo(server as HttpServer);
    else if (!noServer) lifecycle.listen(port ?? 0, host, backlog, callback);
    if (this.options.broker) lifecycle.topics.open();
  }

  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return lifecycleOf(this)?.http?.address() ?? null;
  }

  broadcast(
    data: BufferLike | PreparedMessage,
    options: BroadcastOptions<WithContext<InstanceType<T>, Context>, InstanceType<T>> = {},
  ): Reached {
    if (!this.clients) throw new Error('broadcast() needs the option clientTracking');
    const prepared = data instanceof PreparedMessage ? data : new PreparedMessage(data, options);
    return broadcastTo(this.clients, prepared, options);
  }

  close(callback?: (error?: Error) => void): void {
    this[LIFECYCLE].close(callback);
  }

  get state(): ServerState {
    return this[LIFECYCLE]?.state;
  }

  /** A subclass written for `ws` may have a property with this name. */
  set state(value: unknown) {
    replaceProperty(this, 'state', value);
  }

  shutdown(options: ShutdownOptions = {}): Promise<ShutdownReport> {
    checkShutdownOptions(options);
    if (!this.clients) throw new Error('shutdown() needs the option clientTracking');
    return this[LIFECYCLE].shutDown(options);
  }

  async [ASYNC_DISPOSE](): Promise<void> {
    if (this.clients) await this.shutdown();
    else await new Promise<void>((resolve) => this.close(() => resolve()));
  }

  route<Class extends AnySocketClass = T, RouteContext = Context>(
    path: string,
    options: RouteOptions<Class, U> & {
      authenticate?: Authenticate<InstanceType<U>, RouteContext> | undefined;
    },
    listener: (
      socket: WithContext<InstanceType<Class>, RouteContext>,
      request: InstanceType<U>,
    ) => void,
  ): this;
  route(
    path: string,
    listener: (socket: WithContext<InstanceType<T>, Context>, request: InstanceType<U>) => void,
  ): this;
  route(
    path: string,
    ...given: [listener: AnyListener] | [options: RouteRejections, listener: AnyListener]
  ): this {
    const [options, listener] = given.length === 1 ? [{}, given[0]] : given;
    checkRoute(options, listener);
    const { routes } = ensureLifecycle(this as unknown as Owner);
    const { event } = routes.add(path, options);
    const isCaptured = options.captureRejections && !this.options.captureRejections;
    this.on(event, isCaptured ? withRejections(this, event, listener) : listener);
    return this;
  }

  handle<Class extends AnySocketClass = T, RouteContext = Context>(
    path: string,
    options: RouteOptions<Class, U> & {
      authenticate?: Authenticate<InstanceType<U>, RouteContext> | undefined;
    },
    handler: ConnectionHandler<Class, U, RouteContext>,
  ): this;
  handle(path: string, handler: ConnectionHandler<T, U, Context>): this;
  handle(handler: ConnectionHandler<T, U, Context>): this;
  handle(...given: unknown[]): this {
    const { handleConnections } = require('./handle.js') as typeof import('./handle.js');
    handleConnections(this, given);
    return this;
  }

  publish(
    topics: TopicNames,
    data: BufferLike | PreparedMessage,
    options?: PublishOptions<InstanceType<T>>,
  ): number {
    const except = options?.except && sessionOf(options.except as Partial<WebSocket>);
    return ensureLifecycle(this as unknown as Owner).topics.publish(topics, data, options, except);
  }

  subscribers(topic: string): number {
    return ensureLifecycle(this as unknown as Owner).topics.count(topic);
  }

  async position(topic: string) {
    return ensureLifecycle(this as unknown as Owner).topics.position(topic);
  }

  async since(topic: string, position: unknown) {
    return ensureLifecycle(this as unknown as Owner).topics.since(topic, position);
  }

  stats(): ServerStats {
    return serverStats(ensureLifecycle(this as unknown as Owner));
  }

  metrics({ labels }: MetricsOptions = {}): string {
    // Few programs need it: it is loaded with the first call.
    const { formatMetrics } = require('./metrics.js') as typeof import('./metrics.js');
    const lifecycle = ensureLifecycle(this as unknown as Owner);
    return formatMetrics(serverStats(lifecycle), lifecycle.counters, labels);
  }

  shouldHandle(request: InstanceType<U>): boolean | Promise<boolean> {
    return isServed(this as unknown as Owner, request);
  }

  handleUpgrade(
    request: InstanceType<U>,
    socket: Duplex,
    head: Buffer,
    callback: (client: WithContext<InstanceType<T>, Context>, request: InstanceType<U>) => void,
  ): void {
    if (!beginHandshake(socket)) return;
    socket.on('error', ignore);
    const owner = this as unknown as Owner;
    const lifecycle = ensureLifecycle(owner);
    const { pending, admission, counters, routes } = lifecycle;
    const context = {
      pending,
      admission,
      counters,
      routes,
      comparesPath: () => comparesPath(this),
      isClaimed: () => lifecycle.takeClaim(request),
      matchesPath: () => isServed(owner, request),
      isAccepting: () => lifecycle.isAccepting,
      closingFields: () => lifecycle.closingFields(),
    };
    const upgrade = { request, socket, head };
    const server = this as unknown as UpgradeServer;
    const handshake = new OpeningHandshake(server, context, upgrade, callback as Accepted);
    destroyOnThrow(socket, () => handshake.start());
  }

  /** Node calls it if the promise of a listener was rejected, with `captureRejections`. */
  override [captureRejectionSymbol](
    reason: Error,
    event: string | symbol,
    ...args: unknown[]
  ): void {
    const hasConnection = event === 'connection' || lifecycleOf(this)?.routes.hasEvent(event);
    reportRejection(this, reason, event, args, Boolean(hasConnection));
  }

  completeUpgrade(
    extensions: NegotiatedExtensions,
    key: string,
    subprotocols: Set<string>,
    request: InstanceType<U>,
    socket: Duplex,
    head: Buffer,
    callback: (client: WithContext<InstanceType<T>, Context>, request: InstanceType<U>) => void,
  ): void {
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    if (hasConnection(socket)) throw socketInUseError();
    const lifecycle = ensureLifecycle(this as unknown as Owner);
    if (refuseIfClosing(lifecycle, { request, socket })) return;
    const server = this as unknown as UpgradeServer;
    const extension = extensions[EXTENSION_NAME];
    let acceptance: Acceptance;
    try {
      acceptance = accept(server, extension, key, subprotocols, request, lifecycle);
    } catch (error) {
      const upgrade = { request, socket };
      recordRefusal(this, lifecycle.admission, upgrade, 'callbackError', 500, toError(error));
      failHandshake(this, error, { request, socket });
      return;
    }
    // A listener of 'headers' may have closed the server.
    if (refuseIfClosing(lifecycle, { request, socket })) return;
    openClient(acceptance, server, lifecycle, { socket, head });
    lifecycle.onClientOpen(acceptance.client, acceptance.options.maxLifetime);
    callback(acceptance.client as unknown as WithContext<InstanceType<T>, Context>, request);
  }
}

interface Owner extends LifecycleOwner {
  readonly [LIFECYCLE]?: Lifecycle;
}

/**
 * Returns the state of a server. For an object that the constructor did not create, such as a mock, a
 * new one is created.
 */
function ensureLifecycle(server: Owner): Lifecycle {
  const existing = server[LIFECYCLE];
  if (existing !== undefined) return existing;
  const lifecycle = new Lifecycle(server, () => comparesPath(server));
  // A prototype has none: all objects that inherit from it would share it.
  if (Object.hasOwn(server, 'constructor')) return lifecycle;
  // Enumerable, so that a copy of the properties works; configurable, so that a proxy may return
  // another value.
  const property = { configurable: true, enumerable: true, value: lifecycle };
  Object.defineProperty(server, LIFECYCLE, property);
  return lifecycle;
}

/** Whether a server does not override `shouldHandle`. */
function comparesPath(server: { readonly shouldHandle: unknown }): boolean {
  return server.shouldHandle === WebSocketServer.prototype.shouldHandle;
}

/** Whether a route or the option `path` has the path of a request; without both, every path. */
function isServed(server: Owner, request: IncomingMessage): boolean {
  const { path } = server.options;
  const routes = server[LIFECYCLE]?.routes;
  if (routes?.find(request) !== undefined) return true;
  return path ? pathOf(request.url) === path : !routes?.size;
}
