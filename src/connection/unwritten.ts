/** Counts the message bytes in a socket's buffer, which are part of `bufferedAmount`. */

/** A write whose bytes are in the socket's buffer. */
interface PendingWrite {
  /** The value of `handedOver` at its last byte. */
  readonly end: number;
  /** The length of its messages as the program gave them. */
  readonly givenLength: number;
}

/**
 * Converts the length of a socket's buffer, which has headers and compressed payloads, to message
 * bytes. A socket writes in order, so its `writableLength` shows which writes are complete. No write
 * needs a callback for this.
 */
export class UnwrittenMessages {
  private readonly writes: PendingWrite[] = [];
  private givenLength = 0;
  /** Bytes handed to the socket, counted from the oldest pending write. */
  private handedOver = 0;

  /**
   * Adds a write.
   * @param byteLength the length of the write
   * @param writableLength the length of the socket's buffer, with this write
   */
  add(givenLength: number, byteLength: number, writableLength: number): void {
    if (this.writes.length === 0) this.handedOver = writableLength;
    else this.handedOver += byteLength;
    this.removeWritten(writableLength);
    this.writes.push({ end: this.handedOver, givenLength });
    this.givenLength += givenLength;
  }

  /** Returns how many message bytes are in a buffer of this length. */
  remaining(writableLength: number): number {
    this.removeWritten(writableLength);
    return this.givenLength;
  }

  private removeWritten(writableLength: number): void {
    const written = this.handedOver - writableLength;
    let completed = 0;
    for (const { end, givenLength } of this.writes) {
      if (end > written) break;
      this.givenLength -= givenLength;
      completed++;
    }
    if (completed > 0) this.writes.splice(0, completed);
  }
}
