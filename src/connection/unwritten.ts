/** How many bytes of messages a socket still holds: part of `bufferedAmount`. */

/** One write that the socket did not finish at once. */
interface PendingWrite {
  /** Where it ends, in bytes handed to the socket. */
  readonly end: number;
  /** How many bytes the program gave for the messages in it. */
  readonly givenLength: number;
}

/**
 * Counts the payload bytes in a socket's buffer, which holds frames: headers, and compressed payloads.
 * A socket writes in order, so its `writableLength` says which writes are done. Nothing is called
 * for a write, and nothing is kept for a socket that is not behind.
 */
export class UnwrittenMessages {
  private readonly writes: PendingWrite[] = [];
  private givenLength = 0;
  /** Bytes handed to the socket so far, counted from the first write that it held back. */
  private handedOver = 0;

  /**
   * Adds a write.
   * @param byteLength how many bytes it has
   * @param writableLength how many bytes the socket holds, this write among them
   */
  add(givenLength: number, byteLength: number, writableLength: number): void {
    if (this.writes.length === 0) this.handedOver = writableLength;
    else this.handedOver += byteLength;
    this.removeWritten(writableLength);
    this.writes.push({ end: this.handedOver, givenLength });
    this.givenLength += givenLength;
  }

  /** How many bytes of messages are not written, while the socket holds so many bytes. */
  remaining(writableLength: number): number {
    this.removeWritten(writableLength);
    return this.givenLength;
  }

  private removeWritten(writableLength: number): void {
    const written = this.handedOver - writableLength;
    let done = 0;
    for (const { end, givenLength } of this.writes) {
      if (end > written) break;
      this.givenLength -= givenLength;
      done++;
    }
    if (done > 0) this.writes.splice(0, done);
  }
}
