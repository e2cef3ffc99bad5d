/** Large messages are compressed in the thread pool, a few at a time. */

import { Queue } from '../protocol/queue.js';

/**
 * As many as Node's thread pool has threads by default. A job that waits for a thread would hold
 * its zlib state, up to 256 KiB, for nothing.
 */
const MOST_AT_ONCE = 4;

/** Starts a job, which says by `finished` when it is over. */
type Start = (finished: () => void) => void;

let running = 0;
const waiting = new Queue<Start>();

/** Starts a job as soon as there is room for it, in the order in which they came. */
export function startJob(start: Start): void {
  if (running === MOST_AT_ONCE) {
    waiting.push(start);
    return;
  }
  running++;
  start(finish);
}

function finish(): void {
  running--;
  const next = waiting.shift();
  if (next !== undefined) startJob(next);
}
