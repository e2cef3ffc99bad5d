/** Callbacks of the program that opening handshakes wait for. */

import type { Duplex } from 'node:stream';
import { callProgram, isThenable } from '../connection/callbacks.js';
import { time } from '../connection/time.js';

/** How long an answer may take. */
export interface TimeLimit {
  readonly milliseconds: number;
  onTimeout(): void;
}

/** Receives the result of a callback. An exception in these methods does not become a rejection. */
export interface Answered {
  onAnswer(answer: unknown): void;
  /** @param isPending false if the handshake is over: the client is gone, or it was answered */
  onError(error: unknown, isPending: boolean): void;
  /** The server was closed before the result. */
  onClosed(): void;
}

/** The opening handshakes of a server that wait for a callback. */
export class PendingHandshakes {
  private readonly cancels = new Set<() => void>();

  /** How many wait. */
  get size(): number {
    return this.cancels.size;
  }

  /**
   * Calls a callback of the program.
   * @param question the callback; it may return a promise
   * @param limit called if it is a promise
   */
  ask(
    socket: Duplex,
    question: () => unknown,
    answered: Answered,
    limit?: () => TimeLimit | undefined,
  ): void {
    let end = (): boolean => true;
    const ask = (): unknown => {
      const answer = question();
      if (isThenable(answer)) end = this.wait(socket, answered.onClosed, limit?.());
      return answer;
    };
    callProgram(
      ask,
      (answer) => {
        if (end()) answered.onAnswer(answer);
      },
      (error) => answered.onError(error, end()),
    );
  }

  /**
   * Starts to wait. Meanwhile an error of the socket is ignored.
   * @param onClosed called if the server is closed first
   * @returns a function that ends the waiting. It returns false if the waiting is over: the server was
   * closed, the time is over, the client is gone, or it is the second call
   */
  wait(socket: Duplex, onClosed: () => void, limit?: TimeLimit): () => boolean {
    const onTimeout = (): void => {
      if (end()) limit?.onTimeout();
    };
    const timer = limit && time.setTimeout(onTimeout, limit.milliseconds);
    const end = (): boolean => {
      if (!socket.destroyed) socket.removeListener('error', ignore); // else it may still come
      socket.removeListener('close', end);
      time.clearTimeout(timer);
      return this.cancels.delete(cancel);
    };
    const cancel = (): void => {
      if (end()) onClosed();
    };
    const ignore = (): void => {};
    socket.on('error', ignore);
    socket.on('close', end);
    this.cancels.add(cancel);
    return end;
  }

  /** Ends the waiting of all handshakes. */
  close(): void {
    for (const cancel of [...this.cancels]) cancel();
  }
}
