/** RFC 7692 §7.2.2: inflates the messages of one direction at once, for tools. */

import { Buffer } from 'node:buffer';
import { constants, inflateRawSync } from 'node:zlib';
import {
  type Inflated,
  invalid,
  isWhole,
  MAX_STREAMS,
  TAIL,
  tooLong,
  toViolation,
} from '../permessage-deflate/inflate.js';
import { SlidingWindow } from '../permessage-deflate/window.js';
import type { ProtocolError } from '../protocol/errors.js';

/** RFC 7692 §7.1.2: the largest window. A sender with a smaller one refers to fewer bytes. */
const MAX_WINDOW = 32_768;

/** Keeps the window between messages. Without context takeover no message refers to it. */
export class MessageInflater {
  private readonly window = new SlidingWindow(MAX_WINDOW);

  /**
   * Inflates a message.
   * @param limit the maximum length of the result; 0 = no limit
   * @returns the violation of a message that cannot be inflated
   */
  inflate(payload: Buffer, limit: number): Buffer | ProtocolError {
    const input = Buffer.concat([payload, TAIL]);
    const parts: Buffer[] = [];
    let consumed = 0;
    let length = 0;
    try {
      for (let streams = 0; streams < MAX_STREAMS; streams++) {
        // The limit of zlib cannot be 0. A result that is one byte too long is found below.
        const maxLength = limit > 0 ? Math.max(1, limit - length) : undefined;
        const { buffer, engine } = this.inflateStream(input.subarray(consumed), maxLength);
        consumed += engine.bytesWritten;
        length += buffer.length;
        parts.push(buffer);
        if (limit > 0 && length > limit) return tooLong();
        if (isWhole(input, consumed)) return Buffer.concat(parts);
        if (consumed > payload.length) return invalid('unexpected end');
      }
      return invalid('too many streams');
    } catch (error) {
      return toViolation(error);
    }
  }

  /** Inflates one stream. RFC 7692 §7.2.3.4: a block with BFINAL ends it, and another may follow. */
  private inflateStream(input: Buffer, maxOutputLength: number | undefined): Inflated {
    const { dictionary } = this.window;
    const inflated = inflateRawSync(input, {
      finishFlush: constants.Z_FINISH,
      info: true,
      ...(maxOutputLength && { maxOutputLength }),
      ...(dictionary && { dictionary }),
    }) as unknown as Inflated; // info: true
    this.window.append(inflated.buffer);
    return inflated;
  }
}
