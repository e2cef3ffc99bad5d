/** RFC 6455 §5.4: assembles the message being received from its fragments. */

import { Buffer } from 'node:buffer';
import type { Violation } from './errors.js';
import type { FrameHeader } from './frame.js';
import { checkLength } from './frame-rules.js';
import { MessageBuffer } from './message-buffer.js';
import { Utf8Check } from './utf8.js';

/** Limits of a message; 0 is no limit. */
export interface MessageLimits {
  readonly maxPayload: number;
  readonly maxFragments: number;
}

/** The message in progress. */
export class MessageAssembler {
  /** The payload bytes that the headers of its frames announced. */
  private announced = 0;
  private frames = 0;
  private readonly buffer = new MessageBuffer();
  /** The complete fragments, if the application wants them separately. Created when needed. */
  private fragments: Buffer[] | undefined;
  /** Created for the first text. */
  private utf8: Utf8Check | undefined;

  /** Whether no payload was added. */
  get isEmpty(): boolean {
    return !this.isInFragment && this.fragments === undefined;
  }

  /** Whether a part of a fragment, or of a message to be joined, was added. */
  get isInFragment(): boolean {
    return this.buffer.byteLength > 0;
  }

  /**
   * Checks the header of the next frame and counts the frame. RFC 6455 §10.4 SHOULD: frames and messages
   * have a maximum size.
   */
  acceptHeader(header: FrameHeader, limits: MessageLimits): Violation | undefined {
    const violation = checkLength(header, this.announced, limits.maxPayload);
    if (violation !== undefined) return violation;
    if (limits.maxFragments > 0 && this.frames >= limits.maxFragments) return 'TOO_MANY_FRAGMENTS';
    this.announced += header.length;
    this.frames++;
    return undefined;
  }

  /** Adds a piece: see {@link MessageBuffer.add}. */
  addPiece(chunk: Buffer, start: number, end: number, key: number, remaining: number): void {
    this.buffer.add(chunk, start, end, key, remaining);
  }

  /**
   * Checks a piece of a text. RFC 6455 §5.6: a fragment may end inside a character, a message may not.
   * @returns false if the text cannot be UTF-8
   */
  checkUtf8Piece(piece: Buffer, isLast: boolean): boolean {
    this.utf8 ??= new Utf8Check();
    return this.utf8.push(piece) && (!isLast || this.utf8.complete);
  }

  /** Ends a fragment that the application wants separately. */
  endFragment(): void {
    if (this.isInFragment) this.addFragment(this.buffer.join());
  }

  /** Adds a complete fragment. Empty fragments are left out, as in `ws`. */
  addFragment(fragment: Buffer): void {
    if (fragment.length === 0) return;
    this.fragments ??= [];
    this.fragments.push(fragment);
  }

  /** Takes the whole message, joined. */
  join(): Buffer {
    if (this.fragments === undefined) return this.buffer.join();
    return Buffer.concat(this.takeFragments());
  }

  /** Takes the fragments of the message. */
  takeFragments(): Buffer[] {
    this.endFragment();
    const fragments = this.fragments ?? [];
    this.fragments = undefined;
    return fragments;
  }

  /** Prepares for the next message. */
  reset(): void {
    this.announced = 0;
    this.frames = 0;
    this.utf8?.reset();
  }
}
