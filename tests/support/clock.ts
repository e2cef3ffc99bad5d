/** A clock of the tests' own, in the place of the timers and random numbers that `src` uses. Ticks stay Node's. */

import { afterEach } from '@jest/globals';
import { type Time, type Timer, time } from '../../src/connection/time.js';

/** The wall clock when the clock of a test is stopped. */
export const EPOCH = Date.UTC(2026, 0, 1);

interface Alarm {
  readonly at: number;
  readonly ring: () => void;
}

const real: Time = { ...time };

/** Time that passes only when a test says so, once it is stopped. */
export class ManualClock {
  private now = 0;
  private slept = 0;
  private readonly alarms = new Map<Timer, Alarm>();

  /** How many timers are set. */
  get timerCount(): number {
    return this.alarms.size;
  }

  /** How much time has passed, in milliseconds. */
  get elapsed(): number {
    return this.now;
  }

  /** Takes the place of Node's timers until the end of the test. */
  stop(): void {
    time.now = () => this.now;
    time.wallClock = () => EPOCH + this.now + this.slept;
    time.setTimeout = (callback, milliseconds, ...args) => {
      const timer = { unref: () => timer, ref: () => timer } as unknown as Timer;
      this.alarms.set(timer, { at: this.now + milliseconds, ring: () => callback(...args) });
      return timer;
    };
    time.clearTimeout = (timer) => {
      if (timer !== undefined) this.alarms.delete(timer);
    };
  }

  /** Lets so many milliseconds pass; timers that are due are called in their order. */
  advance(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let next = this.nextDue(end); next !== undefined; next = this.nextDue(end)) {
      const [timer, alarm] = next;
      this.alarms.delete(timer);
      this.now = Math.max(this.now, alarm.at);
      alarm.ring();
    }
    this.now = Math.max(this.now, end);
  }

  /** Lets time pass without a timer, as when the event loop is blocked. */
  block(milliseconds: number): void {
    this.now += milliseconds;
  }

  /** Replaces the random numbers until the end of the test. */
  useRandom(random: () => number): void {
    time.random = random;
  }

  /** The event loop stands still: timers that become due meanwhile are called late, at the end. */
  stall(milliseconds: number): void {
    const end = this.now + milliseconds;
    this.now = end;
    for (let next = this.nextDue(end); next !== undefined; next = this.nextDue(end)) {
      this.alarms.delete(next[0]);
      next[1].ring();
    }
  }

  /** The machine sleeps: the clock of timers stands still, the wall clock does not. */
  sleep(milliseconds: number): void {
    this.slept += milliseconds;
  }

  /** Gives Node's timers back. */
  release(): void {
    this.alarms.clear();
    this.now = 0;
    this.slept = 0;
    Object.assign(time, real);
  }

  private nextDue(end: number): [Timer, Alarm] | undefined {
    const due = [...this.alarms].filter(([, { at }]) => at <= end);
    return due.sort(([, a], [, b]) => a.at - b.at)[0];
  }
}

/** A clock for the tests of a file or `describe`; each of them begins with Node's timers. */
export function useClock(): ManualClock {
  const clock = new ManualClock();
  afterEach(() => clock.release());
  return clock;
}
