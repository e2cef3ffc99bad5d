/** When gathered frames leave: at the end of the tick, for all connections in one go. */

import { time } from './time/time.js';

/** What has something gathered. */
export interface Flushing {
  flush(): boolean;
}

/** What got something gathered in this tick, in that order. */
const dirty: Flushing[] = [];
let scheduled = false;
/** Whose chunk is being read; on a wire in memory one may be read inside of another's listener. */
const reading: Flushing[] = [];
let flushesAtExit = false;

/**
 * Has `flush` called when the tick ends. By `process.nextTick` and not by a microtask: it runs when
 * the chain of awaited promises that this tick started has come to its end, so that what they send
 * leaves in one write as well.
 */
export function flushLater(one: Flushing): void {
  dirty.push(one);
  if (scheduled) return;
  scheduled = true;
  flushAtExit();
  time.nextTick(flushAll);
}

/** A chunk is being read: what is sent meanwhile leaves at its end, or when the process exits. */
export function beginReading(one: Flushing): void {
  reading.push(one);
  flushAtExit();
}

/** The chunk was read; the caller flushes. */
export function endReading(): void {
  reading.pop();
}

function flushAll(): void {
  let next = 0;
  try {
    for (; next < dirty.length; next++) dirty[next]?.flush();
  } finally {
    // A wire in memory may run its reader, and that one's listeners, inside of `write`. Should one
    // throw, the connections behind it must not wait for ever.
    dirty.splice(0, next + 1);
    scheduled = dirty.length > 0;
    if (scheduled) time.nextTick(flushAll);
  }
}

/** `send()` followed by `process.exit()` still delivers, also from a 'message' listener. */
function flushAtExit(): void {
  if (flushesAtExit) return;
  flushesAtExit = true;
  process.once('exit', () => {
    for (const one of reading) one.flush();
    flushAll();
  });
}
