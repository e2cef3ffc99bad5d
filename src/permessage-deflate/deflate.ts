/** RFC 7692 §7.2.1: compressing a message. No zlib stream is kept from one to the next. */

import { constants, deflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';
import type { Encoded } from '../protocol/extension.js';
import { History } from './history.js';
import { startJob } from './jobs.js';

/** What is larger is compressed in the thread pool: at most about 1 ms here. */
const INLINE_UP_TO = 65_536;

/** RFC 7692 §7.2.1: what the flush at the end leaves, 00 00 ff ff, is not sent. */
const TAIL_LENGTH = 4;

/** From here on it matters that a message does not get smaller. */
const WORTH_LEAVING = 1024;

/** Compresses the messages of one connection, one after the other. */
export class Deflater {
  private readonly options: ZlibOptions;
  /** What messages refer to; undefined if each stands alone. */
  private readonly history: History | undefined;

  /**
   * @param windowBits of our window
   * @param takesOver whether we may refer to earlier messages
   * @param options the application's own for zlib
   */
  constructor(windowBits: number, takesOver: boolean, options: ZlibOptions | undefined) {
    this.options = { ...options, windowBits, finishFlush: constants.Z_SYNC_FLUSH, info: false };
    this.history = takesOver ? new History(Math.min(2 ** windowBits, 4096)) : undefined;
  }

  /** Compresses a message or a fragment of it: see {@link Extension.encode}. */
  deflate(
    payload: Buffer,
    opens: boolean,
    fin: boolean,
    done: Encoded,
  ): Buffer | Error | undefined {
    this.options.dictionary = this.history?.dictionary;
    if (payload.length > INLINE_UP_TO) {
      this.deflateLater(payload, opens, fin, done);
      return undefined;
    }
    try {
      return this.finish(payload, deflateRawSync(payload, this.options), opens, fin);
    } catch (error) {
      return error as Error;
    }
  }

  private deflateLater(payload: Buffer, opens: boolean, fin: boolean, done: Encoded): void {
    const options = { ...this.options };
    startJob((finished) => {
      const told = (error: Error | null, compressed: Buffer): void => {
        finished();
        done(error ?? this.finish(payload, compressed, opens, fin));
      };
      try {
        deflateRaw(payload, options, told);
      } catch (error) {
        told(error as Error, payload);
      }
    });
  }

  private finish(payload: Buffer, compressed: Buffer, opens: boolean, fin: boolean): Buffer {
    const length = fin ? compressed.length - TAIL_LENGTH : compressed.length;
    // RFC 7692 §6: a message that does not get smaller may go as it is. Then it enters no window.
    const isWhole = opens && fin;
    if (isWhole && payload.length >= WORTH_LEAVING && length >= payload.length) return payload;
    this.history?.append(payload);
    return compressed.subarray(0, length);
  }
}
