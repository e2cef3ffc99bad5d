/** The types of an EventEmitter's events and listeners. */

import type { EventEmitter } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { RawData } from './payload.js';

/** The events of a WebSocket, with the arguments of their listeners. */
export interface WebSocketEvents {
  /** The opening handshake has succeeded. */
  open: [];
  /**
   * A message was received. Text is a Buffer too: `isBinary` is false then. A message above 64 bytes may
   * share its memory with other messages: to keep it for long, copy it; to transfer it to a worker, use
   * `binaryType = 'arraybuffer'`.
   */
  message: [data: RawData, isBinary: boolean];
  /** A Ping was received; the Pong is sent before the event. RFC 6455 §5.5.2. */
  ping: [data: Buffer];
  /**
   * A Pong was received, but not for a Ping of `heartbeat` or `measureRoundTrip`. RFC 6455 §5.5.3.
   */
  pong: [data: Buffer];
  /**
   * The connection is closed, with code and reason of the peer's Close. The code is 1005 if that Close
   * was empty, 1006 if none arrived. It is emitted once, as the last event. RFC 6455 §7.1.5.
   */
  close: [code: number, reason: Buffer];
  /**
   * The connection failed; 'close' follows. It is emitted at most once. Without a listener the error
   * ends the process.
   */
  error: [error: Error];
  /**
   * Emitted after `send` returned false, when more may be sent. With `maxBufferedAmount` at most half
   * of it waits then.
   */
  drain: [];
  /**
   * Messages were dropped by `overflow` or `maxQueuedAge`: how many, and the bytes of their payloads.
   * It is emitted once for all that were dropped in one tick.
   */
  drop: [messages: number, bytes: number];
  /** Client: a response with status 101 arrived. It will be validated. */
  upgrade: [response: IncomingMessage];
  /** Client: a redirect is followed. The request is not sent yet: a listener may change it. */
  redirect: [url: string, request: ClientRequest];
  /**
   * Client: a response other than 101 arrived, or a 101 that is not a valid upgrade. With a listener
   * nothing more happens until the program calls `close()` or `terminate()`, or `handshakeTimeout` is
   * over. TCP is closed then, or when the response was read completely.
   */
  'unexpected-response': [request: ClientRequest, response: IncomingMessage];
}

/** A listener of an event in `Events`. */
type TypedListener<Self, Events, E extends keyof Events> = (
  this: Self,
  ...args: Events[E] extends unknown[] ? Events[E] : never
) => void;

/** A listener of any other event. */
// biome-ignore lint/suspicious/noExplicitAny: nothing is known of its arguments
type AnyListener<Self> = (this: Self, ...args: any[]) => void;

/** An EventEmitter with typed `Events`. */
export interface TypedEmitter<Events> extends EventEmitter {
  on<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  on(event: string | symbol, listener: AnyListener<this>): this;
  once<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  once(event: string | symbol, listener: AnyListener<this>): this;
  off<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  off(event: string | symbol, listener: AnyListener<this>): this;
  addListener<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  addListener(event: string | symbol, listener: AnyListener<this>): this;
  removeListener<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  removeListener(event: string | symbol, listener: AnyListener<this>): this;
  prependListener<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  prependListener(event: string | symbol, listener: AnyListener<this>): this;
}
