/** Calls the callbacks of a program: they may return promises, and they may throw. */

import type { Duplex } from 'node:stream';
import { types } from 'node:util';
import { describeValue } from './check-options.js';
import { time } from './time.js';

/** What is done with the answer of a callback. Nothing that these throw becomes a rejection. */
interface Answered {
  onAnswer(answer: unknown): void;
  /** @param isPending false if there is nobody left to be told */
  onError(error: unknown, isPending: boolean): void;
  /** The server was closed before the answer came. */
  onClosed(): void;
}

/**
 * Calls a callback and hands on what it returns: at once, or in a later tick if it is a promise.
 * @param onError receives what the callback throws, or the reason of a rejection
 */
export function callProgram(
  callback: () => unknown,
  onValue: (value: unknown) => void,
  onError: (error: unknown) => void,
): void {
  let value: unknown;
  let isPromise: boolean;
  try {
    value = callback();
    isPromise = isThenable(value);
  } catch (error) {
    onError(error);
    return;
  }
  if (isPromise) awaitValue(value, onValue, onError);
  else onValue(value);
}

/** Outside of the promise's own chain, an exception of what follows stays an exception. */
function awaitValue(
  promise: unknown,
  onValue: (value: unknown) => void,
  onError: (error: unknown) => void,
): void {
  new Promise<unknown>((resolve) => resolve(promise)).then(
    (value) => time.nextTick(onValue, value),
    (error) => time.nextTick(onError, error),
  );
}

/** Whether a value is a promise, of whatever library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof Reflect.get(value, 'then') === 'function';
}

/** What was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  if (types.isNativeError(thrown) || thrown instanceof Error) return thrown;
  return new Error(`A callback threw ${describeValue(thrown)}`, { cause: thrown });
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
