/**
 * The interface of a WebSocketServer for programs, and the only place where it is documented. The
 * class implements the interface, and `index.ts` extends it.
 */

import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CloseInfo, Traffic } from '../connection/close-info.js';
import type { PrepareOptions, QueueOptions } from '../websocket/api.js';
import type { BufferLike } from '../websocket/payload.js';
import type { PreparedMessage } from '../websocket/prepared.js';
import type { Authenticate, WithContext } from './admission-options.js';
import type { HandlerApi, RouteOptions } from './handler-api.js';
import type { AnySocketClass } from './options.js';
import type { ShutdownOptions, ShutdownReport } from './shutdown-options.js';
import type { TopicEvents, TopicStats } from './topics-api.js';

/** The options of `broadcast`: which connections receive the message. */
export interface BroadcastOptions<Client, Plain = Client> extends PrepareOptions, QueueOptions {
  /** A connection that does not receive the message, often its sender. Default: none. */
  except?: Plain | undefined;
  /** Called with each connection: whether it receives the message. Default: all do. */
  filter?: ((client: Client) => boolean) | undefined;
  /** Called before `broadcast` returns: what became of the message. */
  onReport?: ((report: BroadcastReport) => void) | undefined;
}

/** On how many connections a message was sent or not. Those that were not open are not counted. */
export interface BroadcastReport {
  /** It was handed to the socket. */
  readonly sent: number;
  /** It waits for a peer that reads slowly: see `maxBufferedAmount`. */
  readonly queued: number;
  /** It was dropped for a peer that reads slowly. */
  readonly dropped: number;
  /** The connection is being closed, because there was no room for it. */
  readonly closed: number;
}

/** How many clients were refused, by the option or the step that refused them. */
export interface RefusedCounts {
  blockList: number;
  maxConnections: number;
  maxConnectionsPerAddress: number;
  maxPendingHandshakes: number;
  handshakeRatePerAddress: number;
  handshakeRate: number;
  /** The request is no opening handshake: 400, 405, 426 or 505. */
  malformed: number;
  /** Another path, or `shouldHandle` returned false: 400 or 404. */
  path: number;
  hosts: number;
  origins: number;
  authenticate: number;
  verifyClient: number;
  handshakeTimeout: number;
  /** A callback of the program failed: 500. */
  callbackError: number;
  /** The server was closed, or is shutting down: 503. */
  closing: number;
}

/** How many messages were dropped, by reason. */
export interface DroppedCounts {
  /** There was no room for it: see `overflow`. */
  full: number;
  /** A newer one with the same `key` took its place. */
  replaced: number;
  /** It waited longer than `maxQueuedAge`. */
  expired: number;
  /** Its connection was closed, because the peer reads too slowly. */
  closing: number;
  /** Its sender exceeded `messageRate`. */
  messageRate: number;
}

/** How many connections ended in one way. */
export interface CloseCount {
  /**
   * The code of the Close of whoever ended the connection; 1006 without one. After 64 different
   * pairs of code and `by`, further ones are 'other': a peer may choose among 2000 codes.
   */
  readonly code: number | 'other';
  /** `by` in `closeInfo`. */
  readonly by: CloseInfo['by'];
  /** How often. */
  readonly count: number;
}

/** What a server counts, from its creation on. */
export interface ServerStats extends TopicStats {
  /** Connections that are accepted and not closed. */
  connections: number;
  /** Handshakes that wait for the program. */
  pendingHandshakes: number;
  /** Connections that were accepted. */
  accepted: number;
  /** Handshakes without an answer: the client left first, or the program destroyed the socket. */
  abandoned: number;
  /**
   * The messages of all connections, those that have ended included. With `clientTracking: false` the
   * open ones are missing here, in `bytes` and in `buffered`.
   */
  messages: Traffic;
  /** The bytes on their sockets after the opening handshakes. */
  bytes: Traffic;
  /** The sum of `bufferedAmount` of the open connections. */
  buffered: number;
  /** Messages that were dropped, by reason. */
  dropped: DroppedCounts;
  /** How connections ended: `{ code, by, count }` for each close code and `by` of `closeInfo`. */
  closes: CloseCount[];
  /**
   * How many clients were refused since the server was made, by reason: the name of the option that
   * refused them, and `malformed`, `path`, `callbackError` (500), `closing` (503). What a shared http
   * server refuses is not in it.
   */
  refused: RefusedCounts;
}

