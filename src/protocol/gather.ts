/**
 * Where outgoing frames gather until they are written. A system call costs several times what a
 * frame costs, so that the frames of one tick leave in one write.
 *
 * Small frames are laid side by side in a region of a slab that all connections share; a region
 * that was handed to a write is never written again, the wire may still be reading it. Nothing is
 * held while nothing is gathered.
 */

import { Buffer } from 'node:buffer';

/** Called once: without an error when the message left, else with what kept it from leaving. */
export type SendCallback = (error?: Error) => void;

const SLAB_SIZE = 16_384;
const NOTHING = Buffer.alloc(0);

/** The slab from which every connection takes its regions, and how much of it is taken. */
let slab: Buffer = NOTHING;
let slabUsed = 0;

/** What one connection has gathered. */
export class Gather {
  /** How many bytes are gathered. */
  byteLength = 0;

  /** The open region: `bytes` from `start` to `end`, with room up to `limit`. */
  private bytes: Buffer = NOTHING;
  private start = 0;
  private end = 0;
  private limit = 0;
  /** What is gathered besides; undefined while there is none, as `callbacks`. */
  private parts: Buffer[] | undefined;
  private callbacks: SendCallback[] | undefined;

  /** The buffer in which the last reserved bytes lie. */
  get buffer(): Buffer {
    return this.bytes;
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

  /** Hands over what was gathered, in order, and begins anew. */
  takeParts(): Buffer[] {
    this.seal();
    const { parts = [] } = this;
    this.parts = undefined;
    this.byteLength = 0;
    return parts;
  }

  /** Hands over the callbacks of what was gathered; undefined if there are none. */
  takeCallbacks(): SendCallback[] | undefined {
    const { callbacks } = this;
    this.callbacks = undefined;
    return callbacks;
  }

  private addPart(part: Buffer): void {
    if (this.parts === undefined) this.parts = [part];
    else this.parts.push(part);
  }

  private makeRoom(size: number): void {
    const isLastInSlab = this.bytes === slab && this.limit === slabUsed;
    if (isLastInSlab && this.end + size <= slab.length) {
      this.limit = this.end + size;
      slabUsed = this.limit;
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
    const held = this.end - this.start;
    const room = held === 0 ? size : Math.min(SLAB_SIZE, (held + size) * 2);
    if (slabUsed + room > slab.length) {
      slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
      slabUsed = 0;
    }
    if (held > 0) this.bytes.copy(slab, slabUsed, this.start, this.end);
    this.bytes = slab;
    this.start = slabUsed;
    this.end = slabUsed + held;
    slabUsed += room;
    this.limit = slabUsed;
  }

  /** Closes the region and gives back what it did not use. */
  private seal(): void {
    if (this.end > this.start) this.addPart(this.bytes.subarray(this.start, this.end));
    if (this.bytes === slab && this.limit === slabUsed) slabUsed = this.end;
    this.bytes = NOTHING;
    this.start = 0;
    this.end = 0;
    this.limit = 0;
  }
}
