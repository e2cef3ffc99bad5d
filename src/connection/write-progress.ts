/** When a slow peer took the most recent bytes of those that wait for it. */

import type { Duplex } from 'node:stream';
import { elapsed, sweep } from './sweep.js';

/** The method of a `net.Socket` that another Duplex may lack. */
interface TimedSocket extends Duplex {
  setTimeout?: (milliseconds: number) => void;
}

/** How often in the time limit the socket is asked. */
const CHECKS = 8;

/**
 * Watches a socket that has bytes to write. A Duplex completes all waiting bytes as one write, which a
 * slow peer may take minutes to read. Of the documented API only 'timeout' of a `net.Socket` knows
 * whether the kernel takes a part of a write: so it is used while bytes wait, and only then.
 */
export class WriteProgress {
  private readonly socket: TimedSocket;
  private readonly period: number;
  /** When there was progress, as far as is known. All times are on the clock of the sweep. */
  private progressAt: number;
  /** When the socket said most recently that nothing had happened for a period. */
  private silentAt: number;
  private writableLength: number;

  /** @param limit how long a lack of progress is tolerated, in milliseconds */
  constructor(socket: Duplex, limit: number) {
    this.socket = socket;
    this.period = Math.max(1, limit / CHECKS);
    this.silentAt = sweep.awakeTime();
    this.progressAt = this.silentAt;
    this.writableLength = socket.writableLength;
    this.socket.on('drain', this.onDrain);
    this.socket.on('timeout', this.onTimeout);
    this.startPeriod(this.silentAt);
  }

  /** @returns when there was progress. A late timer counts as progress: a doubt is for the peer */
  check(now: number): number {
    const { setTimeout, writableLength } = this.socket;
    const isLess = writableLength < this.writableLength;
    this.writableLength = writableLength;
    const isLate = setTimeout !== undefined && elapsed(this.silentAt, now) > 1.5 * this.period;
    if (isLess || isLate) this.progressAt = now;
    // Somebody else may have stopped the timer of the socket.
    if (isLate) this.startPeriod(now);
    return this.progressAt;
  }

  stop(): void {
    this.socket.removeListener('drain', this.onDrain);
    this.socket.removeListener('timeout', this.onTimeout);
    this.socket.setTimeout?.(0);
  }

  private readonly onDrain = (): void => {
    this.progressAt = sweep.awakeTime();
  };

  private readonly onTimeout = (): void => {
    const now = sweep.awakeTime();
    if (elapsed(this.silentAt, now) > 1.5 * this.period) {
      this.progressAt = (now - this.period) | 0;
    }
    if (this.socket.writableLength === 0) this.stop();
    else this.startPeriod(now);
  };

  private startPeriod(now: number): void {
    this.silentAt = now;
    this.socket.setTimeout?.(this.period);
  }
}
