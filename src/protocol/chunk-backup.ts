/**
 * A copy of the unread part of a chunk, in case a program detaches the chunk.
 *
 * A message may be a view on the chunk that it arrived in. A program that transfers the memory of a
 * message to a worker (`postMessage` with `data.buffer`) detaches the whole chunk. So the unread part
 * is copied before the first such message is delivered: once per chunk, into memory that is reused.
 */

import { Buffer } from 'node:buffer';

/** The most bytes that a socket of Node reads at once. */
const CAPACITY = 65_536;

const NOTHING = Buffer.alloc(0);

/** There is one backup for all receivers: one reads at a time. */
class ChunkBackup {
  private bytes: Buffer | undefined;
  private owner: object | undefined;
  private end = 0;

  /** Whether the chunk that `owner` reads is backed up. */
  covers(owner: object): boolean {
    return this.owner === owner;
  }

  /**
   * Copies `chunk` from `offset` on, once per chunk.
   * @returns false if that is impossible: the chunk is too large, or another receiver uses the backup.
   * With an in-memory wire another receiver reads inside a listener of this one
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

  /** Ends the backup. @returns a copy of the chunk from `offset` on, which no message shares */
  release(chunk: Buffer, offset: number): Buffer {
    const isDetached = chunk.length === 0;
    const source = isDetached && this.bytes !== undefined ? this.bytes : chunk;
    const end = isDetached ? this.end : chunk.length;
    this.owner = undefined;
    return offset < end ? Buffer.from(source.subarray(offset, end)) : NOTHING;
  }
}

export const chunkBackup = new ChunkBackup();
