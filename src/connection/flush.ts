/** Writes the batches of all connections at the end of the tick, in one callback. */

import { time } from './time.js';

/** A connection that collects frames before it writes them. */
export interface Flushable {
  /** Writes the collected frames. */
  flush(): boolean;
  /** Called at the end of the tick. */
  endBurst(): void;
}

/** The connections that started a burst in this tick, in order. */
const pendingBursts: Flushable[] = [];
let isScheduled = false;
/** The connections that are reading. In-memory streams nest: a write runs the read of the peer. */
const activeReads: Flushable[] = [];
let openCount = 0;

/** The process is exiting: there is no next tick, so each frame is written at once. */
export let isExiting = false;

/**
 * Calls `endBurst` when the tick ends: by `nextTick`, not by a microtask, so that frames sent by a
 * chain of awaited promises are in the same write.
 */
export function endBurstLater(connection: Flushable): void {
  pendingBursts.push(connection);
  if (isScheduled) return;
  isScheduled = true;
  time.nextTick(endBursts);
}

/** A connection starts to read a chunk. If the process exits meanwhile, its frames are written. */
export function beginReading(connection: Flushable): void {
  activeReads.push(connection);
}

/** The chunk is read. The caller flushes the connection. */
export function endReading(): void {
  activeReads.pop();
}

function endBursts(): void {
  let next = 0;
  try {
    for (; next < pendingBursts.length; next++) pendingBursts[next]?.endBurst();
  } finally {
    // With an in-memory stream write() runs the peer's listeners. If one throws, the remaining
    // connections are flushed in the next tick.
    pendingBursts.splice(0, next + 1);
    isScheduled = pendingBursts.length > 0;
    if (isScheduled) time.nextTick(endBursts);
  }
}

/**
 * Counts an open connection. While there is one, collected frames are written when the process exits,
 * so that `send()` before `process.exit()` has an effect, also in a listener of 'message'.
 */
export function connectionOpened(): void {
  if (openCount === 0) process.on('exit', onExit);
  openCount++;
}

/** Counts a closed connection. The last one removes the listener from `process`. */
export function connectionClosed(): void {
  openCount--;
  if (openCount === 0) process.removeListener('exit', onExit);
}

function onExit(): void {
  isExiting = true;
  for (const connection of activeReads) connection.flush();
  endBursts();
}
