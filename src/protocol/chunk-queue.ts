/** The received chunks that are not read yet. */

import { Buffer } from 'node:buffer';
import { chunkBackup } from './chunk-backup.js';

const NOTHING = Buffer.alloc(0);

/** The chunk being read, and the chunks received after it. */
export class ChunkQueue {
  /** The chunk being read. */
  chunk: Buffer = NOTHING;
  /** The offset of the next byte to read. */
  offset = 0;
  private later: Buffer[] | undefined;
  /** Whether a message may be a view on the chunk while more of the chunk is unread. */
  private mayBackUp = true;

  /** Whether everything was read. */
  get isEmpty(): boolean {
    return (
      this.offset >= this.chunk.length && (this.later === undefined || this.later.length === 0)
    );
  }

  /** Sets the chunk to read. */
  start(chunk: Buffer): void {
    this.chunk = chunk;
    this.offset = 0;
    this.mayBackUp = true;
  }

  /** Adds a chunk at the end. */
  add(chunk: Buffer): void {
    this.later ??= [];
    this.later.push(chunk);
  }

  /** Whether there is a byte to read. Moves to the next chunk if necessary. */
  hasBytes(): boolean {
    while (this.offset >= this.chunk.length) {
      if (this.isBackedUp) this.endBackup();
      else if (!this.startNext()) return false;
    }
    return true;
  }

  /** Whether a message that ends at `end` may be a view on the chunk: a program may detach the chunk. */
  mayShare(end: number): boolean {
    return (
      end === this.chunk.length || (this.mayBackUp && chunkBackup.cover(this, this.chunk, end))
    );
  }

  /** Whether a message that is a view on the chunk was delivered before its end. */
  get isBackedUp(): boolean {
    return chunkBackup.covers(this);
  }

  /** Reading pauses: a program may detach the chunk before it continues. */
  pause(): void {
    if (this.isBackedUp) this.endBackup();
    if (this.offset >= this.chunk.length) this.chunk = NOTHING;
  }

  /** Drops all chunks. */
  clear(): void {
    this.pause();
    this.chunk = NOTHING;
    this.offset = 0;
    this.later = undefined;
  }

  private startNext(): boolean {
    const next = this.later?.shift();
    if (next === undefined) this.later = undefined;
    else this.start(next);
    return next !== undefined;
  }

  /**
   * Replaces the chunk by a copy of its unread part. It is not backed up a second time: with a program
   * that pauses after each message it would be copied each time.
   */
  private endBackup(): void {
    this.chunk = chunkBackup.release(this.chunk, this.offset);
    this.offset = 0;
    this.mayBackUp = false;
  }
}
