/** RFC 6455 §5.2: splits the received bytes into frames, wherever the chunks end. */

import { Buffer } from 'node:buffer';
import { ChunkQueue } from './chunk-queue.js';
import { FrameHeader, Opcode, readHeader } from './frame.js';
import { advanceKey } from './mask.js';

/**
 * After this many frames in a row the reader suspends itself. So a flood of small frames does not block
 * the event loop: it is about 2 ms, without the time of the application.
 */
const MAX_FRAMES_IN_A_ROW = 4096;

/** The size of a head that violates a rule. */
const BROKEN = -1;

const EMPTY = Buffer.alloc(0);

/** The header that any reader read last. A reader copies the fields that it needs later. */
const header = new FrameHeader();

/**
 * Reads frames; a subclass interprets them. The subclass is called last, when the state is ready for
 * the next frame, so it may suspend, discard or throw. After an exception the unread bytes are kept,
 * and `resume` continues.
 */
export abstract class FrameReader {
  protected readonly unread = new ChunkQueue();
  /** FIN of the data frame in progress. */
  protected fin = false;
  /** The payload bytes of that frame that are not read yet. */
  protected remaining = 0;

  private mode: 'READING' | 'SUSPENDED' | 'DISCARDING' = 'READING';
  private isRunning = false;
  /** The first bytes of a head that continues in the next chunk. */
  private cut: Buffer = EMPTY;
  private framesInARow = 0;
  /** The masking key for the next payload byte; 0 for none. */
  private maskingKey = 0;

  /** Whether received bytes are dropped. */
  get isDiscarding(): boolean {
    return this.mode === 'DISCARDING';
  }

  /** Whether reading waits for `resume`. */
  get isSuspended(): boolean {
    return this.mode === 'SUSPENDED';
  }

  /** Whether received bytes are not read yet. */
  get hasUnread(): boolean {
    return !this.unread.isEmpty;
  }

  /** Adds a chunk, to be read at `resume`. */
  queue(chunk: Buffer): void {
    if (this.mode !== 'DISCARDING') this.unread.add(chunk);
  }

  /** Reads the next chunk. Exceptions of the application are not caught; no byte is lost by them. */
  push(chunk: Buffer): void {
    if (this.isRunning || this.mode !== 'READING' || this.hasUnread) {
      this.queue(chunk);
      return;
    }
    this.unread.start(chunk);
    this.run();
  }

  /** Stops reading until `resume`. */
  suspend(): void {
    if (this.mode === 'READING') this.mode = 'SUSPENDED';
  }

  /** Continues with the unread bytes. */
  resume(): void {
    if (this.mode === 'SUSPENDED') this.mode = 'READING';
    this.framesInARow = 0;
    if (!this.isRunning) this.run();
  }

  /** Drops the unread bytes and all bytes received later. */
  discard(): void {
    this.mode = 'DISCARDING';
    this.unread.clear();
    this.cut = EMPTY;
  }

  /** Checks the first two bytes of a header. @returns false if it has failed the connection */
  protected abstract checkHeaderStart(header: FrameHeader): boolean;

  /** Checks the complete header of a data frame. @returns false after a violation */
  protected abstract enterDataFrame(header: FrameHeader): boolean;

  /** The reader has entered a data frame. @returns false if that has ended the connection */
  protected abstract afterHeader(header: FrameHeader): boolean;

  /** Takes the part of a data frame's payload that is in the chunk. @param key 0 if it is not masked */
  protected abstract takePayload(start: number, end: number, key: number): void;

  /** Takes a control frame. The payload begins at `start` in `bytes`. */
  protected abstract takeControlFrame(header: FrameHeader, bytes: Buffer, start: number): void;

  /** Delivers a message that became ready while nothing was read. */
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
   * Reads the head of a frame: the header, and for a control frame the payload too. `cut` keeps the
   * bytes of an incomplete head, at most 139.
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

  /** @returns the size of the head at `start`, as far as it is known; or `BROKEN` */
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

  /** Handles a control frame, or starts a data frame. @returns whether it is a data frame */
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
    return this.afterHeader(header);
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

/** Returns a copy of both, which keeps no other memory alive. */
function joined(first: Buffer, second: Buffer): Buffer {
  const both = Buffer.allocUnsafeSlow(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
