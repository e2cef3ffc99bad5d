/** Budget for zlib: how much runs inline, and how many jobs the thread pool gets. */

import { Fifo } from '../protocol/fifo.js';

/**
 * Node's thread pool has this many threads by default. A job that waits for a thread would hold its
 * zlib state, up to 256 KiB, for nothing.
 */
const MAX_CONCURRENT_JOBS = 4;

/**
 * How many bytes may be inflated inline in one turn of the event loop, by all connections together:
 * about 10 ms. Further messages go to the thread pool.
 */
const MAX_BYTES_PER_TURN = 6_291_456;

/** What a call costs beside its bytes, in bytes. */
const COST_OF_CALL = 8192;

/** Starts a job, which calls `finished` when it is over. */
export type Start = (finished: () => void) => void;

/** What the pool needs of the event loop. */
export interface EventLoop {
  onNextTick(callback: () => void): void;
  onNextTurn(callback: () => void): void;
  /** @returns the callback, bound to the current asynchronous context */
  bind(callback: Start): Start;
}

/** Shared by all connections of the process. */
export class ZlibPool {
  private readonly eventLoop: EventLoop;
  private running = 0;
  private readonly waiting = new Fifo<Start>();
  private spent = 0;

  constructor(eventLoop: EventLoop) {
    this.eventLoop = eventLoop;
  }

  /** Starts a job as soon as a thread is free, first come, first served. */
  run(start: Start): void {
    // A waiting job starts inside of another connection's callback: it keeps its own context.
    if (this.running === MAX_CONCURRENT_JOBS) this.waiting.push(this.eventLoop.bind(start));
    else this.startJob(start);
  }

  /** Calls back in another tick: a job may be started inside of another connection's callback. */
  defer(callback: () => void): void {
    this.eventLoop.onNextTick(callback);
  }

  /** Whether more may be inflated inline in this turn of the event loop. */
  hasBudget(): boolean {
    return this.spent < MAX_BYTES_PER_TURN;
  }

  /** Counts bytes that were inflated inline. */
  spend(byteLength: number): void {
    if (this.spent === 0) this.eventLoop.onNextTurn(this.resetBudget);
    this.spent += COST_OF_CALL + byteLength;
  }

  private startJob(start: Start): void {
    this.running++;
    start(this.finish);
  }

  private readonly finish = (): void => {
    this.running--;
    const next = this.waiting.shift();
    if (next !== undefined) this.startJob(next);
  };

  private readonly resetBudget = (): void => {
    this.spent = 0;
  };
}
