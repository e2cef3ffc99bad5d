/**
 * What is unread of a chunk whose messages a program may detach.
 *
 * A message may be a view on the chunk it came in. A program that transfers its memory (`postMessage`
 * with `data.buffer`) takes the whole chunk away. So what is unread is copied when the first such
 * message is handed up: once for each chunk with several messages, into memory that is used again.
 */

import { Buffer } from 'node:buffer';

/** The most that a socket of Node reads at once. */
const CAPACITY = 65_536;

const NOTHING = Buffer.alloc(0);

/** The copy of the unread part of one chunk. There is one for all receivers: they read in turn. */
class ChunkBackup {
  private bytes: Buffer | undefined;
  private owner: object | undefined;
  private end = 0;

  /** Whether the chunk that `owner` reads is backed up. */
  covers(owner: object): boolean {
    return this.owner === owner;
  }

  /**
   * Backs up `chunk` from `offset` on, once.
   * @returns false if it can't: the chunk is too large, or on a wire in memory another receiver
   * reads inside of a listener of this one
   */
  cover(owner: object, chunk: Buffer, offset: number): boolean {
    if (this.owner === owner) return true;
    if (this.owner !== undefined || chunk.length > CAPACITY) return false;
    this.bytes ??= Buffer.allocUnsafeSlow(CAPACITY);
    chunk.copy(this.bytes, offset, offset);
    this.owner = owner;
    this.end = chunk.length;
    return true;
  }

  /** Ends the backup. @returns what is unread of the chunk from `offset` on, in memory of its own */
  release(chunk: Buffer, offset: number): Buffer {
    const isDetached = chunk.length === 0;
    const source = isDetached && this.bytes !== undefined ? this.bytes : chunk;
    const end = isDetached ? this.end : chunk.length;
    this.owner = undefined;
    return offset < end ? Buffer.from(source.subarray(offset, end)) : NOTHING;
  }
}

export const chunkBackup = new ChunkBackup();
