/**
 * RFC 6455 §5.4: the payload of a message that arrives in several reads. Fragments and parts of a
 * frame are handled alike: each is a *piece*, a run of message bytes in one chunk.
 *
 * | piece | storage |
 * |---|---|
 * | below 4 KiB | copied to the tail, which grows: a one-byte fragment costs about two bytes |
 * | larger, below a quarter of its frame is here | a view on its chunk, or a copy of a small part |
 * | larger, a quarter of its frame is here | copied to a tail that has room for the whole frame |
 *
 * So the memory in use is at most four times the received bytes, whatever length a header announces.
 */

import { Buffer } from 'node:buffer';
import { unmask, unmaskedCopy, unmaskInto } from './mask.js';

/** Smaller pieces are copied to the tail. */
const LARGE_PIECE = 4096;

/** A piece keeps alive at most this many times its own size. */
const MAX_RETAINED_RATIO = 4;

/** The first size of the tail, and the size up to which it grows. */
const MIN_TAIL = 128;
const MAX_TAIL = 65_536;

const EMPTY = Buffer.alloc(0);

/** The pieces of the message in progress. */
export class MessageBuffer {
  /** The bytes added and not taken. */
  byteLength = 0;
  private pieces: Buffer[] = [];
  /** The masking key of each piece; 0 if it is not masked. Joining unmasks. */
  private keys: number[] = [];
  /** The buffer for small pieces, or for the rest of a frame. `tailUsed` bytes of it are used. */
  private tail: Buffer = EMPTY;
  private tailUsed = 0;
  /** The received bytes of the frame in progress, and the index of its first piece. */
  private frameBytes = 0;
  private frameStart = 0;

  /**
   * Adds the bytes of `chunk` from `start` to `end`.
   * @param key the masking key for the first byte; 0 if they are not masked
   * @param remaining the bytes of the frame that are not received yet
   */
  add(chunk: Buffer, start: number, end: number, key: number, remaining: number): void {
    const length = end - start;
    this.byteLength += length;
    this.frameBytes += length;
    if (length > this.tailRoom) this.makeRoom(length, remaining);
    if (length <= this.tailRoom) this.copyToTail(chunk, start, end, key);
    else this.keepPiece(chunk, start, end, key);
    if (remaining === 0) this.endFrame();
  }

  private get tailRoom(): number {
    return this.tail.length - this.tailUsed;
  }

  /** Makes room for a small piece, or for a large one whose frame is worth allocating. */
  private makeRoom(length: number, remaining: number): void {
    if (length < LARGE_PIECE) {
      this.growTail(this.tailUsed + length, remaining);
      return;
    }
    this.closeTail();
    const isWorthAllocating =
      remaining > 0 && this.frameBytes + remaining <= this.frameBytes * MAX_RETAINED_RATIO;
    if (isWorthAllocating) this.allocateFrame(length + remaining);
  }

  private copyToTail(chunk: Buffer, start: number, end: number, key: number): void {
    unmaskInto(this.tail, this.tailUsed, chunk, start, end, key);
    this.tailUsed += end - start;
  }

  /**
   * Allocates a tail for the whole frame and copies its pieces there. The later chunks of the frame are
   * copied when they arrive, so their memory is free at once.
   */
  private allocateFrame(missing: number): void {
    const [pieces, keys] = [this.pieces.splice(this.frameStart), this.keys.splice(this.frameStart)];
    const held = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.tail = Buffer.allocUnsafeSlow(held + missing);
    for (const [i, piece] of pieces.entries()) {
      this.copyToTail(piece, 0, piece.length, keys[i] ?? 0);
    }
  }

  private endFrame(): void {
    if (this.tailRoom === 0 && this.tailUsed >= LARGE_PIECE) this.closeTail();
    this.frameBytes = 0;
    this.frameStart = this.pieces.length;
  }

  /**
   * Takes the message as one Buffer. RFC 6455 §5.4 MUST: fragments are delivered in their order. A
   * joined message begins at offset 0 of its memory: programs make typed arrays of it, which must be
   * aligned.
   */
  join(): Buffer {
    this.closeTail();
    const [first = EMPTY] = this.pieces;
    if (this.pieces.length < 2) {
      unmask(first, 0, first.length, this.keys[0] ?? 0);
      this.clear();
      return first;
    }
    const joined = Buffer.allocUnsafeSlow(this.byteLength);
    let offset = 0;
    for (const [i, piece] of this.pieces.entries()) {
      unmaskInto(joined, offset, piece, 0, piece.length, this.keys[i] ?? 0);
      offset += piece.length;
    }
    this.clear();
    return joined;
  }

  private clear(): void {
    if (this.pieces.length > 0) {
      this.pieces = [];
      this.keys = [];
    }
    this.tail = EMPTY;
    this.tailUsed = 0;
    this.byteLength = 0;
    this.frameBytes = 0;
    this.frameStart = 0;
  }

  /** Keeps a view, or a copy if the view would keep much more memory alive. */
  private keepPiece(chunk: Buffer, start: number, end: number, key: number): void {
    const isWorthRetaining = (end - start) * MAX_RETAINED_RATIO >= chunk.buffer.byteLength;
    this.pieces.push(
      isWorthRetaining ? chunk.subarray(start, end) : unmaskedCopy(chunk, start, end, key),
    );
    this.keys.push(isWorthRetaining ? key : 0);
  }

  /** Doubles the tail, or allocates the size that the frame needs. A full tail becomes a piece. */
  private growTail(needed: number, remaining: number): void {
    if (needed > MAX_TAIL) {
      this.closeTail();
      this.tail = Buffer.allocUnsafeSlow(MAX_TAIL);
      return;
    }
    const expected = needed + Math.min(remaining, LARGE_PIECE);
    const size = Math.min(MAX_TAIL, Math.max(MIN_TAIL, expected, this.tail.length * 2));
    const larger = Buffer.allocUnsafeSlow(size);
    this.tail.copy(larger, 0, 0, this.tailUsed);
    this.tail = larger;
  }

  private closeTail(): void {
    if (this.tailUsed > 0) {
      this.pieces.push(this.tail.subarray(0, this.tailUsed));
      this.keys.push(0);
    }
    this.tail = EMPTY;
    this.tailUsed = 0;
  }
}
