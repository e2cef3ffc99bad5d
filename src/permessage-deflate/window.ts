/** RFC 7692 §7.1.1: the sliding window of context takeover, kept as uncompressed bytes. */

import { Buffer } from 'node:buffer';

const INITIAL_CAPACITY = 1024;
const EMPTY = Buffer.alloc(0);

/** The last bytes that were compressed or decompressed. */
export class SlidingWindow {
  private readonly size: number;
  private bytes: Buffer = EMPTY;
  private used = 0;

  /** @param size the number of bytes to keep */
  constructor(size: number) {
    this.size = size;
  }

  /** The bytes that the next message may refer to; undefined if empty. A view: use it at once. */
  get dictionary(): Buffer | undefined {
    if (this.used === 0) return undefined;
    return this.bytes.subarray(Math.max(0, this.used - this.size), this.used);
  }

  /** Appends a copy of a message. */
  append(message: Buffer): void {
    const length = Math.min(message.length, this.size);
    if (this.used + length > this.bytes.length) this.makeRoom(length);
    message.copy(this.bytes, this.used, message.length - length);
    this.used += length;
  }

  /** Removes everything. */
  clear(): void {
    this.used = 0;
  }

  /**
   * Keeps the bytes that the window still needs. The memory grows on demand, up to a quarter more than
   * the window. So bytes are moved once per quarter of a window, not with each message.
   */
  private makeRoom(length: number): void {
    const kept = Math.min(this.used, this.size - length);
    const start = this.used - kept;
    const capacity = Math.min(
      this.size + this.size / 4,
      Math.max(INITIAL_CAPACITY, this.bytes.length * 2, (kept + length) * 2),
    );
    const { bytes } = this;
    if (capacity > bytes.length) this.bytes = Buffer.allocUnsafeSlow(capacity);
    bytes.copy(this.bytes, 0, start, this.used);
    this.used = kept;
  }
}
