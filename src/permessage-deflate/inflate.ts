/** RFC 7692 §7.2.2: decompressing a message. No zlib stream is kept from one to the next. */

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
import { time } from '../time/time.js';
import { SlidingWindow } from './window.js';
import { hasBudget, runInPool, spend } from './zlib-pool.js';

/**
 * RFC 7692 §7.2.2: what the sender removed, 00 00 ff ff; behind it, an empty block that ends the
 * stream (RFC 1951 §3.2.3). So zlib must come to the end, and whatever is cut or missing is an
 * error.
 */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x03, 0x00]);

/** What is larger, as received or as inflated, goes to the thread pool: at most about 1 ms here. */
const INLINE_INPUT = 65_536;
const INLINE_OUTPUT = 262_144;

/** In how large steps the thread pool hands over what it inflated, and the most for one step. */
const MAX_CHUNK = 65_536;

/** A message is expected to become so many times larger; what is left over stays unused. */
const EXPECTED_RATIO = 4;
const MIN_CHUNK = 128;

/** How many times a message may end the stream. Once is what encoders do; each is a start anew. */
const MAX_STREAMS = 16;

/** What zlib says of data that are no DEFLATE stream, or not a whole one. */
const DATA_ERRORS = ['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT'];

/** What zlib hands over if asked for `info`. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: InflateRaw;
}

/** A message in the thread pool. */
interface Inflation {
  readonly input: Buffer;
  readonly limit: number;
  readonly done: Decoded;
  /** How much of `input` is inflated, into `parts` of `length` bytes, by so many streams. */
  consumed: number;
  readonly parts: Buffer[];
  length: number;
  streams: number;
  /** What the next stream may refer to; made when there is one. */
  window: SlidingWindow | undefined;
}

/** Inflates the messages of one connection, one after the other. */
export class Inflater {
  private readonly options: ZlibOptions;
  private readonly windowSize: number;
  /** What messages may refer to; undefined if each stands alone. */
  private readonly history: SlidingWindow | undefined;
  private isDropped = false;

  /**
   * @param windowBits of the sender's window
   * @param takesOver whether the sender may refer to earlier messages
   * @param options the application's own for zlib
   */
  constructor(windowBits: number, takesOver: boolean, options: ZlibOptions | undefined) {
    // The application may tune zlib, but not say where a message ends.
    this.options = { ...options, windowBits, info: true, finishFlush: constants.Z_FINISH };
    this.windowSize = 2 ** windowBits;
    this.history = takesOver ? new SlidingWindow(this.windowSize) : undefined;
  }

  /** Inflates a message: see {@link Extension.decode}. */
  inflate(payload: Buffer, limit: number, done: Decoded): Buffer | ProtocolError | undefined {
    const input = Buffer.allocUnsafe(payload.length + TAIL.length);
    payload.copy(input);
    TAIL.copy(input, payload.length);
    const isSmall = payload.length <= INLINE_INPUT && hasBudget();
    const inline = isSmall ? this.inflateNow(input, limit) : undefined;
    if (inline !== undefined) return inline;
    this.inflateLater(input, limit, done);
    return undefined;
  }

  /** Begins nothing more: the connection is over. */
  drop(): void {
    this.isDropped = true;
  }

  /** @returns undefined if it is too much to be inflated at once, or not one stream */
  private inflateNow(input: Buffer, limit: number): Buffer | ProtocolError | undefined {
    const most = limit > 0 ? Math.min(limit, INLINE_OUTPUT) : INLINE_OUTPUT;
    try {
      const chunkSize = Math.max(MIN_CHUNK, input.length * EXPECTED_RATIO);
      const options = this.optionsFor(this.history?.dictionary, most, chunkSize);
      const { buffer, engine } = inflateRawSync(input, options) as unknown as Inflated; // info: true
      spend(input.length + buffer.length);
      if (!isWhole(input, engine.bytesWritten)) return undefined;
      this.history?.append(buffer);
      return buffer;
    } catch (error) {
      spend(most);
      return isTooLarge(error) && most !== limit ? undefined : explain(error);
    }
  }

  private inflateLater(input: Buffer, limit: number, done: Decoded): void {
    runInPool((finished) => {
      const told: Decoded = (message) => {
        finished();
        done(message);
      };
      this.inflateStream({
        input,
        limit,
        done: told,
        consumed: 0,
        parts: [],
        length: 0,
        streams: 0,
        window: undefined,
      });
    });
  }

  /** Inflates up to a block that ends the stream. RFC 7692 §7.2.3.4: more may come behind it. */
  private inflateStream(inflation: Inflation): void {
    const { input, limit, consumed, length, done } = inflation;
    if (this.isDropped) {
      done(invalid('nobody waits for it'));
      return;
    }
    // zlib takes no 0 for the most; what is one byte too long is found when the stream is added.
    const most = limit > 0 ? Math.max(1, limit - length) : undefined;
    const dictionary = (inflation.window ?? this.history)?.dictionary;
    const options = { ...this.optionsFor(dictionary, most, MAX_CHUNK) };
    try {
      inflateRaw(input.subarray(consumed), options, (error, result) => {
        if (error) done(explain(error));
        else this.addStream(inflation, result as unknown as Inflated); // info: true
      });
    } catch (error) {
      // Not from in here: this may run inside of another connection's job.
      time.nextTick(done, explain(error));
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

  /** RFC 7692 §7.2.3.2: the next stream of a message may refer to those before it. */
  private slideWindow(inflation: Inflation, inflated: Buffer): void {
    if (inflation.window === undefined) {
      inflation.window = new SlidingWindow(this.windowSize);
      const { dictionary } = this.history ?? {};
      if (dictionary !== undefined) inflation.window.append(dictionary);
    }
    inflation.window.append(inflated);
  }

  private finish({ parts, length }: Inflation): Buffer {
    const [only] = parts;
    const message = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, length);
    this.history?.append(message);
    return message;
  }

  private optionsFor(
    dictionary: Buffer | undefined,
    most: number | undefined,
    chunkSize: number,
  ): ZlibOptions {
    const { options } = this;
    options.dictionary = dictionary;
    options.maxOutputLength = most;
    options.chunkSize = Math.min(chunkSize, MAX_CHUNK);
    return options;
  }
}

/**
 * Whether all of a message is inflated. Its last block may end the stream itself, in front of what
 * was added, or, being an empty block without compression, with the first four bytes of that.
 */
function isWhole(input: Buffer, consumed: number): boolean {
  const left = input.length - consumed;
  return left === 0 || left === 2 || left === TAIL.length;
}

function isTooLarge(error: unknown): boolean {
  return codeOf(error) === 'ERR_BUFFER_TOO_LARGE';
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function explain(error: unknown): ProtocolError {
  if (isTooLarge(error)) return tooLong();
  const { message } = error as Error;
  const isData = DATA_ERRORS.includes(codeOf(error) ?? '');
  return isData ? invalid(message) : new ProtocolError('CANNOT_DECODE', message);
}

// RFC 6455 §10.4: the limit holds for what a message inflates to.
function tooLong(): ProtocolError {
  return new ProtocolError('UNSUPPORTED_MESSAGE_LENGTH');
}

function invalid(detail: string): ProtocolError {
  return new ProtocolError('INVALID_COMPRESSED_DATA', detail);
}
