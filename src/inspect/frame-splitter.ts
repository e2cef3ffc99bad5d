/** RFC 6455 §5.2: cuts the bytes of one direction where frames begin, and keeps no payload. */

import { Buffer } from 'node:buffer';
import { FrameHeader, readHeader } from '../protocol/frame.js';

/** Bytes of one frame: all of them, or those that came in one chunk. */
export interface Piece {
  readonly bytes: Buffer;
  /** The number of bytes of the whole frame; 0 while the header is not complete. */
  readonly frameSize: number;
  /** Whether the frame ends with these bytes. */
  readonly isEnd: boolean;
}

const NOTHING = Buffer.alloc(0);

/** The longest header: two bytes, a length of 64 bits, and a masking key. */
const MAX_HEADER = 14;

/** Finds the boundaries of frames. Frames that break a rule have them too. */
export class FrameSplitter {
  private readonly header = new FrameHeader();
  /** The bytes of a header that is not complete. */
  private begun: Buffer = NOTHING;
  /** The number of missing bytes of the current frame; 0 while its header is not complete. */
  private missing = 0;
  private frameSize = 0;

  /** Whether the next byte is the first one of a frame. */
  get isAtBoundary(): boolean {
    return this.missing === 0 && this.begun.length === 0;
  }

  /** Cuts a chunk into pieces, which are views of it. */
  split(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    for (let offset = 0; offset < chunk.length; ) {
      const rest = offset === 0 ? chunk : chunk.subarray(offset);
      const bytes = rest.subarray(0, this.take(rest));
      pieces.push({ bytes, frameSize: this.frameSize, isEnd: this.isAtBoundary });
      offset += bytes.length;
    }
    return pieces;
  }

  /** Reads bytes of the current frame. @returns how many belong to it */
  private take(rest: Buffer): number {
    if (this.missing === 0) return this.takeHeader(rest);
    const count = Math.min(this.missing, rest.length);
    this.missing -= count;
    return count;
  }

  private takeHeader(rest: Buffer): number {
    const before = this.begun.length;
    const head =
      before === 0 ? rest : Buffer.concat([this.begun, rest.subarray(0, MAX_HEADER - before)]);
    if (!readHeader(head, 0, head.length, this.header)) {
      this.begun = head;
      this.frameSize = 0;
      return rest.length;
    }
    this.begun = NOTHING;
    this.frameSize = this.header.size + this.header.length;
    const count = Math.min(this.frameSize - before, rest.length);
    this.missing = this.frameSize - before - count;
    return count;
  }
}
