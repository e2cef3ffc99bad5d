/** Budget for zlib: how much runs inline, and how many jobs the thread pool gets. */

import { AsyncResource } from 'node:async_hooks';
import { Fifo } from '../protocol/fifo.js';
import { time } from '../time/time.js';

/**
 * Node's thread pool has this many threads by default. A job that waits for a thread would hold its
 * zlib state, up to 256 KiB, for nothing.
 */
const MAX_CONCURRENT_JOBS = 4;

/** Starts a job, which calls `finished` when it is over. */
type Start = (finished: () => void) => void;

let running = 0;
const waiting = new Fifo<Start>();

/** Starts a job as soon as a thread is free, first come, first served. */
export function runInPool(start: Start): void {
  // A waiting job starts inside of another connection's callback: it keeps its own async context.
  if (running === MAX_CONCURRENT_JOBS) waiting.push(AsyncResource.bind(start));
  else run(start);
}

function run(start: Start): void {
  running++;
  start(finish);
}

function finish(): void {
  running--;
  const next = waiting.shift();
  if (next !== undefined) run(next);
}

/**
 * How many bytes may be inflated inline in one turn of the event loop, by all connections together:
 * about 10 ms. Further messages go to the thread pool.
 */
const MAX_BYTES_PER_TURN = 6_291_456;

/** What a call costs beside its bytes, in bytes. */
const COST_OF_CALL = 8192;

let spent = 0;

/** Whether more may be inflated inline in this turn of the event loop. */
export function hasBudget(): boolean {
  return spent < MAX_BYTES_PER_TURN;
}

/** Counts bytes that were inflated inline. */
export function spend(byteLength: number): void {
  if (spent === 0) time.setImmediate(resetBudget);
  spent += COST_OF_CALL + byteLength;
}

function resetBudget(): void {
  spent = 0;
}
