/** Waits between attempts, and notices that the machine has slept. */

import { type Timer, time } from '../connection/time.js';
import { AbortError } from '../websocket/abort-error.js';

/** How often the clock is looked at, in milliseconds. Timers stand still while the machine sleeps. */
const SLICE = 5000;

/** The events of a global object that has them: in Node there are none. */
const { addEventListener, removeEventListener } = globalThis as Partial<EventTarget>;

/**
 * Waits. After sleep, and when the network is back, it ends at once. It keeps the process alive.
 * @returns a promise; rejected with an AbortError when the signal is aborted
 */
export function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: Timer | undefined;
    const finish = (): void => {
      time.clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      removeEventListener?.call(globalThis, 'online', onOnline);
    };
    const onOnline = (): void => {
      finish();
      resolve();
    };
    const onAbort = (): void => {
      finish();
      reject(new AbortError(signal));
    };
    const next = (left: number): void => {
      const slice = Math.min(left, SLICE);
      const start = time.wallClock();
      timer = time.setTimeout(() => {
        const hasSlept = time.wallClock() - start > 2 * slice;
        if (left === slice || hasSlept) onOnline();
        else next(left - slice);
      }, slice);
    };
    if (signal.aborted) onAbort();
    else {
      signal.addEventListener('abort', onAbort);
      addEventListener?.call(globalThis, 'online', onOnline);
      next(milliseconds);
    }
  });
}

/**
 * Returns the result of a promise, unless the signal is aborted or the time is over before.
 * @param milliseconds 0 for no limit
 * @param onTimeout makes the error
 */
export function within<T>(
  promise: PromiseLike<T>,
  signal: AbortSignal,
  milliseconds: number,
  onTimeout: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      time.clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown): void => {
      finish();
      reject(error);
    };
    const onAbort = (): void => fail(new AbortError(signal));
    const timer =
      milliseconds > 0 ? time.setTimeout(() => fail(onTimeout()), milliseconds) : undefined;
    promise.then((value) => {
      finish();
      resolve(value);
    }, fail);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
  });
}
