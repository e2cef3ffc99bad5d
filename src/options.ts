/** What can be set, and what it means. */

import type {
  ClientRequest,
  Server as HttpServer,
  IncomingMessage,
  OutgoingHttpHeaders,
} from 'node:http';
import type { Server as HttpsServer, RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ZlibOptions } from 'node:zlib';

import type WebSocket = require('./index.js');

/** Settings of permessage-deflate (RFC 7692): what to negotiate, and how to compress. */
export interface PerMessageDeflateOptions {
  /**
   * RFC 7692 §7.1.1.1: the server's messages do not refer to earlier ones. Server: true forces it,
   * false declines offers that ask for it. Client: true asks for it. Default: as the peer likes.
   */
  serverNoContextTakeover?: boolean | undefined;
  /**
   * RFC 7692 §7.1.1.2: the client's messages do not refer to earlier ones. Server: true demands
   * it. Client: true offers it, false fails the connection if the server demands it.
   */
  clientNoContextTakeover?: boolean | undefined;
  /**
   * RFC 7692 §7.1.2.1: the server's window, 8 to 15 (256 bytes to 32 KiB). Server: its size, false
   * declines offers that limit it. Client: the most it asks for. Default: 15, or the offer's.
   */
  serverMaxWindowBits?: number | boolean | undefined;
  /**
   * RFC 7692 §7.1.2.2: the client's window, 8 to 15. Server: what it demands; offers that do not
   * allow it are declined. Client: its size; false lets no server limit it. Default: 15, or what
   * the server demands.
   */
  clientMaxWindowBits?: number | boolean | undefined;
  /** Options of zlib for compressing: `level`, `memLevel`, `strategy`. The window is agreed on. */
  zlibDeflateOptions?: ZlibOptions | undefined;
  /** Options of zlib for decompressing. The window is agreed on. */
  zlibInflateOptions?: ZlibOptions | undefined;
  /**
   * Bytes; where messages do not refer to earlier ones, those that are smaller are not compressed.
   * Default 1024.
   */
  threshold?: number | undefined;
  /** Accepted for programs written for `ws`; the thread pool is given four messages at a time. */
  concurrencyLimit?: number | undefined;
}

/** What servers and clients have in common. `undefined` means the default. */
export interface ConnectionOptions {
  /**
   * The longest message that is accepted, in bytes; a longer one fails the connection with 1009.
   * 0 or Infinity = no limit. Default 104 857 600 (100 MiB). RFC 6455 §10.4.
   */
  maxPayload?: number | undefined;
  /** The most frames a message may have, else 1008. 0 or Infinity = no limit. Default 131 072. */
  maxFragments?: number | undefined;
  /** Accepted for programs written for `ws`; small pieces are joined as they come. */
  maxBufferedChunks?: number | undefined;
  /** Accepted for programs written for `ws`; only the newest unanswered Ping is kept. */
  maxPendingAutoPongs?: number | undefined;
  /** Whether Pings are answered by themselves. Default true. RFC 6455 §5.5.2. */
  autoPong?: boolean | undefined;
  /** Leaves out the check that text is UTF-8. Default false. RFC 6455 §8.1. */
  skipUTF8Validation?: boolean | undefined;
  /** Milliseconds that a closing handshake may take. Default 30 000. RFC 6455 §7.1. */
  closeTimeout?: number | undefined;
  /** Whether several messages may be delivered in one turn of the event loop. Default true. */
  allowSynchronousEvents?: boolean | undefined;
  /**
   * Whether and how messages may be compressed. RFC 7692. Default: a client offers it, a server
   * does not take it.
   */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
}

/** Fills the four bytes of a masking key. RFC 6455 §5.3 asks for unpredictable ones. */
export type GenerateMask = (mask: Buffer) => void;

/**
 * Finishes a request: sets what it likes, then must call `request.end()`. It may return a promise;
 * the reason of a rejection is emitted as 'error'.
 */
export type FinishRequestCallback = (
  request: ClientRequest,
  websocket: WebSocket.WebSocket,
) => void;

type HttpOptions = Omit<
  RequestOptions,
  'agent' | 'createConnection' | 'headers' | 'checkServerIdentity'
>;

