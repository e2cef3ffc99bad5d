/**
 * The interface of a WebSocket for programs. It is documented here only: the class implements it, and
 * `index.ts` extends it.
 */

import type { CloseInfo, Traffic } from '../connection/close-info.js';
import type { SendCallback } from '../protocol/write-batch.js';
import type { Listener } from './events.js';
import type { BinaryType, BufferLike } from './payload.js';

/** What a WebSocket has counted. */
export interface SocketStats {
  /** As in `closeInfo`. */
  readonly messages: Traffic;
  /** As there; absent if the socket does not count them. */
  readonly bytes?: Traffic;
  /** `bufferedAmount`. */
  readonly buffered: number;
  /** How many messages were dropped, because the peer reads slowly. */
  readonly dropped: number;
  /** The round-trip time in milliseconds; absent if none was measured. */
  readonly rtt?: number;
  /** When the connection was opened, as `Date.now()` counts; absent before. */
  readonly since?: number;
}

/** The state of a connection, with the numbers of WHATWG's WebSocket. */
export type ReadyState = 0 | 1 | 2 | 3;

/**
 * Whether more may be sent now; false means to wait for 'drain'. `void` admits subclasses written for
 * `ws`, whose `send` returns nothing.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: overrides of `send` written for `ws` return void
export type MaySendMore = boolean | void;

/** How a message is prepared for many connections. */
export interface PrepareOptions {
  /** Whether the message is binary. Default: false for strings and numbers, true for other data. */
  binary?: boolean | undefined;
  /** Whether the message may be compressed. Default true. RFC 7692 §6. */
  compress?: boolean | undefined;
}

/** What may become of a message that waits for a peer that reads slowly. */
export interface QueueOptions {
  /**
   * With `overflow: 'conflate'`: the message takes the place of a waiting one with the same key, so
   * that a slow peer gets the newest. It overtakes no message without a key. Default: none.
   */
  key?: string | undefined;
  /**
   * Whether the message may be dropped, with a limit of `maxBufferedAmount` or `maxQueuedAge`. Default
   * true; with 'conflate' false.
   */
  droppable?: boolean | undefined;
}

/** How a message is sent. */
export interface SendOptions extends PrepareOptions, QueueOptions {
  /** Whether this is the last fragment of its message. Default true. RFC 6455 §5.4. */
  fin?: boolean | undefined;
  /** Accepted as in `ws`, without effect: a client masks, a server does not. RFC 6455 §5.1. */
  mask?: boolean | undefined;
}

/**
 * The callback of `ping` and `pong`. Its error is undefined if the frame was written. The type of a
 * method also accepts callbacks written for `ws` that require an error.
 */
export type ControlCallback = { call(error?: Error): void }['call'];

/** How a round-trip time is measured. */
export interface MeasureOptions {
  /** The most milliseconds until the Pong. Default 20 000. */
  timeout?: number | undefined;
  /** Ends the measurement: the promise is rejected with its reason. */
  signal?: AbortSignal | undefined;
}

/** How a listener is added. */
export interface EventListenerOptions {
  /** Whether the listener is removed after its first call. Default false. */
  once?: boolean | undefined;
  /** Removes the listener when it is aborted. With an aborted signal the listener is not added. */
  signal?: AbortSignal | undefined;
}

/** An event object. */
export interface EventApi<Target> {
  /** The name of the event. */
  type: string;
  /** The WebSocket that emitted the event. */
  target: Target;
}

/** The event of a received message. RFC 6455 §6.2. */
export interface MessageEventApi<Target, Data> extends EventApi<Target> {
  /** A string for text; for binary data the type that `binaryType` selects. */
  data: Data;
}

/** The event of a closed connection. RFC 6455 §7.1.4. */
export interface CloseEventApi<Target> extends EventApi<Target> {
  /** Whether a Close frame was sent and one received. */
  wasClean: boolean;
  /** RFC 6455 §7.1.5: the peer's close code; 1005 if its Close had none, 1006 without a Close. */
  code: number;
  /** RFC 6455 §7.1.6: the peer's close reason. */
  reason: string;
}

/** The event of a failed connection. */
export interface ErrorEventApi<Target> extends EventApi<Target> {
  /** The error. */
  // biome-ignore lint/suspicious/noExplicitAny: programs read `error.code` as they do of any error
  error: any;
  /** The error's message. */
  message: string;
}

/** The types of the event objects. */
interface EventTypes {
  open: unknown;
  message: unknown;
  close: unknown;
  error: unknown;
}

/** The constants of `readyState`. */
export interface ReadyStates {
  /** The opening handshake is in progress. */
  readonly CONNECTING: 0;
  /** Messages can be sent and received. */
  readonly OPEN: 1;
  /** The closing handshake is in progress, or the connection is being failed. */
  readonly CLOSING: 2;
  /** The connection has ended. */
  readonly CLOSED: 3;
}

