/** RFC 7692 §7.2.2: inflates the messages of one direction at once, for tools. */

import { Buffer } from 'node:buffer';
import { constants, inflateRawSync } from 'node:zlib';
import { SlidingWindow } from '../permessage-deflate/window.js';
import { ProtocolError } from '../protocol/errors.js';

/** RFC 7692 §7.2.2 MUST: the sender has removed these bytes. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

const MAX_WINDOW = 32_768;

/** A message that says that it is longer is not inflated, without a limit of the caller. */
const MAX_LENGTH = 256 * 1024 * 1024;

/** Keeps the window between messages: with or without context takeover the result is the same. */
export class MessageInflater {
  private readonly window = new SlidingWindow(MAX_WINDOW);

  /** @param limit the maximum length of the message; default: 256 MiB */
  inflate(payload: Buffer, limit: number = MAX_LENGTH): Buffer | ProtocolError {
    const { dictionary } = this.window;
    const options = {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: Math.max(1, limit),
      ...(dictionary && { dictionary }),
    };
    try {
      const message = inflateRawSync(Buffer.concat([payload, TAIL]), options);
      this.window.append(message);
      return message;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ERR_BUFFER_TOO_LARGE'
        ? new ProtocolError('UNSUPPORTED_MESSAGE_LENGTH')
        : new ProtocolError('INVALID_COMPRESSED_DATA', message);
    }
  }
}
