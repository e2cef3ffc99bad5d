/** What programs see of a WebSocketServer, documented once: the class implements it, the index extends it. */

import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { PrepareOptions } from '../websocket/api.js';
import type { BufferLike } from '../websocket/payload.js';
import type { PreparedMessage } from '../websocket/prepared.js';

/** Which connections receive a message. */
export interface BroadcastOptions<Client> extends PrepareOptions {
  /** A connection that does not receive it: often the one that it came from. */
  except?: Client | undefined;
  /** Whether this connection receives it. Default: all do. */
  filter?: ((client: Client) => boolean) | undefined;
}

/** How many connections a message was sent to. `void` admits overrides written for `ws`. */
// biome-ignore lint/suspicious/noConfusingVoidType: subclasses written for `ws` have one that returns void
export type Reached = number | void;

/** The arguments of each event. */
export interface WebSocketServerEvents<Client, Request> {
  connection: [socket: Client, request: Request];
  listening: [];
  close: [];
  error: [error: Error];
  /** The lines of the response, before it is written; a listener may change them. */
  headers: [headers: string[], request: Request];
  /** A request is refused. The listener answers it and ends the socket. */
  wsClientError: [error: Error, socket: Duplex, request: Request];
  /** A callback of the program failed; the client was answered 500. */
  callbackError: [error: Error, request: Request];
}

/** A server of WebSockets: on a port of its own, on an http server, or used through `handleUpgrade`. */
export interface ServerApi<Client, Request> {
  /** Never set. Code written for the types of `ws` finds `options.path` there. */
  path: string;
  /** The open connections; undefined with `clientTracking: false`. */
  clients: Set<Client>;

  /** Where the server listens; null when it does not. @throws Error with `noServer` */
  address(): AddressInfo | string | null;

  /**
   * Stops accepting; connections stay open. An http server of its own is closed, another's is left
   * alone. 'close' follows when the last client is gone.
   * @param callback called at 'close'; with an Error if the server was closed before
   */
  close(callback?: (error?: Error) => void): void;

  /**
   * Accepts or refuses an opening handshake. RFC 6455 §4.2.
   * @param head bytes that came behind the request
   * @param callback receives the connection, if the request is accepted
   * @throws Error if it was called for this socket before
   */
  handleUpgrade(
    request: Request,
    socket: Duplex,
    head: Buffer,
    callback: (client: Client, request: Request) => void,
  ): void;

  /**
   * Whether a request is for this server. Override it; by default `options.path` decides. A promise
   * is awaited.
   */
  shouldHandle(request: Request): boolean | Promise<boolean>;

  /**
   * Accepts a request that was found valid: the last step of `handleUpgrade`, which programs written
   * for `ws` call or replace. Always there; stand-ins need none.
   * @param extensions the negotiated extensions, by name
   * @param key the request's Sec-WebSocket-Key
   * @param subprotocols those that the client requests
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

/** What `ws` has no counterpart of. */
export interface BroadcastApi<Client> {
  /**
   * Sends one message to every open connection, framed and compressed once for all of them.
   * @param data as for `send`; a Blob has to be read first
   * @returns how many connections it was sent to
   * @throws TypeError for data that has no bytes; Error with `clientTracking: false`
   */
  broadcast(data: BufferLike | PreparedMessage, options?: BroadcastOptions<Client>): Reached;
}