/** The number of connections that a message was sent to. `void` admits overrides written for `ws`. */
// biome-ignore lint/suspicious/noConfusingVoidType: subclasses written for `ws` have one that returns void
export type Reached = number | void;

/**
 * Whether a server accepts clients: 'open' before `shutdown` or `close` was called, then 'draining';
 * 'closed' from the event 'close' on.
 */
export type ServerState = 'open' | 'draining' | 'closed';

/** The events of a server, with the arguments of their listeners. */
export interface WebSocketServerEvents<Client, Request> extends TopicEvents {
  /** A client was accepted, and its connection is open. */
  connection: [socket: Client, request: Request];
  /** The http server listens. */
  listening: [];
  /** The server is closed, and every connection of `clients` has ended. */
  close: [];
  /** `shutdown` was called, and nothing else has happened yet. */
  draining: [];
  /** The http server failed: the port is in use, for example. Without a listener the process ends. */
  error: [error: Error];
  /** A client will be accepted. A listener may change the lines of the response. */
  headers: [headers: string[], request: Request];
  /**
   * A request is malformed. The listener must answer it and end the socket. Other refusals do not
   * emit it.
   */
  wsClientError: [error: Error, socket: Duplex, request: Request];
  /**
   * `authenticate`, `verifyClient`, `shouldHandle`, `handleProtocols`, `origins`, `address`, the
   * class `WebSocket`, or a listener of 'headers' or 'wsClientError' threw, or its promise was
   * rejected. The client was answered 500.
   * Without a listener it is a process warning with the stack.
   */
  callbackError: [error: Error, request: Request];
  /**
   * A connection failed, and its own 'error' has no listener: the peer broke a rule or exceeded a
   * limit, or a promise of a listener was rejected (`captureRejections`). The connection is closed with
   * the code of the error, or 1011. `request` is undefined if the connection was accepted before there
   * was a listener of 'socketError'. Without a listener an error that is not the peer's is a process
   * warning with the stack.
   */
  socketError: [error: Error, socket: Client, request: Request | undefined];
}

/** The members of a server that `ws` has too. */
export interface ServerApi<Client, Request> {
  /** Never set; `@types/ws` has it. The path is `options.path`. */
  path: string;
  /** The connections that are not closed yet; undefined with `clientTracking: false`. */
  clients: Set<Client>;

  /** Returns where the server listens; null when it does not. @throws Error with `noServer` */
  address(): AddressInfo | string | null;

  /**
   * Stops accepting clients. Open connections stay open; 'close' follows when the last one has ended.
   * The http server of `port` is closed, and clients that send no request are dropped after 20 s. The
   * http server of `server` is left alone. Clients that the program has not decided on are
   * answered 503.
   * @param callback called at 'close'; with an Error if the server was closed before
   */
  close(callback?: (error?: Error) => void): void;

  /**
   * Accepts or refuses an opening handshake. RFC 6455 §4.2.
   * @param socket the socket of the request; it may be any Duplex
   * @param head the bytes that followed the request
   * @param callback receives the connection and the request, if the client is accepted
   * @throws Error if it was called for this socket before
   */
  handleUpgrade(
    request: Request,
    socket: Duplex,
    head: Buffer,
    callback: (client: Client, request: Request) => void,
  ): void;

  /**
   * Returns whether a request is for this server. By default `options.path` and the routes decide. A
   * subclass may override it, and may return a Promise. After false the client is answered 404 for another path,
   * else 400.
   */
  shouldHandle(request: Request): boolean | Promise<boolean>;

