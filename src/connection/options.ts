/** The options of a connection, and what is made of them. */

import { constants } from 'node:buffer';
import type { PerMessageDeflateOptions } from '../permessage-deflate/options.js';
import type { EndpointOptions } from '../protocol/endpoint.js';
import type { Extension } from '../protocol/extension.js';
import { MaskingKeys } from '../protocol/mask.js';
import type { Role } from '../protocol/receiver.js';

/** The options that servers and clients share. `undefined` means the default. */
export interface ConnectionOptions {
  /**
   * The longest message that is accepted, in bytes, counted after decompression. A longer one fails
   * the connection with 1009. 0 or Infinity: no limit. Default 104 857 600 (100 MiB). RFC 6455 §10.4.
   */
  maxPayload?: number | undefined;
  /**
   * The most frames that a message may have. More frames fail the connection with 1008. 0 or
   * Infinity: no limit. Default 131 072. RFC 6455 §10.4.
   */
  maxFragments?: number | undefined;
  /** Accepted for programs written for `ws`, without effect: small pieces are joined as they arrive. */
  maxBufferedChunks?: number | undefined;
  /** Accepted for programs written for `ws`, without effect: only the newest Ping waits for its Pong. */
  maxPendingAutoPongs?: number | undefined;
  /** Whether the library answers Pings. Default true. RFC 6455 §5.5.2. */
  autoPong?: boolean | undefined;
  /** Leaves out the check that text and close reasons are UTF-8. Default false. RFC 6455 §8.1. */
  skipUTF8Validation?: boolean | undefined;
  /**
   * How long a closing handshake may take, in milliseconds. After that the connection is dropped.
   * Default 30 000. RFC 6455 §7.1.1.
   */
  closeTimeout?: number | undefined;
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
}

/** Fills the four bytes of a masking key. RFC 6455 §5.3 asks for unpredictable keys. */
export type GenerateMask = (mask: Buffer) => void;

/** How a connection ended, in full. RFC 6455 §7.1.4 to §7.1.6. */
export interface CloseInfo {
  /** Whether a Close frame was sent and one was received. */
  wasClean: boolean;
  /** The Close that was sent. */
  sent?: { code: number; reason: string };
  /** The Close that the peer sent. */
  received?: { code: number; reason: string };
  /** Why it failed: the violation of the peer, or the error of the socket or of the handshake. */
  error?: Error;
}

/** What `setSocket` needs to know. A limit that is left out is off. */
export interface SocketOptions
  extends Pick<
    ConnectionOptions,
    'maxPayload' | 'maxFragments' | 'skipUTF8Validation' | 'allowSynchronousEvents'
  > {
  /** A source of masking keys in place of the random one. RFC 6455 §5.3. */
  generateMask?: GenerateMask | undefined;
}

/** The longest time that a timer can be set to; a longer one would be over at once. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

/** The limits and settings in force where nothing is given. */
export const DEFAULTS = Object.freeze({
  maxPayload: 100 * 1024 * 1024,
  maxFragments: 131_072,
  /** Without effect, as is the next: programs read them from `options`. */
  maxBufferedChunks: 262_144,
  maxPendingAutoPongs: 60,
  autoPong: true,
  skipUTF8Validation: false,
  closeTimeout: 30_000,
});

/**
 * A limit in force: 0 is none. Numbers of any size are kept, where `ws` takes 2^32 for none; a
 * fraction is rounded down, but not to none.
 * @param value what was given; undefined, null and what is no number mean the default
 */
export function limitOf(value: number | string | null | undefined, byDefault: number): number {
  const limit = value === null || value === undefined ? byDefault : Number(value);
  if (limit === Infinity) return 0;
  if (!(limit >= 0)) return byDefault;
  return limit === 0 ? 0 : Math.min(Math.max(1, Math.floor(limit)), constants.MAX_LENGTH);
}

/** A time in force, in milliseconds: what is no time means the default, Infinity the longest. */
export function timeoutOf(value: number | string | null | undefined, byDefault: number): number {
  const milliseconds = value === null || value === undefined ? byDefault : Number(value);
  return milliseconds >= 0 ? Math.min(milliseconds, MAX_TIMEOUT) : byDefault;
}

/** Whether a switch is on: every true value turns it on, every false one but undefined off. */
export function isOn(value: unknown, byDefault: boolean): boolean {
  return value === undefined ? byDefault : Boolean(value);
}

/** How an endpoint behaves: its limits from `socketOptions`, the rest from the WebSocket's own. */
export function endpointOptions(
  role: Role,
  socketOptions: SocketOptions,
  own: ConnectionOptions,
  extension: Extension | undefined,
): EndpointOptions {
  const { generateMask } = socketOptions;
  return sharedIfSame({
    role,
    receiving: {
      maxPayload: limitOf(socketOptions.maxPayload, 0),
      maxFragments: limitOf(socketOptions.maxFragments, 0),
      checkUtf8: !socketOptions.skipUTF8Validation,
      oneAtATime: !isOn(socketOptions.allowSynchronousEvents, true),
    },
    extension,
    keys: generateMask && new MaskingKeys(generateMask, 4),
    autoPong: isOn(own.autoPong, DEFAULTS.autoPong),
    closeTimeout: timeoutOf(own.closeTimeout, DEFAULTS.closeTimeout),
  });
}

/** Those of the last connection whose options were unlike the ones before. */
let latest: EndpointOptions | undefined;

/** The connections of a server mostly have the same options: 128 bytes that each need not have. */
function sharedIfSame(options: EndpointOptions): EndpointOptions {
  if (options.extension !== undefined) return options; // each connection has its own
  if (latest === undefined || !isSame(latest, options)) latest = options;
  return latest;
}

function isSame(one: EndpointOptions, other: EndpointOptions): boolean {
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
