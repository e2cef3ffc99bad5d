/** RFC 6455 §5.2: frames out of the bytes of a connection, however the bytes are cut. */

import { Buffer } from 'node:buffer';
import { ChunkQueue } from './chunk-queue.js';
import { FrameHeader, Opcode, readHeader } from './frame.js';
import { advanceKey } from './mask.js';

/**
 * After this many frames in a row the reader suspends itself, so that a peer which floods us with
 * tiny frames shares the event loop with the others: about 2 ms without the application's own work.
 */
const MAX_FRAMES_IN_A_ROW = 4096;

/** A rule was broken: the head has no size. */
const BROKEN = -1;

const EMPTY = Buffer.alloc(0);

/** The header that was read last, by any reader: each copies what it still needs. */
const header = new FrameHeader();

/**
 * Reads frames. What frames mean is the subclass's business: it is called last, with the state
 * already prepared for the next frame, so that it may suspend, discard or throw. After an exception
 * the rest of the chunk is kept, and `resume` continues.
 */
export abstract class FrameReader {
  protected readonly unread = new ChunkQueue();
  /** Whether the data frame in progress is the last one of its message. */
  protected fin = false;
  /** Payload bytes of that frame still to come. */
  protected remaining = 0;

  private mode: 'READING' | 'SUSPENDED' | 'DISCARDING' = 'READING';
  private isRunning = false;
  /** The first bytes of a head that the end of a chunk cut. */
  private cut: Buffer = EMPTY;
  private framesInARow = 0;
  /** The masking key for the next payload byte; 0 for none. */
  private maskingKey = 0;

  /** Whether all that comes is dropped. */
  get isDiscarding(): boolean {
    return this.mode === 'DISCARDING';
  }

  /** Whether it waits for `resume`. */
  get isSuspended(): boolean {
    return this.mode === 'SUSPENDED';
  }

  /** Whether received bytes or messages wait. */
  get hasUnread(): boolean {
    return !this.unread.isEmpty;
  }

  /** Keeps a chunk until `resume`. */
  queue(chunk: Buffer): void {
    if (this.mode !== 'DISCARDING') this.unread.add(chunk);
  }

  /** Takes the next chunk. An exception of the application passes through; no byte is lost by it. */
  push(chunk: Buffer): void {
    if (this.isRunning || this.mode !== 'READING' || this.hasUnread) {
      this.queue(chunk);
      return;
    }
    this.unread.start(chunk);
    this.run();
  }

  /** Delivers nothing more until `resume`. */
  suspend(): void {
    if (this.mode === 'READING') this.mode = 'SUSPENDED';
  }

  /** Continues with what was kept. */
  resume(): void {
    if (this.mode === 'SUSPENDED') this.mode = 'READING';
    this.framesInARow = 0;
    if (!this.isRunning) this.run();
  }

  /** Drops what it holds and everything that comes. */
  discard(): void {
    this.mode = 'DISCARDING';
    this.unread.clear();
    this.cut = EMPTY;
  }

  /** Checks the first two bytes of a header. @returns false if they break a rule */
  protected abstract checkHeaderStart(header: FrameHeader): boolean;

  /** Checks the header of a data frame. @returns false if it breaks a rule */
  protected abstract enterDataFrame(header: FrameHeader): boolean;

  /** Takes what the chunk has of a data frame's payload. @param key its masking key; 0 for none */
  protected abstract takePayload(start: number, end: number, key: number): void;

  /** Takes a control frame. Its payload begins at `start` in `bytes`. */
  protected abstract takeControlFrame(header: FrameHeader, bytes: Buffer, start: number): void;

  /** Delivers what became ready while nothing was read. */
  protected abstract deliverReady(): void;

  /** Whether the next frame may be read. */
  protected get mayContinue(): boolean {
    return this.mode === 'READING';
  }

  private run(): void {
    this.isRunning = true;
    try {
      this.deliverReady();
      while (this.mayContinue && this.unread.hasBytes()) this.advance();
    } finally {
      this.isRunning = false;
      this.unread.pause();
    }
  }

  // RFC 6455 §6.2 MUST: received bytes are read as frames.
  /** Reads to the end of the chunk or of the frame, whichever comes first. */
  private advance(): void {
    if (this.remaining > 0 || this.readHead()) this.readPayload();
  }

  /**
   * Reads the head of a frame: its header, and of a control frame its payload too. Bytes of a head
   * that the end of a chunk cuts, at most 139, wait in `cut`.
   * @returns whether the payload of a data frame follows
   */
  private readHead(): boolean {
    const { unread } = this;
    for (;;) {
      const isCut = this.cut.length > 0;
      const bytes = isCut ? this.cut : unread.chunk;
      const start = isCut ? 0 : unread.offset;
      const size = this.headSize(bytes, start);
      if (size === BROKEN) return false;
      if (bytes.length - start >= size) {
        if (isCut) this.cut = EMPTY;
        else unread.offset += size;
        return this.enterFrame(bytes, start);
      }
      this.extendCut(size);
      if (this.cut.length < size) return false;
    }
  }

  /** @returns how many bytes the head at `start` has, as far as that is known; or `BROKEN` */
  private headSize(bytes: Buffer, start: number): number {
    const isWhole = readHeader(bytes, start, bytes.length, header);
    if (bytes.length - start >= 2 && !this.checkHeaderStart(header)) return BROKEN;
    const isControl = isWhole && header.opcode >= Opcode.CLOSE;
    return isControl ? header.size + header.length : header.size;
  }

  /** Moves bytes from the chunk to `cut`, until it has `size` bytes or the chunk ends. */
  private extendCut(size: number): void {
    const { cut, unread } = this;
    const end = Math.min(unread.chunk.length, unread.offset + size - cut.length);
    this.cut = joined(cut, unread.chunk.subarray(unread.offset, end));
    unread.offset = end;
  }

  /** @returns whether the payload of a data frame follows */
  private enterFrame(bytes: Buffer, start: number): boolean {
    if (++this.framesInARow >= MAX_FRAMES_IN_A_ROW) this.suspend();
    // RFC 6455 §5.4 MUST: a control frame is handled in the middle of a fragmented message too.
    if (header.opcode >= Opcode.CLOSE) {
      this.takeControlFrame(header, bytes, start + header.size);
      return false;
    }
    if (!this.enterDataFrame(header)) return false;
    this.fin = header.fin;
    this.remaining = header.length;
    this.maskingKey = header.maskingKey;
    return true;
  }

  private readPayload(): void {
    const { unread, maskingKey } = this;
    const start = unread.offset;
    const end = Math.min(unread.chunk.length, start + this.remaining);
    this.remaining -= end - start;
    if (this.remaining > 0) this.maskingKey = advanceKey(maskingKey, end - start);
    unread.offset = end;
    this.takePayload(start, end, maskingKey);
  }
}

/** A copy of both, which keeps no other memory alive. */
function joined(first: Buffer, second: Buffer): Buffer {
  const both = Buffer.allocUnsafeSlow(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
