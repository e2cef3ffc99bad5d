/** RFC 7692 §7.2.2: decompresses messages, without a zlib stream that lives longer than a message. */

import { Buffer } from 'node:buffer';
import {
  constants,
  type InflateRaw,
  inflateRaw,
  inflateRawSync,
  type ZlibOptions,
} from 'node:zlib';
import { ProtocolError } from '../protocol/errors.js';
import type { Decoded } from '../protocol/extension.js';
import { SlidingWindow } from './window.js';
import type { ZlibPool } from './zlib-pool.js';

/**
 * RFC 7692 §7.2.2: the 00 00 ff ff that the sender removed is appended. An empty final block
 * follows (RFC 1951 §3.2.3), so that zlib reports an incomplete message.
 */
export const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x03, 0x00]);

/** Larger messages, compressed or inflated, are inflated in the thread pool: these take about 1 ms. */
const INLINE_INPUT = 65_536;
const INLINE_OUTPUT = 262_144;

/** The maximum size of an output chunk. */
const MAX_CHUNK = 65_536;

/** The first output chunk is this many times the input. */
const EXPECTED_RATIO = 4;
const MIN_CHUNK = 128;

/** The maximum number of DEFLATE streams in one message. Encoders use one; each needs a zlib call. */
export const MAX_STREAMS = 16;

/** The error codes of zlib for data that are not a complete DEFLATE stream. */
const DATA_ERRORS = ['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT'];

/** The result of zlib with the option `info`. */
export interface Inflated {
  readonly buffer: Buffer;
  readonly engine: InflateRaw;
}

/** A message that is inflated in the thread pool. */
interface Inflation {
  readonly input: Buffer;
  readonly limit: number;
  readonly done: Decoded;
  /** The bytes of `input` that are inflated. */
  consumed: number;
  /** The output, and its length in bytes. */
  readonly parts: Buffer[];
  length: number;
  /** The number of streams that ended. */
  streams: number;
  /** The bytes that the next stream of the message may refer to. Created for the second stream. */
  window: SlidingWindow | undefined;
}

/** Inflates the messages of one connection, one at a time. */
export class Inflater {
  private readonly options: ZlibOptions;
  private readonly windowSize: number;
  /** The earlier messages of the peer; undefined without context takeover. */
  private readonly window: SlidingWindow | undefined;
  private readonly pool: ZlibPool;
  private isDropped = false;

  /**
   * @param windowBits the size of the peer's window
   * @param takesOver whether the peer's messages may refer to earlier ones
   * @param options the zlib options
   */
  constructor(
    windowBits: number,
    takesOver: boolean,
    options: ZlibOptions | undefined,
    pool: ZlibPool,
  ) {
    this.pool = pool;
    // The application may not change the end of a message.
    this.options = { ...options, windowBits, info: true, finishFlush: constants.Z_FINISH };
    // RFC 7692 §7.2.2 MUST: the window has the agreed size, and is kept with context takeover.
    this.windowSize = 2 ** windowBits;
    this.window = takesOver ? new SlidingWindow(this.windowSize) : undefined;
  }

  /** Inflates a message: see {@link Extension.decode}. */
  inflate(payload: Buffer, limit: number, done: Decoded): Buffer | ProtocolError | undefined {
    const input = Buffer.allocUnsafe(payload.length + TAIL.length);
    payload.copy(input);
    TAIL.copy(input, payload.length);
    const isSmall = payload.length <= INLINE_INPUT && this.pool.hasBudget();
    const inline = isSmall ? this.inflateNow(input, limit) : undefined;
    if (inline !== undefined) return inline;
    this.inflateLater(input, limit, done);
    return undefined;
  }

  /** The connection is closed: cancels jobs that have not started. */
  drop(): void {
    this.isDropped = true;
  }

  /** @returns undefined if the message is too large to be inflated inline, or is not one stream */
  private inflateNow(input: Buffer, limit: number): Buffer | ProtocolError | undefined {
    const maxLength = limit > 0 ? Math.min(limit, INLINE_OUTPUT) : INLINE_OUTPUT;
    try {
      const chunkSize = Math.max(MIN_CHUNK, input.length * EXPECTED_RATIO);
      const options = this.optionsFor(this.window?.dictionary, maxLength, chunkSize);
      const { buffer, engine } = inflateRawSync(input, options) as unknown as Inflated; // info: true
      this.pool.spend(input.length + buffer.length);
      if (!isWhole(input, engine.bytesWritten)) return undefined;
      this.window?.append(buffer);
      return buffer;
    } catch (error) {
      this.pool.spend(maxLength);
      return isTooLarge(error) && maxLength !== limit ? undefined : toViolation(error);
    }
  }

