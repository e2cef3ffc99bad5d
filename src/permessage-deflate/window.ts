/** RFC 7692 §7.1.1: the window that one message hands to the next, kept as plaintext. */

import { Buffer } from 'node:buffer';

const INITIAL_CAPACITY = 1024;
const NOTHING = Buffer.alloc(0);

/** The last bytes that were compressed or decompressed, up to the size of the window. */
export class SlidingWindow {
  private readonly size: number;
  private bytes: Buffer = NOTHING;
  private used = 0;

  /** @param size how many bytes to keep */
  constructor(size: number) {
    this.size = size;
  }

  /** What the next message may refer to; undefined before the first one. It is a view: use it now. */
  get dictionary(): Buffer | undefined {
    if (this.used === 0) return undefined;
    return this.bytes.subarray(Math.max(0, this.used - this.size), this.used);
  }

  /** Adds a message behind the others; it is copied, so that it holds no memory. */
  append(message: Buffer): void {
    const length = Math.min(message.length, this.size);
    if (this.used + length > this.bytes.length) this.makeRoom(length);
    message.copy(this.bytes, this.used, message.length - length);
    this.used += length;
  }

  /** Forgets everything. */
  clear(): void {
    this.used = 0;
  }

  /**
   * Keeps what the window still needs. The memory grows with use, to a quarter more than the
   * window, so that its bytes are moved once per quarter of a window and not with each message.
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