/** A client's options, beside those of `http.request`, `https.request` and `tls.connect`. */
export interface ClientOptions extends ConnectionOptions, HttpOptions {
  /** Subprotocols to ask for; the constructor's second argument goes first. */
  protocols?: string | string[] | undefined;
  /** Must be 13. RFC 6455 §4.1. */
  protocolVersion?: number | undefined;
  /** The Origin header field. RFC 6455 §10.2. */
  origin?: string | undefined;
  /** Further header fields. */
  // biome-ignore lint/suspicious/noExplicitAny: programs written for `ws` read strings from it
  headers?: { [name: string]: any } | undefined;
  /**
   * Milliseconds from connect to 101; each redirect starts anew. With a listener of
   * 'unexpected-response' it goes on until the WebSocket is closed. Default: no limit.
   */
  handshakeTimeout?: number | undefined;
  /** Whether redirects are followed. Default false. */
  followRedirects?: boolean | undefined;
  /** How many redirects are followed. Default 10. */
  maxRedirects?: number | undefined;
  /** A source of masking keys in place of the random one. */
  generateMask?: GenerateMask | undefined;
  /** Finishes each request before it is sent. */
  finishRequest?: FinishRequestCallback | undefined;
  /** An agent to take the connection from; false for a new one. Default: none. */
  // biome-ignore lint/suspicious/noExplicitAny: agents of proxy packages have types of their own
  agent?: any;
  /**
   * Makes the connection: returns it or a promise of it, or calls back with it. Default:
   * `net.connect` or `tls.connect`.
   */
  createConnection?: // biome-ignore lint/suspicious/noExplicitAny: written for `ws`, it takes net's or tls's options
  ((options: any, callback?: any) => Duplex | null | undefined | Promise<Duplex>) | undefined;
  /** Judges the server's certificate, as for `tls.connect`. */
  // biome-ignore lint/suspicious/noExplicitAny: `ws` types the certificate as what it is not
  checkServerIdentity?: ((servername: string, certificate: any) => any) | undefined;
}

/**
 * Whether more may be sent at once; false asks to wait for 'drain'. Nothing, where a `send` written
 * for `ws` stands in its place.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: overrides of `send` written for `ws` return void
export type MaySendMore = boolean | void;

/** How a message is prepared for many connections. */
export interface PrepareOptions {
  /** Whether it is binary; default: everything but strings and numbers is. */
  binary?: boolean | undefined;
  /** Whether it may be compressed. Default true. RFC 7692 §6. */
  compress?: boolean | undefined;
}

/** To whom a message is sent. */
export interface BroadcastOptions<Client> extends PrepareOptions {
  /** A connection that it is not sent to: often the one that it came from. */
  except?: Client | undefined;
  /** Whether it is sent to this connection. Default: to each. */
  filter?: ((client: Client) => boolean) | undefined;
}

/** To how many a message was sent. Nothing, where a `broadcast` of a program's own stands there. */
// biome-ignore lint/suspicious/noConfusingVoidType: subclasses written for `ws` have one that returns void
export type Reached = number | void;

/** How a message is sent. */
export interface SendOptions {
  /** Whether it is binary; default: everything but strings and numbers is. */
  binary?: boolean | undefined;
  /** Whether it may be compressed, if the two ends agreed on that. Default true. RFC 7692 §6. */
  compress?: boolean | undefined;
  /** False when more fragments of this message follow. Default true. RFC 6455 §5.4. */
  fin?: boolean | undefined;
  /** Accepted for programs written for `ws`; the role decides. RFC 6455 §5.1. */
  mask?: boolean | undefined;
}

/** How a connection ended, in full. RFC 6455 §7.1.4 to §7.1.6. */
export interface CloseInfo {
  /** Whether a Close frame went both ways. */
  wasClean: boolean;
  /** The Close that we sent. */
  sent?: { code: number; reason: string };
  /** The Close that the peer sent. */
  received?: { code: number; reason: string };
  /** What made it fail: the rule the peer broke, or the error of the wire. */
  error?: Error;
}

/**
 * The callback of `ping` and `pong`. Its error is undefined when the frame left; written as a
 * method, so that callbacks that programs written for `ws` declare with an error are taken too.
 */
export type ControlCallback = { call(error?: Error): void }['call'];

/** What `setSocket` needs to know. A limit that is left out is off. */
export interface SocketOptions
  extends Pick<
    ConnectionOptions,
    'maxPayload' | 'maxFragments' | 'skipUTF8Validation' | 'allowSynchronousEvents'
  > {
  /** A source of masking keys in place of the random one. RFC 6455 §5.3. */
  generateMask?: GenerateMask | undefined;
}

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
// biome-ignore lint/suspicious/noExplicitAny: a subclass may ask for options of its own
export type AnySocketClass = new (address: null, protocols: undefined, options: any) => WebSocket;

/** A server's options. Exactly one of `port`, `server` and `noServer` must be given. */
export interface ServerOptions<
  T extends AnySocketClass = WebSocket.SocketClass,
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
