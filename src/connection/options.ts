/** The options of a connection, and their conversion to those of an endpoint. */

import { constants } from 'node:buffer';
import type { PerMessageDeflateOptions } from '../permessage-deflate/options.js';
import type { EndpointOptions } from '../protocol/endpoint.js';
import type { Extension } from '../protocol/extension.js';
import { MaskingKeys } from '../protocol/mask.js';
import type { Role } from '../protocol/receiver.js';
import type { OverflowMessage, OverflowVerdict } from './send-limit-settings.js';

/**
 * What happens when there is no room for a message. The type of a method also accepts functions for
 * the sockets of a subclass.
 */
export type OverflowPolicy<Socket = never> =
  | 'close'
  | 'drop-newest'
  | 'drop-oldest'
  | 'conflate'
  | { decide(socket: Socket, message: OverflowMessage): OverflowVerdict }['decide'];

/** What happens to a message beyond a {@link MessageRate}. */
export type RateVerdict = 'deliver' | 'drop' | 'pause' | 'close';

/** When silent peers get Pings, and how soon they must answer. */
export interface HeartbeatOptions {
  /**
   * How long a direction may be silent until a Ping is sent, in milliseconds; with many connections up to
   * a quarter more. Default 30 000.
   */
  interval?: number | undefined;
  /**
   * How long the answer may take, in milliseconds, from when the transport has the Ping. A peer that
   * is silent is dropped after `interval` and `timeout`; with many connections up to half of `timeout` later. Default
   * 20 000.
   */
  timeout?: number | undefined;
}

/** How many messages a peer may send. */
export interface MessageRate<Socket = never> {
  /** How many messages per second. */
  perSecond: number;
  /** How many messages at once, after a time without. Default: as `perSecond`, but at least 1. */
  burst?: number | undefined;
  /**
   * What happens at the limit. 'pause' stops reading until another message may come: TCP stops the
   * peer, and nothing is lost; Pings wait too. 'close' fails the connection with 1008. A function is
   * called with each message beyond the limit: 'deliver' and 'drop' are about this message; 'pause'
   * delivers it, then pauses; an exception fails the connection with 1011. Default 'pause'.
   */
  policy?:
    | 'pause'
    | 'close'
    | ((socket: Socket, data: RateData, isBinary: boolean) => RateVerdict)
    | undefined;
}

/** A message as 'message' has it, but for `binaryType`: one Buffer, or its fragments. */
export type RateData = Buffer | Buffer[];

/** The options that servers and clients share. `undefined` means the default. */
export interface ConnectionOptions<Socket = never> {
  /**
   * The maximum length of a received message in bytes, after decompression. A longer one fails the
   * connection with 1009. 0 and Infinity mean no limit. Default 104 857 600 (100 MiB). RFC 6455 §10.4.
   */
  maxPayload?: number | undefined;
  /**
   * The maximum number of frames in a received message. More frames fail the connection with 1008. 0 or
   * Infinity: no limit. Default 131 072. RFC 6455 §10.4.
   */
  maxFragments?: number | undefined;
  /** Accepted for programs written for `ws`, without effect: small pieces are joined as they arrive. */
  maxBufferedChunks?: number | undefined;
  /** Accepted for programs written for `ws`, without effect: at most one Pong is pending. */
  maxPendingAutoPongs?: number | undefined;
  /** Whether the library answers Pings. Default true. RFC 6455 §5.5.2. */
  autoPong?: boolean | undefined;
  /** Whether text and close reasons are not checked to be UTF-8. Default false. RFC 6455 §8.1. */
  skipUTF8Validation?: boolean | undefined;
  /**
   * How long a closing handshake may take, in milliseconds. After that the connection is dropped.
   * Default 30 000. RFC 6455 §7.1.1.
   */
  closeTimeout?: number | undefined;
  /**
   * How long a peer may be open without a complete message, in milliseconds, paused time not counted.
   * After that the connection fails with 1008. It stops peers that connect and never log in.
   * Default: no limit, as with 0.
   */
  firstMessageTimeout?: number | undefined;
  /**
   * How long a peer may send no byte, in milliseconds; a Pong is enough. After that, at the latest
   * after a quarter more, the connection is closed with 1001. A paused connection is not closed. It
   * frees the memory of peers that are gone. 0 means never. Default: no limit.
   */
  idleTimeout?: number | undefined;
  /**
   * Whether silent peers get Pings, and are dropped if they do not answer: `{ interval, timeout }`, or
   * true for the defaults. Any byte is an answer; so is a byte that the peer takes from a backlog. The
   * 'close' of a dropped peer has the code 1006. While the connection is paused the verdict waits. Time
   * in which this process stood still does not count. The Pongs set `rtt`; they are not emitted.
   * Default false. RFC 6455 §5.5.2.
   */
  heartbeat?: boolean | HeartbeatOptions | undefined;
  /**
   * How many messages a peer may send: `{ perSecond, burst, policy }`. It stops floods of messages.
   * Pings and Pongs do not count. Default: no limit.
   */
  messageRate?: MessageRate<Socket> | undefined;
  /**
   * What happens to an error of a connection whose 'error' has no listener. 'throw': it is emitted,
   * and so ends the process. 'close': the connection is closed, and a server emits 'socketError'.
   * Default: 'close' for the connections of a server, 'throw' for a client.
   */
  unheardErrors?: 'close' | 'throw' | undefined;
  /**
   * Whether a promise that a listener returns is watched. If it is rejected, the connection of the
   * listener fails with 1011, and the reason is an error of that connection. On a server, this is also
   * for listeners of 'connection'. Default false.
   */
  captureRejections?: boolean | undefined;
  /**
   * Whether several messages, Pings and Pongs may be emitted in one turn of the event loop.
   * Default true.
   */
  allowSynchronousEvents?: boolean | undefined;
  /**
   * Whether messages may be compressed, and how. true means the defaults. RFC 7692. Default: a
   * client offers compression, a server declines it.
   */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /**
   * The most bytes that wait to be sent, with the message at hand; a message that waits above the
   * buffer of the socket costs 128 more. At the limit `overflow` decides. A message that is alone may
   * have any size. It stops peers that let messages pile up by reading slowly or not at all. The
   * buffer of the socket counts, 16 to 64 KiB: with 'drop-oldest' and 'conflate' set more than that.
   * Neither 0 nor Infinity limits it. Default: no limit.
   */
  maxBufferedAmount?: number | undefined;
  /**
   * What happens when `maxBufferedAmount` has no room for a message. 'close': the connection is closed
   * with 1013, and dropped after `closeTimeout`; the Close overtakes droppable messages. 'drop-newest':
   * the message is dropped. 'drop-oldest': messages that wait are dropped, oldest first. 'conflate':
   * also below the limit, a message takes the place of a waiting one with the same `key`; at the limit
   * those sent with `droppable: true` are dropped. A function is called with the message. Control
   * frames and fragments are never dropped; if they have no room, the connection is closed. Default
   * 'close'.
   */
  overflow?: OverflowPolicy<Socket> | undefined;
  /**
   * How long a message may wait above the buffer of the socket, in milliseconds; then it is dropped,
   * unless it was sent with `droppable: false`. With 'conflate' this is for messages with a `key` or
   * `droppable: true`. With 0 or Infinity nothing expires. Default: no limit.
   */
  maxQueuedAge?: number | undefined;
}

