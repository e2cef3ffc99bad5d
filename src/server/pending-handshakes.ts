/** Callbacks of the program that opening handshakes wait for. */

import type { Duplex } from 'node:stream';
import { callProgram, isThenable } from '../connection/callbacks.js';

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

  /** Calls a callback of the program. @param question the callback; it may return a promise */
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
   * Starts to wait. Meanwhile an error of the socket is ignored.
   * @param onClosed called if the server is closed first
   * @returns a function that ends the waiting. It returns false if the waiting is over: the server was
   * closed, the client is gone, or it is the second call
   */
  wait(socket: Duplex, onClosed: () => void): () => boolean {
    const end = (): boolean => {
      if (!socket.destroyed) socket.removeListener('error', ignore); // else it may still come
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

  /** Ends the waiting of all handshakes. */
  close(): void {
    for (const cancel of [...this.cancels]) cancel();
  }
}
