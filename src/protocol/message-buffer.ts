/**
 * RFC 6455 §5.4: a message that arrives in parts. A fragment and a cut by TCP are the same thing
 * here: a piece. Small pieces are joined as they come, so that what a fragment costs is about its
 * bytes, not an object. Large ones are kept as they came (as long as that holds no more than four times
 * their bytes) until a quarter of their frame is there; then all of it gets its room.
 */

import { Buffer } from 'node:buffer';
import { unmask, unmaskedCopy, unmaskInto } from './mask.js';

/** From here on a piece stands alone instead of being joined to its neighbours. */
const LARGE_PIECE = 4096;

/** Memory is held if at least this part of it is bytes that came. */
const MAX_RETAINED_RATIO = 4;

/** The first and the largest step in which the tail grows. */
const MIN_TAIL = 128;
const MAX_TAIL = 65_536;

const NOTHING = Buffer.alloc(0);

/** The pieces of the message that is being received. */
export class MessageBuffer {
  /** How many bytes the pieces hold. */
  byteLength = 0;
  private list: Buffer[] = [];
  /** The key that each is still masked with; 0 for none. It is unmasked where it is joined. */
  private keys: number[] = [];
  /** Where small pieces go, and a frame that has its room; `tailUsed` of its bytes are taken. */
  private tail: Buffer = NOTHING;
  private tailUsed = 0;
  /** How many bytes of the frame in progress there are, and where its pieces begin on the list. */
  private arrived = 0;
  private frameFrom = 0;

  /**
   * Adds the bytes of `chunk` from `start` to `end`.
   * @param key what they are masked with, as it stands for the first of them; 0 for none
   * @param awaited bytes of the same frame that are still to come, so that room can be made for
   * them in one step
   */
  add(chunk: Buffer, start: number, end: number, key: number, awaited: number): void {
    const length = end - start;
    this.byteLength += length;
    this.arrived += length;
    if (length > this.room) this.makeRoom(length, awaited);
    if (length <= this.room) this.append(chunk, start, end, key);
    else this.keep(chunk, start, end, key);
    if (awaited === 0) this.endFrame();
  }

  /** How much more the tail takes. */
  private get room(): number {
    return this.tail.length - this.tailUsed;
  }

  /** For a small piece, and for a large one if all of its frame should have room. */
  private makeRoom(length: number, awaited: number): void {
    if (length < LARGE_PIECE) {
      this.grow(this.tailUsed + length, awaited);
      return;
    }
    this.seal();
    const isWorthRetaining = this.arrived + awaited <= this.arrived * MAX_RETAINED_RATIO;
    if (awaited > 0 && isWorthRetaining) this.beginWhole(length + awaited);
  }

  private append(chunk: Buffer, start: number, end: number, key: number): void {
    unmaskInto(this.tail, this.tailUsed, chunk, start, end, key);
    this.tailUsed += end - start;
  }

  /**
   * A tail for all of this frame, with what came of it before. From here on its chunks are copied as
   * they come and are garbage at once, so that the next ones get the same memory.
   */
  private beginWhole(missing: number): void {
    const [list, keys] = [this.list.splice(this.frameFrom), this.keys.splice(this.frameFrom)];
    const held = list.reduce((sum, piece) => sum + piece.length, 0);
    this.tail = Buffer.allocUnsafeSlow(held + missing);
    for (const [i, piece] of list.entries()) this.append(piece, 0, piece.length, keys[i] ?? 0);
  }

  private endFrame(): void {
    if (this.room === 0 && this.tailUsed >= LARGE_PIECE) this.seal();
    this.arrived = 0;
    this.frameFrom = this.list.length;
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

  /** Forgets everything. */
  clear(): void {
    if (this.list.length > 0) {
      this.list = [];
      this.keys = [];
    }
    this.tail = NOTHING;
    this.tailUsed = 0;
    this.byteLength = 0;
    this.arrived = 0;
    this.frameFrom = 0;
  }

  /** Keeps a view, or a copy where a view would hold much more memory than it has bytes. */
  private keep(chunk: Buffer, start: number, end: number, key: number): void {
    const isWorthRetaining = (end - start) * MAX_RETAINED_RATIO >= chunk.buffer.byteLength;
    this.list.push(
      isWorthRetaining ? chunk.subarray(start, end) : unmaskedCopy(chunk, start, end, key),
    );
    this.keys.push(isWorthRetaining ? key : 0);
  }

  /** A larger tail: twice as large, or what the frame will need; a full one is put on the list. */
  private grow(needed: number, awaited: number): void {
    if (needed > MAX_TAIL) {
      this.seal();
      this.tail = Buffer.allocUnsafeSlow(MAX_TAIL);
      return;
    }
    const foreseen = needed + Math.min(awaited, LARGE_PIECE);
    const size = Math.min(MAX_TAIL, Math.max(MIN_TAIL, foreseen, this.tail.length * 2));
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