  private inflateLater(input: Buffer, limit: number, done: Decoded): void {
    this.pool.run((finished) => {
      const callback: Decoded = (message) => {
        finished();
        done(message);
      };
      this.inflateStream({
        input,
        limit,
        done: callback,
        consumed: 0,
        parts: [],
        length: 0,
        streams: 0,
        window: undefined,
      });
    });
  }

  /** Inflates one stream. RFC 7692 §7.2.3.4: another stream may follow. */
  private inflateStream(inflation: Inflation): void {
    const { input, limit, consumed, length, done } = inflation;
    if (this.isDropped) {
      done(invalid('the connection is closed'));
      return;
    }
    // The limit of zlib cannot be 0. A message that is one byte too long is found in addStream.
    const maxLength = limit > 0 ? Math.max(1, limit - length) : undefined;
    const dictionary = (inflation.window ?? this.window)?.dictionary;
    const options = { ...this.optionsFor(dictionary, maxLength, MAX_CHUNK) };
    try {
      inflateRaw(input.subarray(consumed), options, (error, result) => {
        if (error) done(toViolation(error));
        else this.addStream(inflation, result as unknown as Inflated); // info: true
      });
    } catch (error) {
      this.pool.defer(() => done(toViolation(error)));
    }
  }

  private addStream(inflation: Inflation, { buffer, engine }: Inflated): void {
    const { input, limit, parts, done } = inflation;
    inflation.consumed += engine.bytesWritten;
    inflation.length += buffer.length;
    parts.push(buffer);
    if (limit > 0 && inflation.length > limit) done(tooLong());
    else if (isWhole(input, inflation.consumed)) done(this.finish(inflation));
    else if (inflation.consumed > input.length - TAIL.length) done(invalid('unexpected end'));
    else if (++inflation.streams === MAX_STREAMS) done(invalid('too many streams'));
    else {
      this.slideWindow(inflation, buffer);
      this.inflateStream(inflation);
    }
  }

  /** RFC 7692 §7.2.3.2: the next stream of a message may refer to its earlier streams. */
  private slideWindow(inflation: Inflation, inflated: Buffer): void {
    if (inflation.window === undefined) {
      inflation.window = new SlidingWindow(this.windowSize);
      const { dictionary } = this.window ?? {};
      if (dictionary !== undefined) inflation.window.append(dictionary);
    }
    inflation.window.append(inflated);
  }

  private finish({ parts, length }: Inflation): Buffer {
    const [only] = parts;
    const message = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, length);
    this.window?.append(message);
    return message;
  }

  private optionsFor(
    dictionary: Buffer | undefined,
    maxLength: number | undefined,
    chunkSize: number,
  ): ZlibOptions {
    const { options } = this;
    options.dictionary = dictionary;
    options.maxOutputLength = maxLength;
    options.chunkSize = Math.min(chunkSize, MAX_CHUNK);
    return options;
  }
}

/**
 * Whether a message is inflated completely. The last block of the message may itself be final: then the
 * whole tail is left, or its last two bytes if the block is empty and uncompressed.
 */
export function isWhole(input: Buffer, consumed: number): boolean {
  const left = input.length - consumed;
  return left === 0 || left === 2 || left === TAIL.length;
}

function isTooLarge(error: unknown): boolean {
  return codeOf(error) === 'ERR_BUFFER_TOO_LARGE';
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** Returns the violation that an exception of zlib stands for. */
export function toViolation(error: unknown): ProtocolError {
  if (isTooLarge(error)) return tooLong();
  const { message } = error as Error;
  const isData = DATA_ERRORS.includes(codeOf(error) ?? '');
  return isData ? invalid(message) : new ProtocolError('CANNOT_DECODE', message);
}

/** RFC 6455 §10.4 MUST: the limit applies to the inflated message. */
export function tooLong(): ProtocolError {
  return new ProtocolError('UNSUPPORTED_MESSAGE_LENGTH');
}

/** Returns the violation, with `errno` of zlib as in `ws`. */
export function invalid(detail: string): ProtocolError {
  const violation = new ProtocolError('INVALID_COMPRESSED_DATA', detail);
  return Object.assign(violation, { errno: constants.Z_DATA_ERROR });
}
