/** The options of a server, and their defaults. */

import type { Server as HttpServer, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { type ConnectionOptions, DEFAULTS } from '../connection/options.js';

/** What `verifyClient` is asked about. */
export interface VerifyClientInfo<Request extends IncomingMessage = IncomingMessage> {
  /**
   * The Origin header field. undefined for most clients that are not browsers, although programs
   * written for `ws` know it as a string only.
   */
  origin: string;
  /** Whether the request came over TLS. */
  secure: boolean;
  /** The request as `node:http` read it. */
  req: Request;
}

/** Takes the answer of `verifyClient`: whether the client is welcome, and if not, the response. */
export type VerifyClientAnswer = (
  result: boolean,
  /** The status of the response, 200 to 599. Default 401. */
  code?: number,
  /** The body of the response. Default: its reason phrase. */
  message?: string,
  /** Further header fields of the response. */
  headers?: OutgoingHttpHeaders,
) => void;

/** Returns whether the client is welcome, or a Promise of it. */
export type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> = (
  info: VerifyClientInfo<Request>,
) => boolean | Promise<boolean>;

/** Says through `callback` whether the client is welcome, and if not what it is answered. */
export type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> = (
  info: VerifyClientInfo<Request>,
  callback: VerifyClientAnswer,
) => void;

/**
 * Both forms, with the same parameters: only then does the compiler know the types of those that
 * are not annotated.
 */
type VerifyClient<Request extends IncomingMessage> =
  | ((info: VerifyClientInfo<Request>, callback: VerifyClientAnswer) => boolean | Promise<boolean>)
  | ((info: VerifyClientInfo<Request>, callback: VerifyClientAnswer) => void);

/** A class that a server can make its connections of. */
export type AnySocketClass<Socket = object> = new (
  address: null,
  protocols: undefined,
  // biome-ignore lint/suspicious/noExplicitAny: a subclass may ask for options of its own
  options: any,
) => Socket;

/** A server's options. Exactly one of `port`, `server` and `noServer` must be given. */
export interface ServerOptions<
  T extends AnySocketClass = AnySocketClass,
  U extends typeof IncomingMessage = typeof IncomingMessage,
> extends ConnectionOptions {
  /**
   * Listen on this port with an http server of its own. A text that is no number is the path of a
   * Unix socket or of a named pipe, as some hosts give it in an environment variable.
   */
  port?: number | undefined;
  /** The address to listen on, with `port`. Default: every address, IPv6 and IPv4. */
  host?: string | undefined;
  /** How many connections may wait to be accepted, with `port`. */
  backlog?: number | undefined;
  /**
   * Take the upgrades of this server; it is started and stopped by its owner. It may have several
   * WebSocketServers: the first one that claims a request gets it.
   */
  server?: HttpServer<U> | HttpsServer<U> | undefined;
  /** Take no upgrades; `handleUpgrade` is called instead. */
  noServer?: boolean | undefined;
  /** Accept only this path, such as `/chat`; others are answered 404. RFC 6455 §4.2.2. */
  path?: string | undefined;
  /** Whether `clients` is kept. Default true. */
  clientTracking?: boolean | undefined;
  /** Chooses a subprotocol among those asked for; false for none. */
  handleProtocols?:
    | ((protocols: Set<string>, request: InstanceType<U>) => string | false)
    | undefined;
  /**
   * Decides whom to accept. With two parameters it answers through the second one; with one it
   * returns the answer, or a Promise of it. false is answered 401.
   */
  verifyClient?: VerifyClient<InstanceType<U>> | undefined;
  /** The class to make for each connection. */
  WebSocket?: T | undefined;
}

/** Timeouts of an http server of our own, in milliseconds. */
export const HTTP_TIMEOUTS = Object.freeze({
  /** For a request to arrive. The default of node:http is 60 000. */
  requestTimeout: 20_000,
  /** How often late requests are looked for. */
  connectionsCheckingInterval: 5_000,
});

/** A server's options: what was given, over the defaults. */
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
