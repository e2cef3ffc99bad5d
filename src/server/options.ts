/** The options of a server, documented, and their defaults. */

import type { Server as HttpServer, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { type ConnectionOptions, DEFAULTS } from '../connection/options.js';
import type { AdmissionOptions } from './admission-options.js';
import type { Broker } from './broker.js';
import type { TopicsOption } from './topics-api.js';

/** The first argument of `verifyClient`. */
export interface VerifyClientInfo<Request extends IncomingMessage = IncomingMessage> {
  /**
   * The Origin header field. It is undefined for most clients that are not browsers, although the type
   * (that of `@types/ws`) is string. RFC 6455 §10.2.
   */
  origin: string;
  /** Whether the connection uses TLS. */
  secure: boolean;
  /** The request as `node:http` read it. */
  req: Request;
}

/** Receives the result of `verifyClient`: whether the client is accepted, or else the response. */
export type VerifyClientAnswer = (
  result: boolean,
  /** The status of the response, 200 to 599. Default 401. */
  code?: number,
  /** The body of the response. Default: its reason phrase. */
  message?: string,
  /** Further header fields of the response. */
  headers?: OutgoingHttpHeaders,
) => void;

/** Returns whether the client is accepted, or a Promise of it. */
export type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> = (
  info: VerifyClientInfo<Request>,
) => boolean | Promise<boolean>;

/** Calls `callback` with the result. */
export type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> = (
  info: VerifyClientInfo<Request>,
  callback: VerifyClientAnswer,
) => void;

/**
 * Both forms, with equal parameters: otherwise the compiler does not infer the types of parameters
 * without annotation.
 */
type VerifyClient<Request extends IncomingMessage> =
  | ((info: VerifyClientInfo<Request>, callback: VerifyClientAnswer) => boolean | Promise<boolean>)
  | ((info: VerifyClientInfo<Request>, callback: VerifyClientAnswer) => void);

/** When connections are closed, however active they are. */
export interface MaxLifetime {
  /** How long a connection may be open, in milliseconds; with 0 or Infinity for any time. */
  after: number;
  /**
   * How far the time of each connection may be from `after`, as a fraction of it, from 0 to 1. The
   * times are random, so that the clients do not reconnect at once. Default 0.1.
   */
  jitter?: number | undefined;
  /** The code of the Close. Default 1012, "service restart". RFC 6455 §7.4.2. */
  code?: number | undefined;
}

/** A class that a server can construct its connections with. */
export type AnySocketClass<Socket = object> = new (
  address: null,
  protocols: undefined,
  // biome-ignore lint/suspicious/noExplicitAny: a subclass may need other options
  options: any,
) => Socket;

/** The options of a server. Exactly one of `port`, `server` and `noServer` must be given. */
export interface ServerOptions<
  T extends AnySocketClass = AnySocketClass,
  U extends typeof IncomingMessage = typeof IncomingMessage,
> extends ConnectionOptions<InstanceType<T>>,
    AdmissionOptions<InstanceType<U>> {
  /**
   * The port to listen on, with a new http server; 0 for any free port. A string that is not a number
   * is the path of a Unix socket or of a named pipe. Requests that are not upgrades are answered 426. A
   * request must arrive within 20 s.
   */
  port?: number | undefined;
  /** The address to listen on, with `port`. Default: every address, IPv6 and IPv4. */
  host?: string | undefined;
  /** The maximum number of pending TCP connections, with `port`. Default: 511, as in Node. */
  backlog?: number | undefined;
  /**
   * The http or https server whose upgrade requests are taken. The program starts and stops it. It
   * may have several WebSocketServers: the first one that claims a request gets it.
   */
  server?: HttpServer<U> | HttpsServer<U> | undefined;
  /** Whether only `handleUpgrade` accepts clients. Default false. */
  noServer?: boolean | undefined;
  /**
   * The only path that is accepted, such as `/chat`; the query is not compared. Other paths are
   * answered 404. Default: every path. RFC 6455 §4.2.2.
   */
  path?: string | undefined;
  /** Whether `clients` has the open connections. Default true. */
  clientTracking?: boolean | undefined;
  /**
   * Chooses one of the subprotocols that the client asks for; false for none. A Promise is not
   * awaited. Default: the first one. RFC 6455 §4.2.2.
   */
  handleProtocols?:
    | ((protocols: Set<string>, request: InstanceType<U>) => string | false)
    | undefined;
  /**
   * Decides which clients are accepted. With one parameter it returns a boolean or a Promise of one;
   * false is answered 401. With two parameters it calls `callback(result, status?, message?,
   * headers?)`: `status` is 200 to 599, `message` is the body. Default: every client.
   */
  verifyClient?: VerifyClient<InstanceType<U>> | undefined;
  /**
   * The most bytes that may wait for all connections together, each message with 128 more; the buffers
   * of the sockets do not count. Above it, connections are closed as with `overflow: 'close'`: the one
   * whose oldest message waits longest goes first. It stops many slow readers, each of which is within
   * `maxBufferedAmount`. 0 and Infinity are no budget. Default: no limit.
   */
  memoryBudget?: number | undefined;
  /**
   * The lifetime of a connection: `{ after, jitter, code }`. Then it is closed with a closing
   * handshake, after the messages that were sent on it. The clients connect again, so that servers
   * that were started later get their share of them. Default: no limit.
   */
  maxLifetime?: MaxLifetime | undefined;
  /**
   * Whether `metrics()` has the types and lengths of messages, and the ratio of compression. That costs
   * some time for every message of the process. Default false.
   */
  messageMetrics?: boolean | undefined;
  /**
   * Carries what is published to the topics of other servers, and back: see docs/topics.md. `subscribe`
   * and `publish` stay as they are. Default: none.
   */
  broker?: Broker | undefined;
  /**
   * Which topics have a history: `{ news: { history: { size, ttl } } }`, or a function that returns
   * `{ history }` or undefined for a name. Of such a topic the last `size` messages are kept for `ttl`
   * milliseconds: see `since`. With a `broker`, all servers must have the same. Default: none.
   */
  topics?: TopicsOption | undefined;
  /** The class of the connections: `WebSocket` or a class that extends it. Default: `WebSocket`. */
  WebSocket?: T | undefined;
}

/** The timeouts of the http server of `port`, in milliseconds. */
export const HTTP_TIMEOUTS = Object.freeze({
  /** The time limit for a request. The default of node:http is 60 000. */
  requestTimeout: 20_000,
  /** The interval of the checks for late requests. */
  connectionsCheckingInterval: 5_000,
});

/** Returns the given options, with defaults for those that are undefined. */
export function serverOptions<T extends AnySocketClass, U extends typeof IncomingMessage>(
  given: ServerOptions<T, U>,
  Class: AnySocketClass,
): ServerOptions<T, U> {
  const defaults = serverDefaults(Class) as ServerOptions<T, U>;
  const options = { ...defaults, ...given };
  for (const [name, value] of Object.entries(defaults)) {
    if (Reflect.get(options, name) === undefined) Reflect.set(options, name, value);
  }
  if (options.perMessageDeflate === true) options.perMessageDeflate = {};
  return options;
}

function serverDefaults(Class: AnySocketClass): object {
  return {
    allowSynchronousEvents: true,
    autoPong: DEFAULTS.autoPong,
    maxBufferedChunks: DEFAULTS.maxBufferedChunks,
    maxFragments: DEFAULTS.maxFragments,
    maxPayload: DEFAULTS.maxPayload,
    maxPendingAutoPongs: DEFAULTS.maxPendingAutoPongs,
    skipUTF8Validation: DEFAULTS.skipUTF8Validation,
    perMessageDeflate: false,
    handleProtocols: null,
    clientTracking: true,
    closeTimeout: DEFAULTS.closeTimeout,
    verifyClient: null,
    noServer: false,
    backlog: null,
    server: null,
    host: null,
    path: null,
    port: null,
    WebSocket: Class,
  };
}
