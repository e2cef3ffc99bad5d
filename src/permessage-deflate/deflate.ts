/** RFC 7692 §7.2.1: compresses messages. No zlib stream is kept between messages. */

import { constants, deflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';
import type { Encoded } from '../protocol/extension.js';
import { SlidingWindow } from './window.js';
import type { ZlibPool } from './zlib-pool.js';

/** Larger messages are compressed in the thread pool: this size takes about 1 ms. */
const INLINE_THRESHOLD = 32_768;

/**
 * A message may refer to this many bytes of earlier messages. They halve the traffic of a chat or a
 * ticker, with a seventh of the memory and a third of the time of a full window (docs/decisions/0008).
 */
const WINDOW_SIZE = 4096;

/** Longer messages do not refer to earlier ones: the window would save only 1 %. */
const REFERENCE_THRESHOLD = 8192;

/** The default of zlib, 6, takes twice the time of 3 and saves only 1 % more. */
const LEVEL = 3;

/** zlib finds matches up to its window size minus this. */
const LOOKAHEAD = 262;

/** The smallest window of zlib. Its matches are within 2^8 bytes. */
const MIN_WINDOW_BITS = 9;

/** RFC 7692 §7.2.1: the 00 00 ff ff of the last flush is removed. */
const TAIL_LENGTH = 4;

/** The smallest chunk of zlib. An incompressible message grows by less than this. */
const MIN_CHUNK = 64;

/** Messages of at least this size are sent as they are if compression does not shrink them. */
const FALLBACK_THRESHOLD = 1024;

/** Compresses the messages of one connection, one at a time. */
export class Deflater {
  private readonly options: ZlibOptions;
  private readonly windowBits: number;
  /** The messages that the next one may refer to; undefined without context takeover. */
  private readonly window: SlidingWindow | undefined;
  private readonly pool: ZlibPool;
  private isDropped = false;

  /**
   * @param windowBits the size of our window
   * @param takesOver whether a message may refer to earlier ones
   * @param options the zlib options of the application
   */
  constructor(
    windowBits: number,
    takesOver: boolean,
    options: ZlibOptions | undefined,
    pool: ZlibPool,
  ) {
    this.pool = pool;
    // The application may tune zlib, except the end of a message.
    this.options = {
      level: LEVEL,
      ...options,
      flush: constants.Z_NO_FLUSH,
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: undefined,
      info: false,
    };
    // RFC 7692 §7.2.1 MUST: the window is no larger than agreed, and empty without context takeover.
    this.windowBits = Math.max(windowBits, MIN_WINDOW_BITS);
    this.window = takesOver ? new SlidingWindow(Math.min(2 ** windowBits, WINDOW_SIZE)) : undefined;
  }

  /** Compresses a message or a fragment: see {@link Extension.encode}. */
  deflate(
    payload: Buffer,
    isFirst: boolean,
    fin: boolean,
    done: Encoded,
  ): Buffer | Error | undefined {
    if (payload.length > INLINE_THRESHOLD) {
      this.deflateLater(payload, isFirst, fin, done);
      return undefined;
    }
    try {
      const options = this.optionsFor(payload, payload.length);
      const compressed = withoutTail(deflateRawSync(payload, options), fin);
      if (isWorse(payload, compressed, isFirst && fin)) return payload;
      this.window?.append(payload);
      return compressed;
    } catch (error) {
      return error as Error;
    }
  }

  /** Deflaters with equal parameters give the same result in {@link deflateAlone}. */
  get parameters(): string {
    const { level, memLevel, strategy } = this.options;
    return `${this.windowBits} ${level} ${memLevel} ${strategy}`;
  }

  /** Compresses a message without reference to earlier ones: see {@link Extension.encodeAlone}. */
  deflateAlone(payload: Buffer): Buffer {
    const options = { ...this.optionsFor(payload, payload.length), dictionary: undefined };
    const compressed = withoutTail(deflateRawSync(payload, options), true);
    return isWorse(payload, compressed, true) ? payload : compressed;
  }

  /**
   * A message of {@link deflateAlone} was sent. It is kept only if the window has other messages, so
   * that connections which only receive broadcasts need no memory.
   */
  note(payload: Buffer): void {
    const { window } = this;
    if (window?.dictionary !== undefined) window.append(payload);
  }

  /** Cancels jobs that have not started. */
  drop(): void {
    this.isDropped = true;
  }

  private deflateLater(payload: Buffer, isFirst: boolean, fin: boolean, done: Encoded): void {
    // Each output chunk is a round trip to the thread pool.
    const options = { ...this.optionsFor(payload, payload.length / 2) };
    const chosen = (compressed: Buffer): Buffer =>
      isWorse(payload, compressed, isFirst && fin) ? payload : compressed;
    this.pool.run((finished) => {
      const callback = (error: Error | null, compressed: Buffer): void => {
        finished();
        // The program may have changed its buffer meanwhile, so the peer's window is unknown.
        this.window?.clear();
        done(error ?? chosen(withoutTail(compressed, fin)));
      };
      if (this.isDropped) {
        callback(new Error('the connection is closed'), payload);
        return;
      }
      try {
        deflateRaw(payload, options, callback);
      } catch (error) {
        this.pool.defer(() => callback(error as Error, payload));
      }
    });
  }

  /** Small messages get a small window: allocating a large one would cost more than compressing. */
  private optionsFor(payload: Buffer, chunkSize: number): ZlibOptions {
    const { options, window } = this;
    const dictionary = payload.length <= REFERENCE_THRESHOLD ? window?.dictionary : undefined;
    const reach = payload.length + (dictionary?.length ?? 0) + LOOKAHEAD;
    const fitting = Math.max(MIN_WINDOW_BITS, 32 - Math.clz32(reach - 1));
    options.dictionary = dictionary;
    options.windowBits = Math.min(this.windowBits, fitting);
    options.chunkSize = Math.ceil(chunkSize + chunkSize / 256) + MIN_CHUNK;
    return options;
  }
}

// RFC 7692 §7.2.1 MUST NOT: nothing is removed from a fragment that others follow.
function withoutTail(compressed: Buffer, fin: boolean): Buffer {
  return fin ? compressed.subarray(0, compressed.length - TAIL_LENGTH) : compressed;
}

// RFC 7692 §6: a message may be sent uncompressed. Then it is not in the window.
function isWorse(payload: Buffer, compressed: Buffer, isWhole: boolean): boolean {
  return isWhole && payload.length >= FALLBACK_THRESHOLD && compressed.length >= payload.length;
}
