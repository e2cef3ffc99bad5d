/** RFC 7692: the options of permessage-deflate, documented and checked. */

import type { ZlibOptions } from 'node:zlib';

/** The options of permessage-deflate: what to negotiate, and how to compress. */
export interface PerMessageDeflateOptions {
  /**
   * Whether each message of the server is compressed without reference to earlier ones. Server: true
   * does so, false declines offers that ask for it. Client: true asks for it. Default: as the
   * client's offer says. RFC 7692 §7.1.1.1.
   */
  serverNoContextTakeover?: boolean | undefined;
  /**
   * Whether each message of the client is compressed without reference to earlier ones. Server: true
   * demands it. Client: true does so, false fails the connection if the server demands it. Default: as
   * the other side says. RFC 7692 §7.1.1.2.
   */
  clientNoContextTakeover?: boolean | undefined;
  /**
   * The server's window: 8 to 15, for 256 bytes to 32 KiB. Server: its size; false declines offers
   * that limit it. Client: the limit to request. Default: 15, or as the offer says. RFC 7692
   * §7.1.2.1.
   */
  serverMaxWindowBits?: number | boolean | undefined;
  /**
   * The client's window: 8 to 15. Server: the limit to demand; offers that do not allow it are declined.
   * Client: its size; false does not let a server limit it. Default: 15, or as the server demands.
   * RFC 7692 §7.1.2.2.
   */
  clientMaxWindowBits?: number | boolean | undefined;
  /**
   * Options of zlib for compressing: `level`, `memLevel`, `strategy`. The library sets windows, flushes
   * and sizes. Default: `level` 3.
   */
  zlibDeflateOptions?: ZlibOptions | undefined;
  /** Options of zlib for decompressing, without those that the library sets. */
  zlibInflateOptions?: ZlibOptions | undefined;
  /**
   * Messages with fewer bytes are not compressed, where messages do not refer to earlier ones.
   * Default 1024.
   */
  threshold?: number | undefined;
  /** Accepted as in `ws`, without effect: the thread pool gets four messages at a time. */
  concurrencyLimit?: number | undefined;
}

/** Returns the options; undefined if compression is off. @throws RangeError for an invalid window */
export function deflateOptions(
  given: boolean | PerMessageDeflateOptions | null | undefined,
  fallback: boolean,
): PerMessageDeflateOptions | undefined {
  const wanted = given === undefined ? fallback : given;
  if (!wanted) return undefined;
  const options = wanted === true ? {} : wanted;
  checkWindowBits('serverMaxWindowBits', options.serverMaxWindowBits);
  checkWindowBits('clientMaxWindowBits', options.clientMaxWindowBits);
  return options;
}

/** Checks the size of a window. RFC 7692 §7.1.2. @throws RangeError for an invalid one */
export function checkWindowBits(name: string, bits: unknown): void {
  if (bits === undefined || bits === null || typeof bits === 'boolean') return;
  if (Number.isInteger(bits) && (bits as number) >= 8 && (bits as number) <= 15) return;
  throw new RangeError(
    `${name} must be a whole number from 8 to 15, or a boolean: ${String(bits)} was given`,
  );
}
