/** RFC 7692 §7.2.1: compressing a message. No zlib stream is kept from one to the next. */

import { constants, deflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';
import type { Encoded } from '../protocol/extension.js';
import { time } from '../time/time.js';
import { SlidingWindow } from './window.js';
import { runInPool } from './zlib-pool.js';

/** What is larger is compressed in the thread pool: up to here it takes less than about 1 ms. */
const INLINE_THRESHOLD = 32_768;

/**
 * How much of what was sent a message may refer to: it halves what a chat or a ticker sends, for
 * a seventh of the memory and a third of the time of the whole window (docs/decisions/0008).
 */
const HISTORY = 4096;

/** A longer message refers to itself: the history would gain it one part in a hundred. */
const REFERENCE_THRESHOLD = 8192;

/** zlib's default, 6, takes twice the time of 3 for one part in a hundred less. */
const LEVEL = 3;

/** zlib finds no match farther back than its window less this. */
const LOOKAHEAD = 262;

/** The smallest window that zlib compresses with; its matches stay within 2^8 bytes. */
const MIN_WINDOW_BITS = 9;

/** RFC 7692 §7.2.1: what the flush at the end leaves, 00 00 ff ff, is not sent. */
const TAIL_LENGTH = 4;

/** zlib takes no smaller one; it is also what a message that does not get smaller gains. */
const MIN_CHUNK = 64;

/** From here on it matters that a message does not get smaller. */
const FALLBACK_THRESHOLD = 1024;

/** Compresses the messages of one connection, one after the other. */
export class Deflater {
  private readonly options: ZlibOptions;
  private readonly windowBits: number;
  /** What messages refer to; undefined if each stands alone. */
  private readonly history: SlidingWindow | undefined;
  private isDropped = false;

  /**
   * @param windowBits of our window
   * @param takesOver whether we may refer to earlier messages
   * @param options the application's own for zlib
   */
  constructor(windowBits: number, takesOver: boolean, options: ZlibOptions | undefined) {
    // The application may tune zlib, but not say where a message ends.
    this.options = {
      level: LEVEL,
      ...options,
      flush: constants.Z_NO_FLUSH,
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: undefined,
      info: false,
    };
    this.windowBits = Math.max(windowBits, MIN_WINDOW_BITS);
    this.history = takesOver ? new SlidingWindow(Math.min(2 ** windowBits, HISTORY)) : undefined;
  }

  /** Compresses a message or a fragment of it: see {@link Extension.encode}. */
  deflate(
    payload: Buffer,
    opens: boolean,
    fin: boolean,
    done: Encoded,
  ): Buffer | Error | undefined {
    if (payload.length > INLINE_THRESHOLD) {
      this.deflateLater(payload, opens, fin, done);
      return undefined;
    }
    try {
      const options = this.optionsFor(payload, payload.length);
      const compressed = withoutTail(deflateRawSync(payload, options), fin);
      if (isWorse(payload, compressed, opens && fin)) return payload;
      this.history?.append(payload);
      return compressed;
    } catch (error) {
      return error as Error;
    }
  }

  /** What decides how a message is compressed that refers to no other one. */
  get parameters(): string {
    const { level, memLevel, strategy } = this.options;
    return `${this.windowBits} ${level} ${memLevel} ${strategy}`;
  }

  /** Compresses a whole message that refers to no other one: see {@link Extension.encodeAlone}. */
  deflateAlone(payload: Buffer): Buffer {
    const options = { ...this.optionsFor(payload, payload.length), dictionary: undefined };
    const compressed = withoutTail(deflateRawSync(payload, options), true);
    return isWorse(payload, compressed, true) ? payload : compressed;
  }

  /**
   * A message was sent that {@link deflateAlone} compressed. Where nothing is kept, nothing need be
   * kept of it either: a connection that is only ever told what all are told costs no memory.
   */
  note(payload: Buffer): void {
    const { history } = this;
    if (history?.dictionary !== undefined) history.append(payload);
  }

  /** Begins nothing more: the connection is over. */
  drop(): void {
    this.isDropped = true;
  }

  private deflateLater(payload: Buffer, opens: boolean, fin: boolean, done: Encoded): void {
    // Every chunk is a way to the thread pool and back.
    const options = { ...this.optionsFor(payload, payload.length / 2) };
    const chosen = (compressed: Buffer): Buffer =>
      isWorse(payload, compressed, opens && fin) ? payload : compressed;
    runInPool((finished) => {
      const told = (error: Error | null, compressed: Buffer): void => {
        finished();
        // The program may have filled its buffer again meanwhile: who knows what the peer's window holds.
        this.history?.clear();
        done(error ?? chosen(withoutTail(compressed, fin)));
      };
      if (this.isDropped) {
        told(new Error('nobody waits for it'), payload);
        return;
      }
      try {
        deflateRaw(payload, options, told);
      } catch (error) {
        // Not from in here: this may run inside of another connection's job.
        time.nextTick(told, error as Error, payload);
      }
    });
  }

  /** Small messages need no large window, whose making costs more than their compression. */
  private optionsFor(payload: Buffer, chunkSize: number): ZlibOptions {
    const { options, history } = this;
    const dictionary = payload.length <= REFERENCE_THRESHOLD ? history?.dictionary : undefined;
    const reach = payload.length + (dictionary?.length ?? 0) + LOOKAHEAD;
    const fitting = Math.max(MIN_WINDOW_BITS, 32 - Math.clz32(reach - 1));
    options.dictionary = dictionary;
    options.windowBits = Math.min(this.windowBits, fitting);
    options.chunkSize = Math.ceil(chunkSize + chunkSize / 256) + MIN_CHUNK;
    return options;
  }
}

function withoutTail(compressed: Buffer, fin: boolean): Buffer {
  return fin ? compressed.subarray(0, compressed.length - TAIL_LENGTH) : compressed;
}

// RFC 7692 §6: a message that does not get smaller may go as it is. Then it enters no window.
function isWorse(payload: Buffer, compressed: Buffer, isWhole: boolean): boolean {
  return isWhole && payload.length >= FALLBACK_THRESHOLD && compressed.length >= payload.length;
}
