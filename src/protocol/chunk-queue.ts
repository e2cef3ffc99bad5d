/** The chunks of a connection that are not read yet. */

import { Buffer } from 'node:buffer';
import { chunkBackup } from './chunk-backup.js';

const NOTHING = Buffer.alloc(0);

/** The chunk being read, and those that came behind it. */
export class ChunkQueue {
  /** The chunk being read. */
  chunk: Buffer = NOTHING;
  /** How far it is read. */
  offset = 0;
  private later: Buffer[] | undefined;
  /** Whether messages may be views on the chunk while it has more to read. */
  private mayBackUp = true;

  /** Whether everything was read. */
  get isEmpty(): boolean {
    return (
      this.offset >= this.chunk.length && (this.later === undefined || this.later.length === 0)
    );
  }

  /** Begins to read a chunk. */
  start(chunk: Buffer): void {
    this.chunk = chunk;
    this.offset = 0;
    this.mayBackUp = true;
  }

  /** Keeps a chunk behind the others. */
  add(chunk: Buffer): void {
    this.later ??= [];
    this.later.push(chunk);
  }

  /** Whether there is a byte to read, in this chunk or in one behind it. */
  hasBytes(): boolean {
    while (this.offset >= this.chunk.length) {
      if (this.isBackedUp) this.endBackup();
      else if (!this.startNext()) return false;
    }
    return true;
  }

  /** Whether a message that ends at `end` may be a view on the chunk: a program may detach that. */
  mayShare(end: number): boolean {
    return (
      end === this.chunk.length || (this.mayBackUp && chunkBackup.cover(this, this.chunk, end))
    );
  }

  /** Whether a message was handed up that is a view on the chunk. */
  get isBackedUp(): boolean {
    return chunkBackup.covers(this);
  }

  /** Reading is interrupted: a program may detach the chunk before it goes on. */
  pause(): void {
    if (this.isBackedUp) this.endBackup();
    if (this.offset >= this.chunk.length) this.chunk = NOTHING;
  }

  /** Forgets everything. */
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
   * What is unread gets memory that no message shares. It is not backed up a second time: a program
   * that pauses after each message would have it copied each time.
   */
  private endBackup(): void {
    this.chunk = chunkBackup.release(this.chunk, this.offset);
    this.offset = 0;
    this.mayBackUp = false;
  }
}
