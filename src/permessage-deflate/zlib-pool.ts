/** What is done at once and what in the thread pool, where a few messages are worked on at a time. */

import { Fifo } from '../protocol/fifo.js';
import { time } from '../time/time.js';

/**
 * As many as Node's thread pool has threads by default. A job that waits for a thread would hold
 * its zlib state, up to 256 KiB, for nothing.
 */
const MAX_CONCURRENT_JOBS = 4;

/** Starts a job, which says by `finished` when it is over. */
type Start = (finished: () => void) => void;

let running = 0;
const waiting = new Fifo<Start>();

/** Starts a job as soon as there is room for it, in the order in which they came. */
export function runInPool(start: Start): void {
  if (running === MAX_CONCURRENT_JOBS) {
    waiting.push(start);
    return;
  }
  running++;
  start(finish);
}

function finish(): void {
  running--;
  const next = waiting.shift();
  if (next !== undefined) runInPool(next);
}

/**
 * So many bytes may be inflated at once in one turn of the event loop, for all connections
 * together: about 10 ms. What comes behind them goes to the thread pool.
 */
const MAX_BYTES_PER_TURN = 6_291_456;

/** What a call costs beside its bytes, counted as such bytes. */
const COST_OF_CALL = 8192;

let spent = 0;

/** Whether this turn of the event loop has time for more. */
export function hasBudget(): boolean {
  return spent < MAX_BYTES_PER_TURN;
}

/** Counts what was inflated at once. */
export function spend(byteLength: number): void {
  if (spent === 0) time.setImmediate(beginTurn);
  spent += COST_OF_CALL + byteLength;
}

function beginTurn(): void {
  spent = 0;
}
