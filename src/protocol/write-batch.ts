/**
 * The frames of one write. A system call costs several times as much as a frame, so frames that are
 * sent together are written together.
 *
 * Small frames are copied one after the other into a region of a slab that all connections share. A
 * region that was written is reused only after it is released: libuv may still be reading it.
 */

import { Buffer } from 'node:buffer';
import { isDataFrame, sizeOfHeader, writeHeader } from './frame.js';
import { maskedCopy, sizeOfMaskedCopy, unmask, unmaskInto } from './mask.js';

/** Called once: without an error when the message was written, else with the error. */
export type SendCallback = (error?: Error) => void;

/** Payloads up to this size are copied after their header. Larger ones are sent by reference. */
export const COPY_THRESHOLD = 4096;

// Twice the size at which a batch is written at once, so that every region fits.
const SLAB_SIZE = 32_768;

/** Memory for the regions of all connections. */
class Slab {
  readonly bytes: Buffer;
  /** The bytes that regions occupy. */
  used = 0;
  /** The number of batches that have regions in it. */
  private refCount = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  retain(): void {
    this.refCount++;
  }

  /** When the last batch releases it, all of it is free again. */
  release(): void {
    this.refCount--;
    if (this.refCount === 0) this.used = 0;
  }
}

const NO_SLAB = new Slab(0);
/** The slab for new regions. */
let slab = NO_SLAB;

/** Larger masked payloads are left to the garbage collector. */
const MAX_SPARE_SIZE = 262_144;

/**
 * The memory of a masked payload that was written, for the next one of about its size: new memory
 * costs as much as the mask, and is collected.
 */
let spare: Buffer | undefined;

function takeMaskMemory(size: number): Buffer {
  const memory = spare;
  // A short payload that waits in the buffer of a socket must not keep much more than its own length.
  if (memory === undefined || memory.length < size || memory.length > 2 * size) {
    return Buffer.allocUnsafeSlow(size);
  }
  spare = undefined;
  return memory;
}

/** Frames that one connection writes together. */
export class WriteBatch {
  /** The size of the write: headers and payloads. */
  byteLength = 0;
  /** The payload bytes of its messages, before framing and encoding. */
  givenLength = 0;
  /** Whether one of the frames is a Close. */
  containsClose = false;
  /** Called when the batch was written; undefined if there are none. */
  callbacks: SendCallback[] | undefined;

  /** The current region: bytes from `start` to `end` in its slab, with room up to `limit`. */
  private slab = NO_SLAB;
  private start = 0;
  private end = 0;
  private limit = 0;
  /** The parts before the current region; undefined if there are none. */
  private parts: Buffer[] | undefined;
  /** The parts are in several slabs. That is rare: these slabs are left to the garbage collector. */
  private spansSlabs = false;
  /** The memory of the last payload that was masked in a copy. */
  private maskMemory: Buffer | undefined;

  /** The buffer of the bytes reserved last. */
  get buffer(): Buffer {
    return this.slab.bytes;
  }

  /**
   * Adds a frame.
   * @param firstByte FIN, reserved bits and opcode
   * @param givenLength the length of the payload before encoding
   * @param masked whether it is masked with `key`. RFC 6455 §5.3
   * @returns whether the payload is sent by reference
   */
  addFrame(
    firstByte: number,
    payload: Buffer | string,
    givenLength: number,
    masked: boolean,
    key: number,
  ): boolean {
    if (isDataFrame(firstByte)) this.givenLength += givenLength;
    const length = byteLengthOf(payload);
    const byReference = length > COPY_THRESHOLD;
    const offset = this.reserve(sizeOfHeader(length, masked) + (byReference ? 0 : length));
    const start = writeHeader(this.buffer, offset, firstByte, length, masked, key);
    if (byReference) this.append(masked ? this.mask(payload, key) : ownPayload(payload));
    else copyPayload(this.buffer, start, payload, length, key);
    return byReference;
  }