/** The members of a WebSocket. */
export interface WebSocketApi<Events extends EventTypes> extends ReadyStates {
  /**
   * How binary messages are delivered: 'nodebuffer', 'arraybuffer', 'blob', or 'fragments'. With
   * 'fragments' a message is an array with a Buffer for each fragment; empty fragments are left out,
   * and a compressed message is one Buffer. Other values are ignored. Default 'nodebuffer'.
   */
  binaryType: BinaryType;
  /**
   * The payload bytes of messages that were given to `send` and are not written yet, before framing and
   * compression, as in browsers. Bytes written in this tick count until the tick ends. Pings, Pongs and
   * Closes do not count. A `send` after closing adds to it.
   */
  readonly bufferedAmount: number;
  /** How the connection ended; undefined until 'close'. */
  closeInfo?: CloseInfo | undefined;
  /** The names of the negotiated extensions; '' if there are none. RFC 6455 §9. */
  readonly extensions: string;
  /** Whether the connection is paused. */
  readonly isPaused: boolean;
  /** The negotiated subprotocol; '' if there is none. RFC 6455 §1.9. */
  readonly protocol: string;
  /** The state: 0 CONNECTING, 1 OPEN, 2 CLOSING, 3 CLOSED. RFC 6455 §4.1, §7. */
  readonly readyState: ReadyState;
  /**
   * The IP address of the peer: what the server's `address` or `trustProxy` found, else that of the
   * socket. An IPv4-mapped IPv6 address is given as IPv4. undefined for a Unix socket and before the
   * connection is open. A closed socket has an address only if it was read before. A program may set it.
   */
  remoteAddress?: string | undefined;
  /**
   * The most recent round-trip time in milliseconds, of a Ping of `heartbeat` or `measureRoundTrip`;
   * undefined before the first Pong. Pings of the program do not count.
   */
  readonly rtt?: number | undefined;
  /** The URL of a client, after redirects; undefined for a connection of a server. */
  readonly url: string;

  /** The handler of 'open'. */
  onopen: ((event: Events['open']) => void) | null;
  /** The handler of 'message'. */
  onmessage: ((event: Events['message']) => void) | null;
  /** The handler of 'close'. */
  onclose: ((event: Events['close']) => void) | null;
  /** The handler of 'error'. */
  onerror: ((event: Events['error']) => void) | null;

  /**
   * Sends a message, or with `{ fin: false }` a fragment of one. Messages keep the order of the calls,
   * also while a Blob is read. RFC 6455 §5.4, §6.1.
   * @param data a string or a number is sent as text. A Blob, and all other data that `Buffer.from`
   * accepts, is sent as binary. More than 4 KiB may be sent without a copy: do not change the data
   * before the callback
   * @param callback called when the message was written, or with the error that prevented it. When the
   * connection is closing or closed, it gets an error. If the message was dropped, the error has the
   * code WS_ERR_DROPPED
   * @returns false when the caller should wait for 'drain' before it sends more. Without a limit the
   * message is sent in any case
   * @throws Error while connecting; TypeError for data that has no bytes
   */
  send(data: BufferLike, callback?: SendCallback): MaySendMore;
  send(data: BufferLike, options: undefined, callback?: SendCallback): MaySendMore;
  send(data: BufferLike, options: SendOptions, callback?: SendCallback): MaySendMore;

  /**
   * Sends a Ping after all messages that were sent before. RFC 6455 §5.5.2.
   * @param data at most 125 bytes
   * @param mask accepted for programs written for `ws`, without effect
   * @param callback called when the Ping was written, or with the error. It may be any argument
   * @throws Error while connecting; RangeError for too much data
   */
  ping(data?: unknown, mask?: boolean | ControlCallback, callback?: ControlCallback): void;

  /**
   * Sends a Pong that no Ping asked for, after all messages that were sent before. RFC 6455 §5.5.3.
   * @param data at most 125 bytes, as for a Ping
   * @param mask without effect
   * @param callback called when the Pong was written, or with the error
   * @throws Error while connecting; RangeError for more than 125 bytes
   */
  pong(data?: unknown, mask?: boolean | ControlCallback, callback?: ControlCallback): void;

  /**
   * Starts the closing handshake. RFC 6455 §7.1.2. While connecting, it aborts the opening handshake.
   * @param code 1000 to 1014 except 1004 to 1006, or 3000 to 4999; without a code the Close is empty
   * @param reason at most 123 bytes of UTF-8
   * @throws TypeError for another code or another type of reason; RangeError for a longer reason
   */
  close(code?: number, reason?: string | Uint8Array): void;

  /**
   * Closes the connection at once. Messages that arrive later are not delivered. 'close' has the code
   * 1006, unless the peer's Close arrived before.
   */
  terminate(): void;
  /** Returns what this end has counted until now. It works after 'close' too. */
  stats(): SocketStats;
  /**
   * Closes the connection with 1000 and waits for 'close', for `await using`. While connecting it
   * aborts the opening handshake, and no 'error' ends the process. A paused connection is resumed.
   */
  [Symbol.asyncDispose](): Promise<void>;
  /** Stops reading, so that TCP stops the peer. It has no effect while connecting or when closed. */
  pause(): void;
  /** Continues reading after `pause`. */
  resume(): void;

  /**
   * Sends a Ping, before messages that wait, and measures the time until its Pong. The time begins when
   * the transport takes the Ping. The Pong is not emitted. RFC 6455 §5.5.3.
   * @returns a promise of the milliseconds. It is rejected with a WebSocketError with the code
   * WS_ERR_PONG_TIMEOUT or WS_ERR_NOT_OPEN, with the reason of the signal, or with a TypeError or
   * RangeError for an invalid option
   */
  measureRoundTrip(options?: MeasureOptions): Promise<number>;

  /**
   * Adds a listener of 'open', 'message', 'close' or 'error' that receives event objects, as in
   * browsers. A listener is added once; null is ignored.
   * @throws TypeError for a listener that is neither a function nor an object, and for a `signal` that
   * is not an AbortSignal
   */
  addEventListener<K extends keyof Events>(
    type: K,
    listener: Listener<Events[K]> | null,
    options?: EventListenerOptions,
  ): void;
  /** Removes a listener of `addEventListener`. */
  removeEventListener<K extends keyof Events>(type: K, listener: Listener<Events[K]> | null): void;
}
