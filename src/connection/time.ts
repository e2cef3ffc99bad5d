/** Timers and ticks, taken from Node when this module is loaded: a program's fake timers never stop a connection. */

import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';

/** A timer that was set. */
export type Timer = NodeJS.Timeout;

/** How the library waits. Nothing else in `src` uses Node's timers, ticks or clock. */
export interface Time {
  /** Milliseconds since the process started, as `performance.now()` counts. */
  now(): number;
  /** Calls `callback` when the current operation has completed, before the event loop continues. */
  nextTick<Args extends unknown[]>(callback: (...args: Args) => void, ...args: Args): void;
  /** Calls `callback` in the next turn of the event loop. */
  setImmediate<Args extends unknown[]>(callback: (...args: Args) => void, ...args: Args): void;
  /** Calls `callback` once, after this many milliseconds. */
  setTimeout<Args extends unknown[]>(
    callback: (...args: Args) => void,
    milliseconds: number,
    ...args: Args
  ): Timer;
  /** Stops a timer; undefined is ignored. */
  clearTimeout(timer: Timer | undefined): void;
}

/**
 * Libraries for fake timers mark their functions with the property `clock`. Under Jest,
 * `process.nextTick` may be a fake one when this module is loaded; `node:timers` is always real.
 */
function isFake(tick: object): boolean {
  return 'clock' in tick;
}

/** The library's time. */
export const time: Time = {
  now: performance.now.bind(performance),
  nextTick: isFake(process.nextTick) ? timers.setImmediate : process.nextTick,
  setImmediate: timers.setImmediate,
  setTimeout: timers.setTimeout,
  clearTimeout: timers.clearTimeout,
};
