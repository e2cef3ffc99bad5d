/** Calls callbacks of the program. They may throw, and may return promises. */

import { types } from 'node:util';
import { describeValue } from './check-options.js';
import { time } from './time.js';

/**
 * Calls a callback and passes its result on: at once, or in a later tick if it is a promise.
 * @param onError receives the exception of the callback, or the reason of a rejection
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

/** Continues outside the promise chain, so that an exception there is no unhandled rejection. */
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

/** Whether a value is a promise of any library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof Reflect.get(value, 'then') === 'function';
}

/** Emits a process warning for an error of the program that nothing listens to. */
export function warnOfError(sentence: string, error: Error): void {
  process.emitWarning(`${sentence}: ${error.stack ?? error}`, { code: 'WS6455_CALLBACK_ERROR' });
}

/** Returns a thrown value as an Error. */
export function toError(thrown: unknown): Error {
  if (types.isNativeError(thrown) || thrown instanceof Error) return thrown;
  return new Error(`A callback threw ${describeValue(thrown)}`, { cause: thrown });
}
