/**
 * RFC 6455 §5.4: a message that arrives in parts. A fragment and a cut by TCP are the same thing
 * here: a piece. Large pieces are kept as they came (as long as that holds
 * no more than four times their bytes), small ones are joined as they come, so that
 * what a fragment costs is about its bytes, not an object.
 */

import { Buffer } from 'node:buffer';

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
  /** Where small pieces go; `tailUsed` of its bytes are taken. */
  private tail: Buffer = NOTHING;
  private tailUsed = 0;

  /**
   * Adds a piece.
   * @param awaited bytes of the same frame that are still to come, so that room can be made for
   * them in one step
   */
  add(piece: Buffer, awaited: number): void {
    this.byteLength += piece.length;
    if (piece.length >= LARGE_FROM) {
      this.seal();
      this.list.push(frugal(piece));
    } else if (piece.length > 0) {
      this.append(piece, awaited);
    }
  }

  /** Hands over the message in one Buffer and forgets it. Each byte is copied at most once more. */
  join(): Buffer {
    this.seal();
    const { list } = this;
    const only = list.length === 1 ? list[0] : undefined;
    const joined = only ?? Buffer.concat(list, this.byteLength);
    this.clear();
    return joined;
  }

  /** Hands over the pieces as they are and forgets them. */
  take(): Buffer[] {
    this.seal();
    const { list } = this;
    this.clear();
    return list;
  }

  /** Forgets everything. */
  clear(): void {
    if (this.list.length > 0) this.list = [];
    this.tail = NOTHING;
    this.tailUsed = 0;
    this.byteLength = 0;
  }

  private append(piece: Buffer, awaited: number): void {
    const needed = this.tailUsed + piece.length;
    if (needed > this.tail.length) this.grow(needed, awaited);
    piece.copy(this.tail, this.tailUsed);
    this.tailUsed += piece.length;
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
    if (this.tailUsed > 0) this.list.push(this.tail.subarray(0, this.tailUsed));
    this.tail = NOTHING;
    this.tailUsed = 0;
  }
}

/** The piece itself, or a copy where a view would hold much more memory than it has bytes. */
function frugal(piece: Buffer): Buffer {
  if (piece.length * LARGEST_WASTE >= piece.buffer.byteLength) return piece;
  const copy = Buffer.allocUnsafeSlow(piece.length);
  copy.set(piece);
  return copy;
}
