/** Opening handshakes that wait for an answer of the program. */

import type { Duplex } from 'node:stream';
import { callProgram, isThenable } from '../connection/callbacks.js';

/** What is done with the answer of a callback. Nothing that these throw becomes a rejection. */
export interface Answered {
  onAnswer(answer: unknown): void;
  /** @param isPending false if there is nobody left to be told */
  onError(error: unknown, isPending: boolean): void;
  /** The server was closed before the answer came. */
  onClosed(): void;
}

/** The opening handshakes that wait for an answer of the program. */
export class PendingHandshakes {
  private readonly cancels = new Set<() => void>();

  /** Asks the program. @param question a callback; what it returns may be a promise */
  ask(socket: Duplex, question: () => unknown, answered: Answered): void {
    let end = (): boolean => true;
    const ask = (): unknown => {
      const answer = question();
      if (isThenable(answer)) end = this.wait(socket, answered.onClosed);
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
   * Waits for an answer; an error of the socket is no exception meanwhile.
   * @param onClosed called if the server is closed first
   * @returns ends the waiting, and says whether it was still going on: false when the server was
   * closed or the client is gone, and the second time
   */
  wait(socket: Duplex, onClosed: () => void): () => boolean {
    const end = (): boolean => {
      if (!socket.destroyed) socket.removeListener('error', ignore); // it may still come
      socket.removeListener('close', end);
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

  /** Ends the waiting of all. */
  close(): void {
    for (const cancel of [...this.cancels]) cancel();
  }
}
