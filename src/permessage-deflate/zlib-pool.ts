/** Limits zlib: how much runs inline per turn, and how many jobs the thread pool has at a time. */

import { Fifo } from '../protocol/fifo.js';

/**
 * The thread pool of Node has this many threads by default. A job that waits for a thread would keep
 * its zlib state, up to 256 KiB.
 */
const MAX_CONCURRENT_JOBS = 4;

/**
 * All connections together inflate this many bytes inline in one turn of the event loop, about 10 ms.
 * The rest is inflated in the thread pool.
 */
const MAX_BYTES_PER_TURN = 6_291_456;

/** The cost of a call besides its bytes, as a number of bytes. */
const COST_OF_CALL = 8192;

/** Starts a job, which calls `finished` at its end. */
export type Start = (finished: () => void) => void;

/** The functions of the event loop that the pool uses. */
export interface EventLoop {
  onNextTick(callback: () => void): void;
  onNextTurn(callback: () => void): void;
  /** @returns the callback, bound to the current asynchronous context */
  bind(callback: Start): Start;
}

/** The zlib jobs of all connections. */
export class ZlibPool {
  private readonly eventLoop: EventLoop;
  private running = 0;
  private readonly waiting = new Fifo<Start>();
  private spent = 0;

  constructor(eventLoop: EventLoop) {
    this.eventLoop = eventLoop;
  }

  /** Starts a job when a thread is free, first in, first out. */
  run(start: Start): void {
    // A waiting job starts inside a callback of another connection: bind it to its own context.
    if (this.running === MAX_CONCURRENT_JOBS) this.waiting.push(this.eventLoop.bind(start));
    else this.startJob(start);
  }

  /** Calls back in the next tick: a job may start inside a callback of another connection. */
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
