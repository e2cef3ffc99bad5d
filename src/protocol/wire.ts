/** The interface of the connection that an endpoint writes to. */

/** Writes bytes, and controls reading and the close timer. */
export interface Wire {
  /** Calls `flush` now, at the end of the chunk being read, or at the end of the tick. */
  schedule(): void;
  /** Writes the batch. @returns false if the buffer of the wire is full */
  flush(): boolean;
  /** Continues reading although the application paused: received bytes are dropped. */
  resumeToDiscard(): void;
  /** Continues the receiver, unless the application paused. */
  continueReading(): void;
  /** Continues the sender in the next turn of the event loop. */
  continueSending(): void;
  /** A Close will be sent: hands over the messages that wait above the sender. */
  releaseBacklog(): void;
  /** Ends our half of the connection after all sent frames. */
  end(): void;
  /** Closes both halves at once. */
  destroy(): void;
  /** Starts the close timer, or restarts it. */
  armCloseTimer(milliseconds: number): void;
  /** Stops the close timer. */
  disarm(): void;
}