  /** Adds a complete frame. @returns whether it is sent by reference */
  addFramed(bytes: Buffer): boolean {
    const byReference = bytes.length > COPY_THRESHOLD;
    if (byReference) this.append(bytes);
    else {
      const offset = this.reserve(bytes.length);
      this.buffer.set(bytes, offset);
    }
    return byReference;
  }

  /** Reserves bytes, at most the size of a slab. @returns their offset in `buffer` */
  reserve(size: number): number {
    if (this.end + size > this.limit) this.makeRoom(size);
    const offset = this.end;
    this.end += size;
    this.byteLength += size;
    return offset;
  }

  /** Adds bytes by reference: they must not change until they are written. */
  append(payload: Buffer): void {
    this.closeRegion();
    this.addPart(payload);
    this.byteLength += payload.length;
  }

  /** Adds a callback for everything in the batch so far. */
  onWritten(callback: SendCallback): void {
    this.callbacks ??= [];
    this.callbacks.push(callback);
  }

  /** Takes the parts, in order. Nothing may be added after that. */
  takeParts(): Buffer[] {
    this.closeRegion();
    return this.parts ?? [];
  }

  /** The bytes are written: their memory may be reused. */
  release(): void {
    if (this.slab !== NO_SLAB && !this.spansSlabs) this.slab.release();
    const { maskMemory } = this;
    if (maskMemory !== undefined && maskMemory.length <= MAX_SPARE_SIZE) spare = maskMemory;
    this.maskMemory = undefined;
  }

  // RFC 6455 §10.3: once a frame has begun, the program must not be able to change its payload: the
  // masked payload is a copy. The bytes of the program are never changed.
  private mask(payload: Buffer | string, key: number): Buffer {
    if (typeof payload === 'string') {
      const bytes = Buffer.from(payload);
      unmask(bytes, 0, bytes.length, key);
      return bytes;
    }
    this.maskMemory = takeMaskMemory(sizeOfMaskedCopy(payload.length));
    return maskedCopy(this.maskMemory, payload, key);
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
    } else this.moveRegion(size);
  }

  /**
   * Starts a new region and copies the old one. After a second frame more frames are likely, so the
   * region doubles: then each connection of a broadcast has one part.
   */
  private moveRegion(size: number): void {
    if (this.end - this.start + size > SLAB_SIZE) this.closeRegion();
    const { slab: from, start, end } = this;
    const length = end - start;
    const room = length === 0 ? size : Math.min(SLAB_SIZE, (length + size) * 2);
    if (slab.used + room > slab.bytes.length) slab = new Slab(SLAB_SIZE);
    if (from !== slab) this.changeSlab();
    this.start = slab.used;
    this.end = this.start + length;
    slab.used += room;
    this.limit = slab.used;
    if (length > 0) from.bytes.copy(slab.bytes, this.start, start, end);
  }

  private changeSlab(): void {
    if (this.slab !== NO_SLAB) {
      if (this.parts === undefined) this.slab.release();
      else this.spansSlabs = true;
    }
    this.slab = slab;
    slab.retain();
  }

  /** Makes the region a part and frees its unused bytes. The next region begins after it. */
  private closeRegion(): void {
    if (this.end === this.start) return;
    this.addPart(this.slab.bytes.subarray(this.start, this.end));
    if (this.isLastInSlab) slab.used = this.end;
    this.start = this.end;
    this.limit = this.end;
  }
}

/** Returns the length of a payload in bytes. */
export function byteLengthOf(payload: Buffer | string): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
}

/** Copies a payload after its header. The key 0 masks nothing. */
function copyPayload(
  bytes: Buffer,
  start: number,
  payload: Buffer | string,
  length: number,
  key: number,
): void {
  // RFC 6455 §5.6 MUST: text is sent as UTF-8.
  if (typeof payload === 'string') {
    bytes.write(payload, start, length);
    unmask(bytes, start, start + length, key);
  } else if (key === 0) bytes.set(payload, start);
  else unmaskInto(bytes, start, payload, 0, length, key);
}

function ownPayload(payload: Buffer | string): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload;
}
