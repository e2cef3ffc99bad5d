/** RFC 7692: the options of permessage-deflate. */

import type { ZlibOptions } from 'node:zlib';

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

/** The options in use; undefined if compression is off. @throws RangeError for an invalid window */
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

/** RFC 7692 §7.1.2: a window has 2^8 to 2^15 bytes. @throws RangeError for another size */
export function checkWindowBits(name: string, bits: unknown): void {
  if (bits === undefined || bits === null || typeof bits === 'boolean') return;
  if (Number.isInteger(bits) && (bits as number) >= 8 && (bits as number) <= 15) return;
  throw new RangeError(
    `${name} must be a whole number from 8 to 15, or a boolean: ${String(bits)} was given`,
  );
}
