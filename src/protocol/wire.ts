/** What an endpoint needs of the connection below it. */

/** Where bytes go. */
export interface Wire {
  /** Calls `flush`: at once, or at the end of the chunk being read, or at the end of the tick. */
  schedule(): void;
  /** Writes the batch. @returns false when the wire should drain first */
  flush(): boolean;
  /** Reads on, also if the application paused: what comes is dropped from here on. */
  resumeToDiscard(): void;
  /** Lets the receiver continue, unless the application paused. */
  continueReading(): void;
  /** Lets the sender continue in the next turn of the event loop. */
  continueSending(): void;
  /** Ends our half, behind everything sent. */
  end(): void;
  /** Drops the connection. */
  destroy(): void;
  /** Starts the close timer, or restarts it. */
  armCloseTimer(milliseconds: number): void;
  /** Stops the close timer. */
  disarm(): void;
}
