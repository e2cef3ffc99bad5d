/** RFC 6455 §5.4: the message that is being received, put together from its fragments. */

import { Buffer } from 'node:buffer';
import type { Violation } from './errors.js';
import { type FrameHeader, Opcode } from './frame.js';
import { Pieces } from './pieces.js';
import { judgeLength } from './rules.js';
import { Utf8Check } from './utf8.js';

/** What limits a message; 0 is no limit. */
export interface MessageLimits {
  readonly maxPayload: number;
  readonly maxFragments: number;
}

const NOTHING = Buffer.alloc(0);

/** The message in progress. */
export class Assembly {
  /** The opcode of its first frame; 0 if no message is in progress. */
  opcode = 0;
  /** Whether it is the extension's to decode. */
  isEncoded = false;

  private byteLength = 0;
  private fragments = 0;
  /** How many bytes were added. */
  private added = 0;
  // Both are made with the first message that comes in parts; on most connections none does.
  private pieces: Pieces | undefined;
  private utf8: Utf8Check | undefined;

  /** Whether no byte of it has been added. */
  get isEmpty(): boolean {
    return this.added === 0;
  }

  /** Judges what the header of its next frame announces, before any memory is taken for it. */
  judge(header: FrameHeader, limits: MessageLimits): Violation | undefined {
    const violation = judgeLength(header, this.byteLength, limits.maxPayload);
    if (violation !== undefined) return violation;
    const tooMany = limits.maxFragments > 0 && this.fragments >= limits.maxFragments;
    return tooMany ? 'TOO_MANY_FRAGMENTS' : undefined;
  }

  /** Begins a frame, and with the first one the message. */
  enter(header: FrameHeader): void {
    if (header.opcode !== Opcode.CONTINUATION) {
      this.opcode = header.opcode;
      // RFC 7692 §6.1: the reserved bit of the first frame marks the whole message.
      this.isEncoded = header.reserved !== 0;
    }
    this.byteLength += header.length;
    this.fragments++;
  }

  /** Whether its bytes, as they come, are text. */
  get isText(): boolean {
    return this.opcode === Opcode.TEXT && !this.isEncoded;
  }

  /**
   * Adds what `chunk` has of it from `start` to `end`.
   * @param key what these bytes are masked with; 0 for none
   * @param awaited bytes of the same frame that are still to come
   */
  add(chunk: Buffer, start: number, end: number, key: number, awaited: number): void {
    this.pieces ??= new Pieces();
    this.pieces.add(chunk, start, end, key, awaited);
    this.added += end - start;
  }

  /**
   * RFC 6455 §5.6: a fragment may end inside a character, the whole message may not.
   * @param piece what was added of a text
   * @returns false if it can't be UTF-8 any more
   */
  continuesUtf8(piece: Buffer, last: boolean): boolean {
    this.utf8 ??= new Utf8Check();
    return this.utf8.push(piece) && (!last || this.utf8.complete);
  }

  /** Hands over all of it in one Buffer. */
  join(): Buffer {
    this.added = 0;
    return this.pieces?.join() ?? NOTHING;
  }

  /** Hands over its pieces. */
  take(): Buffer[] {
    this.added = 0;
    return this.pieces?.take() ?? [];
  }

  /** Makes ready for the next message. */
  finish(): void {
    this.opcode = 0;
    this.byteLength = 0;
    this.fragments = 0;
    this.utf8?.reset();
  }

  /** Drops what it holds. */
  clear(): void {
    this.added = 0;
    this.pieces?.clear();
  }
}
