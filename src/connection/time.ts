/** Timers, ticks and random numbers. They are taken from Node at load time, so that fake timers stop no connection. */

import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';

/** A timer that `setTimeout` returns. */
export type Timer = NodeJS.Timeout;

/**
 * The clock, timers and random numbers of the library. Other files of `src` use those of Node nowhere,
 * but for masking keys.
 */
export interface Time {
  /** Milliseconds since the process started, as `performance.now()` counts. */
  now(): number;
  /** Milliseconds since 1970, as `Date.now()` counts. */
  wallClock(): number;
  /** A random number from 0 up to, but not including, 1. It spreads load, and is no secret. */
  random(): number;
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
 * Fake timer libraries mark their functions with the property `clock`. Under Jest
 * `process.nextTick` may be fake when this module is loaded; `node:timers` is always real.
 */
function isFake(tick: object): boolean {
  return 'clock' in tick;
}

/** The real clock and timers. */
export const time: Time = {
  now: performance.now.bind(performance),
  wallClock: Date.now,
  random: Math.random,
  nextTick: isFake(process.nextTick) ? timers.setImmediate : process.nextTick,
  setImmediate: timers.setImmediate,
  setTimeout: timers.setTimeout,
  clearTimeout: timers.clearTimeout,
};