  /**
   * Accepts a valid request: the last step of `handleUpgrade`. Programs written for `ws` call or
   * replace it. It is optional in the type only, for objects that replace a server.
   * @param extensions the negotiated extensions: an object with their names as keys
   * @param key the Sec-WebSocket-Key of the request
   * @param subprotocols the subprotocols that the client asks for
   */
  completeUpgrade?(
    extensions: object,
    key: string,
    subprotocols: Set<string>,
    request: Request,
    socket: Duplex,
    head: Buffer,
    callback: (client: Client, request: Request) => void,
  ): void;
}

/** The members of a server that `ws` does not have. */
export interface BroadcastApi<Client, Plain = Client> {
  /**
   * Sends one message to every open connection. It is framed and compressed once for all of them.
   * @param data as for `send`, or a prepared message; a Blob must be read first
   * @returns the number of connections that it was sent to, or waits for
   * @throws TypeError for data that has no bytes; Error with `clientTracking: false`; what an `overflow`
   * function throws, when all others have the message
   */
  broadcast(data: BufferLike | PreparedMessage, options?: BroadcastOptions<Client, Plain>): Reached;
}

/** How a server ends. */
export interface ShutdownApi {
  /** Whether the server accepts clients, for a readiness probe: 'open', 'draining' or 'closed'. */
  readonly state: ServerState;

  /**
   * Ends the server and its connections: emits 'draining', accepts clients during `lameDuck`, then
   * answers them with 503, and closes every connection after the messages that were sent on it. What
   * is left at `timeout` is dropped. The http server of `port` is closed last, that of `server` is left
   * alone. A second call returns the same Promise; a shorter time in its options counts.
   * @returns resolves when everything has ended, at the latest a second after `timeout`
   * @throws TypeError or RangeError for an invalid option; Error with `clientTracking: false`
   */
  shutdown(options?: ShutdownOptions): Promise<ShutdownReport>;

  /** Calls `shutdown` without options, or `close` with `clientTracking: false`: for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Several endpoints of one server, and what it counts. */
export interface EndpointsApi<
  T extends AnySocketClass,
  U extends typeof IncomingMessage,
  Context = unknown,
> extends HandlerApi<T, U, Context> {
  /**
   * Adds an endpoint: its connections go to the listener, and not to 'connection' nor to the callback
   * of `handleUpgrade`. A path is compared as the option `path` is; an exact one comes before a
   * prefix, and a longer prefix before a shorter one. As soon as there is a route, paths of no route
   * are answered 404, except the option `path`, whose connections are emitted as before.
   * @param path an exact path, such as `/chat`, or a prefix such as `/rooms/*`, which matches every
   * path below `/rooms/`
   * @param options options of connections and handshakes, over those of the server
   * @param listener called with each connection and its request
   * @returns the server
   * @throws TypeError for a path that no request can have, and for options that are of the whole
   * server; Error if there is a route with this path
   */
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
  /** Adds an endpoint with the options of the server. */
  route(
    path: string,
    listener: (socket: WithContext<InstanceType<T>, Context>, request: InstanceType<U>) => void,
  ): this;

  /** Returns what the server counts now. It takes a microsecond for each open connection. */
  stats(): ServerStats;

  /**
   * Returns the counters as text for Prometheus, in the format OpenMetrics 1.0. Answer with the type
   * `METRICS_CONTENT_TYPE`. docs/observability.md lists the metrics. Each call counts anew; nothing is
   * prepared before.
   * @param options labels for every line, such as the name of the server
   * @throws TypeError for a label name that OpenMetrics does not have
   */
  metrics(options?: MetricsOptions): string;
}

/** The options of `metrics`. */
export interface MetricsOptions {
  /** Labels for every line. Values may be any text. Default: none. */
  labels?: { readonly [name: string]: string } | undefined;
}
