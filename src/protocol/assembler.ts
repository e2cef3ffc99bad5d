/** RFC 6455 §5.4: the message that is being received, put together from its fragments. */

import { Buffer } from 'node:buffer';
import type { Violation } from './errors.js';
import type { FrameHeader } from './frame.js';
import { checkLength } from './frame-rules.js';
import { MessageBuffer } from './message-buffer.js';
import { Utf8Check } from './utf8.js';

/** What limits a message; 0 is no limit. */
export interface MessageLimits {
  readonly maxPayload: number;
  readonly maxFragments: number;
}

/** The message in progress. */
export class MessageAssembler {
  private byteLength = 0;
  private fragments = 0;
  private readonly pieces = new MessageBuffer();
  /** The whole fragments, where they are wanted as they were sent; made with the first of them. */
  private wholeFragments: Buffer[] | undefined;
  /** Made with the first text. */
  private utf8: Utf8Check | undefined;

  /** Whether no byte of it has been added. */
  get isEmpty(): boolean {
    return !this.isInFragment && this.wholeFragments === undefined;
  }

  /** Whether a part of a fragment has been added, or of a message that is joined. */
  get isInFragment(): boolean {
    return this.pieces.byteLength > 0;
  }

  /** Judges what the header of its next frame announces, and counts that frame if it may come. */
  admit(header: FrameHeader, limits: MessageLimits): Violation | undefined {
    const violation = checkLength(header, this.byteLength, limits.maxPayload);
    if (violation !== undefined) return violation;
    if (limits.maxFragments > 0 && this.fragments >= limits.maxFragments) {
      return 'TOO_MANY_FRAGMENTS';
    }
    this.byteLength += header.length;
    this.fragments++;
    return undefined;
  }

  /**
   * Adds what `chunk` has of it from `start` to `end`.
   * @param key what these bytes are masked with; 0 for none
   * @param awaited bytes of the same frame that are still to come
   */
  add(chunk: Buffer, start: number, end: number, key: number, awaited: number): void {
    this.pieces.add(chunk, start, end, key, awaited);
  }

  /**
   * RFC 6455 §5.6: a fragment may end inside a character, the whole message may not.
   * @param piece what was added of a text
   * @returns false if it can't be UTF-8 any more
   */
  checkUtf8Piece(piece: Buffer, last: boolean): boolean {
    this.utf8 ??= new Utf8Check();
    return this.utf8.push(piece) && (!last || this.utf8.complete);
  }

  /** Ends a fragment that is wanted as it was sent. */
  endFragment(): void {
    if (this.isInFragment) this.addFragment(this.pieces.join());
  }

  /** Adds a whole fragment that is wanted as it was sent. An empty one leaves no trace, as in `ws`. */
  addFragment(fragment: Buffer): void {
    if (fragment.length === 0) return;
    this.wholeFragments ??= [];
    this.wholeFragments.push(fragment);
  }

  /** Hands over all of it in one Buffer. */
  join(): Buffer {
    if (this.wholeFragments === undefined) return this.pieces.join();
    return Buffer.concat(this.takeFragments());
  }

  /** Hands over its fragments. */
  takeFragments(): Buffer[] {
    this.endFragment();
    const fragments = this.wholeFragments ?? [];
    this.wholeFragments = undefined;
    return fragments;
  }

  /** Makes ready for the next message. */
  finish(): void {
    this.byteLength = 0;
    this.fragments = 0;
    this.utf8?.reset();
  }
}
