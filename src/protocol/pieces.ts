/**
 * RFC 6455 §5.4: a message that arrives in parts. A fragment and a cut by TCP are the same thing
 * here: a piece. Large pieces are kept as they came (as long as that holds
 * no more than four times their bytes), small ones are joined as they come, so that
 * what a fragment costs is about its bytes, not an object.
 */

import { Buffer } from 'node:buffer';
import { unmask, unmaskedCopy, unmaskInto } from './mask.js';

/** From here on a piece stands alone instead of being joined to its neighbours. */
const LARGE_FROM = 4096;

/** A view is kept if it has at least this part of the memory that it holds alive. */
const LARGEST_WASTE = 4;

/** The first and the largest step in which the tail grows. */
const SMALLEST_TAIL = 128;
const LARGEST_TAIL = 65_536;

const NOTHING = Buffer.alloc(0);

/** The pieces of the message that is being received. */
export class Pieces {
  /** How many bytes the pieces hold. */
  byteLength = 0;
  private list: Buffer[] = [];
  /** The key that each is still masked with; 0 for none. It is unmasked where it is joined. */
  private keys: number[] = [];
  /** Where small pieces go; `tailUsed` of its bytes are taken. */
  private tail: Buffer = NOTHING;
  private tailUsed = 0;

  /**
   * Adds the bytes of `chunk` from `start` to `end`.
   * @param key what they are masked with, as it stands for the first of them; 0 for none
   * @param awaited bytes of the same frame that are still to come, so that room can be made for
   * them in one step
   */
  add(chunk: Buffer, start: number, end: number, key: number, awaited: number): void {
    const length = end - start;
    this.byteLength += length;
    if (length >= LARGE_FROM) {
      this.seal();
      this.keep(chunk, start, end, key);
    } else if (length > 0) {
      const needed = this.tailUsed + length;
      if (needed > this.tail.length) this.grow(needed, awaited);
      unmaskInto(this.tail, this.tailUsed, chunk, start, end, key);
      this.tailUsed += length;
    }
  }

  /**
   * Hands over the message in one Buffer and forgets it. Each byte is copied at most once more. What is
   * joined begins its memory: programs lay typed arrays over it, which must lie on whole words.
   */
  join(): Buffer {
    this.seal();
    const [first = NOTHING] = this.list;
    if (this.list.length < 2) {
      unmask(first, 0, first.length, this.keys[0] ?? 0);
      this.clear();
      return first;
    }
    const joined = Buffer.allocUnsafeSlow(this.byteLength);
    let at = 0;
    for (const [i, piece] of this.list.entries()) {
      unmaskInto(joined, at, piece, 0, piece.length, this.keys[i] ?? 0);
      at += piece.length;
    }
    this.clear();
    return joined;
  }

  /** Hands over the pieces as they are and forgets them. */
  take(): Buffer[] {
    this.seal();
    const { list, keys } = this;
    for (const [i, piece] of list.entries()) unmask(piece, 0, piece.length, keys[i] ?? 0);
    this.clear();
    return list;
  }

  /** Forgets everything. */
  clear(): void {
    if (this.list.length > 0) {
      this.list = [];
      this.keys = [];
    }
    this.tail = NOTHING;
    this.tailUsed = 0;
    this.byteLength = 0;
  }

  /** Keeps a view, or a copy where a view would hold much more memory than it has bytes. */
  private keep(chunk: Buffer, start: number, end: number, key: number): void {
    const isFrugal = (end - start) * LARGEST_WASTE >= chunk.buffer.byteLength;
    this.list.push(isFrugal ? chunk.subarray(start, end) : unmaskedCopy(chunk, start, end, key));
    this.keys.push(isFrugal ? key : 0);
  }

  /** A larger tail: twice as large, or what the frame will need; a full one is put on the list. */
  private grow(needed: number, awaited: number): void {
    if (needed > LARGEST_TAIL) {
      this.seal();
      this.tail = Buffer.allocUnsafeSlow(LARGEST_TAIL);
      return;
    }
    const foreseen = needed + Math.min(awaited, LARGE_FROM);
    const size = Math.min(LARGEST_TAIL, Math.max(SMALLEST_TAIL, foreseen, this.tail.length * 2));
    const larger = Buffer.allocUnsafeSlow(size);
    this.tail.copy(larger, 0, 0, this.tailUsed);
    this.tail = larger;
  }

  private seal(): void {
    if (this.tailUsed > 0) {
      this.list.push(this.tail.subarray(0, this.tailUsed));
      this.keys.push(0);
    }
    this.tail = NOTHING;
    this.tailUsed = 0;
  }
}
