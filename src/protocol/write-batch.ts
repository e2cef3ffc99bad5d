/**
 * Where outgoing frames gather until they are written. A system call costs several times what a
 * frame costs, so that the frames of one tick leave in one write.
 *
 * Small frames are laid side by side in a region of a slab that all connections share. A region
 * that was handed to a write is written again only when the connection gave it back, for the wire
 * may still be reading it.
 */

import { Buffer } from 'node:buffer';

/** Called once: without an error when the message left, else with what kept it from leaving. */
export type SendCallback = (error?: Error) => void;

// Twice what is written at once: a region then always has its place, and nothing is moved.
const SLAB_SIZE = 32_768;

/** Memory from which every connection takes its regions. */
class Slab {
  readonly bytes: Buffer;
  /** How much of it is taken. */
  used = 0;
  /** How many gathers have regions in it. */
  private refCount = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  retain(): void {
    this.refCount++;
  }

  /** With the last gather that has regions in it all of it is free again. */
  release(): void {
    this.refCount--;
    if (this.refCount === 0) this.used = 0;
  }
}

const NO_SLAB = new Slab(0);
/** The slab in use. */
let slab = NO_SLAB;

/** What one connection gathers for one write. */
export class Gather {
  /** How many bytes are gathered. */
  byteLength = 0;
  /** How many bytes the program gave for the messages among them: neither framed nor compressed. */
  givenLength = 0;
  /** Whether a Close is among them. */
  holdsClose = false;
  /** What is called when they were written; undefined if there is nothing to call. */
  callbacks: SendCallback[] | undefined;

  /** The open region: from `start` to `end` in its slab, with room up to `limit`. */
  private slab = NO_SLAB;
  private start = 0;
  private end = 0;
  private limit = 0;
  /** What is gathered besides; undefined while there is none. */
  private parts: Buffer[] | undefined;
  /** Whether the parts lie in several slabs. That is rare: these are left to the garbage collector. */
  private spansSlabs = false;

  /** The buffer in which the last reserved bytes lie. */
  get buffer(): Buffer {
    return this.slab.bytes;
  }

  /** Makes room for `size` more bytes (at most a slab). @returns where they lie in `buffer` */
  reserve(size: number): number {
    if (this.end + size > this.limit) this.makeRoom(size);
    const offset = this.end;
    this.end += size;
    this.byteLength += size;
    return offset;
  }

  /** Adds bytes by reference: they must not change until they are written. */
  append(payload: Buffer): void {
    this.seal();
    this.addPart(payload);
    this.byteLength += payload.length;
  }

  /** Has `callback` called when all that is gathered so far was written. */
  notify(callback: SendCallback): void {
    this.callbacks ??= [];
    this.callbacks.push(callback);
  }

  /** Hands over what was gathered, in order; nothing may be added behind it. */
  takeParts(): Buffer[] {
    this.seal();
    return this.parts ?? [];
  }

  /** What was handed over is not needed any more: its memory may hold the next frames. */
  giveBack(): void {
    if (this.slab !== NO_SLAB && !this.spansSlabs) this.slab.release();
  }

  private addPart(part: Buffer): void {
    if (this.parts === undefined) this.parts = [part];
    else this.parts.push(part);
  }

  private get isLastInSlab(): boolean {
    return this.slab === slab && this.limit === slab.used;
  }

  private makeRoom(size: number): void {
    if (this.isLastInSlab && this.end + size <= slab.bytes.length) {
      this.limit = this.end + size;
      slab.used = this.limit;
    } else this.move(size);
  }

  /**
   * Takes a new region and moves what the old one holds there. A second frame foretells more, so
   * the region doubles: that keeps a broadcast, whose connections take turns, at one part each.
   */
  private move(size: number): void {
    if (this.end - this.start + size > SLAB_SIZE) this.seal();
    const { slab: from, start, end } = this;
    const held = end - start;
    const room = held === 0 ? size : Math.min(SLAB_SIZE, (held + size) * 2);
    if (slab.used + room > slab.bytes.length) slab = new Slab(SLAB_SIZE);
    if (from !== slab) this.changeSlab();
    this.start = slab.used;
    this.end = this.start + held;
    slab.used += room;
    this.limit = slab.used;
    if (held > 0) from.bytes.copy(slab.bytes, this.start, start, end);
  }

  private changeSlab(): void {
    if (this.slab !== NO_SLAB) {
      if (this.parts === undefined) this.slab.release();
      else this.spansSlabs = true;
    }
    this.slab = slab;
    slab.retain();
  }

  /** Closes the region and gives back what it did not use. The next one begins behind it. */
  private seal(): void {
    if (this.end === this.start) return;
    this.addPart(this.slab.bytes.subarray(this.start, this.end));
    if (this.isLastInSlab) slab.used = this.end;
    this.start = this.end;
    this.limit = this.end;
  }
}
