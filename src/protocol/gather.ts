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
  /** How many of its regions were taken and have not been given back. */
  lent = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Takes regions back; with the last one all of it is free again. */
  takeBack(regions: number): void {
    this.lent -= regions;
    if (this.lent === 0) this.used = 0;
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
  /** The slab of the regions before the open one, if it is one, and how many they are. */
  private lender: Slab | undefined;
  private borrowed = 0;

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
    this.lender?.takeBack(this.borrowed);
  }

  private addPart(part: Buffer): void {
    if (this.parts === undefined) this.parts = [part];
    else this.parts.push(part);
  }

  private makeRoom(size: number): void {
    const isLastInSlab = this.slab === slab && this.limit === slab.used;
    if (isLastInSlab && this.end + size <= slab.bytes.length) {
      this.limit = this.end + size;
      slab.used = this.limit;
      return;
    }
    this.move(size);
  }

  /**
   * Takes a new region and moves what the old one holds there. A second frame foretells more, so
   * the region doubles: that keeps a broadcast, whose connections take turns, at one part each.
   */
  private move(size: number): void {
    if (this.end - this.start + size > SLAB_SIZE) this.seal();
    const { slab: from, start } = this;
    const held = this.end - start;
    const room = held === 0 ? size : Math.min(SLAB_SIZE, (held + size) * 2);
    if (slab.used + room > slab.bytes.length) slab = new Slab(SLAB_SIZE);
    this.slab = slab;
    this.start = slab.used;
    this.end = this.start + held;
    slab.used += room;
    slab.lent++;
    this.limit = slab.used;
    if (held === 0) return;
    from.bytes.copy(slab.bytes, this.start, start, start + held);
    from.takeBack(1);
  }

  /** Closes the region and gives back what it did not use. */
  private seal(): void {
    if (this.end === this.start) return;
    this.addPart(this.slab.bytes.subarray(this.start, this.end));
    if (this.slab === slab && this.limit === slab.used) slab.used = this.end;
    this.noteBorrowed();
    this.slab = NO_SLAB;
    this.start = 0;
    this.end = 0;
    this.limit = 0;
  }

  /** Regions of several slabs are not given back: that is rare. */
  private noteBorrowed(): void {
    if (this.borrowed === 0) this.lender = this.slab;
    else if (this.lender !== this.slab) this.lender = undefined;
    this.borrowed++;
  }
}