/** Fills the four bytes of a masking key. RFC 6455 §5.3 asks for unpredictable keys. */
export type GenerateMask = (mask: Buffer) => void;

/** The options of `setSocket`. Without a limit in them there is none. */
export interface SocketOptions
  extends Pick<
    ConnectionOptions,
    'maxPayload' | 'maxFragments' | 'skipUTF8Validation' | 'allowSynchronousEvents'
  > {
  /** Replaces the random source of masking keys. RFC 6455 §5.3. */
  generateMask?: GenerateMask | undefined;
}

/** The maximum delay of a timer in Node. A longer one would expire at once. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

/** The default values. */
export const DEFAULTS = Object.freeze({
  maxPayload: 100 * 1024 * 1024,
  maxFragments: 131_072,
  /** This option and the next have no effect. Programs read them from `options`. */
  maxBufferedChunks: 262_144,
  maxPendingAutoPongs: 60,
  autoPong: true,
  skipUTF8Validation: false,
  closeTimeout: 30_000,
});

/**
 * Returns the effective limit; 0 means no limit. Limits of 2^32 and more have their value; in `ws` they
 * mean no limit. A fraction is rounded down, to at least 1.
 * @param value the option; undefined, null and values that are not numbers mean the fallback
 */
export function toLimit(value: number | string | null | undefined, fallback: number): number {
  const limit = value === null || value === undefined ? fallback : Number(value);
  if (limit === Infinity) return 0;
  if (!(limit >= 0)) return fallback;
  return limit === 0 ? 0 : Math.min(Math.max(1, Math.floor(limit)), constants.MAX_LENGTH);
}

/** Returns the effective time in milliseconds. Infinity means the maximum delay of a timer. */
export function toTimeout(value: number | string | null | undefined, fallback: number): number {
  const milliseconds = value === null || value === undefined ? fallback : Number(value);
  return milliseconds >= 0 ? Math.min(milliseconds, MAX_TIMEOUT) : fallback;
}

/** Whether a boolean option is on. Any value is accepted; undefined means the fallback. */
export function isOn(value: unknown, fallback: boolean): boolean {
  return value === undefined ? fallback : Boolean(value);
}

/** Returns the options of an endpoint: limits from `socketOptions`, the rest from `options`. */
export function endpointOptions(
  role: Role,
  socketOptions: SocketOptions,
  options: ConnectionOptions,
  extension: Extension | undefined,
): EndpointOptions {
  const { generateMask } = socketOptions;
  return intern({
    role,
    receiving: {
      maxPayload: toLimit(socketOptions.maxPayload, 0),
      maxFragments: toLimit(socketOptions.maxFragments, 0),
      checkUtf8: !socketOptions.skipUTF8Validation,
      oneAtATime: !isOn(socketOptions.allowSynchronousEvents, true),
    },
    extension,
    keys: generateMask && new MaskingKeys(generateMask, 4),
    autoPong: isOn(options.autoPong, DEFAULTS.autoPong),
    closeTimeout: toTimeout(options.closeTimeout, DEFAULTS.closeTimeout),
  });
}

/** The options that the most recent connections share. */
let lastOptions: EndpointOptions | undefined;

/** Connections of a server usually have equal options; sharing one object saves 128 bytes each. */
function intern(options: EndpointOptions): EndpointOptions {
  if (options.extension !== undefined) return options; // an extension belongs to one connection
  if (lastOptions === undefined || !areEqual(lastOptions, options)) lastOptions = options;
  return lastOptions;
}

function areEqual(one: EndpointOptions, other: EndpointOptions): boolean {
  const [a, b] = [one.receiving, other.receiving];
  return (
    one.role === other.role &&
    one.keys === other.keys &&
    one.autoPong === other.autoPong &&
    one.closeTimeout === other.closeTimeout &&
    a.maxPayload === b.maxPayload &&
    a.maxFragments === b.maxFragments &&
    a.checkUtf8 === b.checkUtf8 &&
    a.oneAtATime === b.oneAtATime
  );
}
