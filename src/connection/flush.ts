/** When gathered frames are written: at the end of the tick, for all connections in one go. */

import { time } from './time.js';

/** A connection that gathers frames. */
export interface Flushing {
  /** Writes what is gathered. */
  flush(): boolean;
  /** Writes what is gathered: the tick has ended. */
  endBurst(): void;
}

/** The connections that began a burst in this tick, in that order. */
const bursting: Flushing[] = [];
let scheduled = false;
/** Whose chunk is being read; on a wire in memory one may be read inside of another's listener. */
const reading: Flushing[] = [];
let openCount = 0;

/** Whether the process is exiting: no tick will end any more, so each frame is written at once. */
export let isExiting = false;

/**
 * Calls `endBurst` when the tick ends. `nextTick` and not a microtask: it runs when the chain of
 * awaited promises that this tick started has ended, so what they send is in the same write.
 */
export function endBurstLater(one: Flushing): void {
  bursting.push(one);
  if (scheduled) return;
  scheduled = true;
  time.nextTick(endBursts);
}

/** A chunk is being read: what is sent until its end leaves in one write, or when the process exits. */
export function beginReading(one: Flushing): void {
  reading.push(one);
}

/** The chunk was read; the caller flushes. */
export function endReading(): void {
  reading.pop();
}

function endBursts(): void {
  let next = 0;
  try {
    for (; next < bursting.length; next++) bursting[next]?.endBurst();
  } finally {
    // A wire in memory may run its reader, and that one's listeners, inside of `write`. Should one
    // throw, the connections behind it must not wait for ever.
    bursting.splice(0, next + 1);
    scheduled = bursting.length > 0;
    if (scheduled) time.nextTick(endBursts);
  }
}

/**
 * A connection is open. While there is one, what is gathered is written when the process exits:
 * `send()` followed by `process.exit()` delivers, also from a 'message' listener.
 */
export function connectionOpened(): void {
  if (openCount === 0) process.on('exit', onExit);
  openCount++;
}

/** A connection is closed. With the last one nothing of this module is left on `process`. */
export function connectionClosed(): void {
  openCount--;
  if (openCount === 0) process.removeListener('exit', onExit);
}

function onExit(): void {
  isExiting = true;
  for (const one of reading) one.flush();
  endBursts();
}
