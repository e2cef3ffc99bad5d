/** The deadlines of all connections, on one timer. */

import { type Timer, time } from './time.js';

/** The slot of an entry that has no deadline. */
export const NO_SLOT = Number.POSITIVE_INFINITY;

/** Something with a deadline, such as a connection that must not be silent for too long. */
export interface SweepEntry {
  /** When it is checked next. It begins as `NO_SLOT`, and only the sweep sets it. */
  slot: number;
  /**
   * Called when the deadline has passed, at most 10 ms late, or 250 ms if it was more than a second
   * away. An action that may throw comes last.
   * @param lateness how much later than planned it is called, in milliseconds: the event loop stood
   * still, or the process was stopped. What could not be received meanwhile must not count as silence
   * @returns the next deadline, in the milliseconds of `time.now()`; Infinity for none
   */
  check(now: number, lateness: number): number;
}

/** Deadlines are rounded up, so that many of them share a slot. */
const FINE_STEP = 10;
const COARSE_STEP = 250;
/** Deadlines that are further away than this have coarse slots. */
const FINE_RANGE = 1000;

/**
 * Calls entries when their deadlines have passed. A deadline may move without a call: `check` then
 * returns the new one. So a busy connection sets no timer, it only notes that it is busy.
 */
export class Sweep {
  private readonly slots = new Map<number, Set<SweepEntry>>();
  private timer: Timer | undefined;
  private timerSlot = NO_SLOT;
  private keepAliveCount = 0;
  /** The lateness of all runs together, in milliseconds. */
  private lost = 0;
  /**
   * When the next run is due, on the clock of {@link awakeTime}. What happens before it is noted as of
   * then: that needs no clock, and is late rather than early.
   */
  stamp = 0;

  /**
   * Milliseconds in which the event loop was able to run: the lateness of the sweep is left out. It is
   * a 32-bit integer, which needs no memory of its own, and wraps around: see {@link elapsed}.
   */
  awakeTime(): number {
    return (Math.floor(time.now()) - this.lost) | 0;
  }

  /** Sets the deadline of an entry, in place of the one that it has. */
  schedule(entry: SweepEntry, deadline: number): void {
    const slot = slotOf(deadline, time.now());
    if (slot === entry.slot) return;
    this.remove(entry);
    if (slot !== NO_SLOT) this.add(entry, slot);
    // The timer stays if the first deadline was removed: it finds nothing to check, and goes on.
    if (this.slots.size === 0) this.setTimer(NO_SLOT);
    else if (slot < this.timerSlot) this.setTimer(slot);
  }

  /** Removes the deadline of an entry. */
  cancel(entry: SweepEntry): void {
    this.schedule(entry, NO_SLOT);
  }

  /** From now on the timer keeps the process alive, until `releaseProcess` is called as often. */
  holdProcess(): void {
    if (++this.keepAliveCount === 1) this.timer?.ref();
  }

  /** Ends one `holdProcess`. */
  releaseProcess(): void {
    if (--this.keepAliveCount === 0) this.timer?.unref();
  }

  private add(entry: SweepEntry, slot: number): void {
    const entries = this.slots.get(slot) ?? new Set();
    this.slots.set(slot, entries.add(entry));
    entry.slot = slot;
  }

  private remove(entry: SweepEntry): void {
    const entries = this.slots.get(entry.slot);
    entries?.delete(entry);
    if (entries?.size === 0) this.slots.delete(entry.slot);
    entry.slot = NO_SLOT;
  }

  /** @param slot when the timer expires; `NO_SLOT` for no timer */
  private setTimer(slot: number): void {
    time.clearTimeout(this.timer);
    this.timer = undefined;
    this.timerSlot = slot;
    if (slot === NO_SLOT) return;
    this.stamp = (slot - this.lost) | 0;
    this.timer = time.setTimeout(() => this.run(), Math.max(1, slot - time.now()));
    if (this.keepAliveCount === 0) this.timer.unref();
  }

  /** Checks what is due. If a check throws, the others follow in a later turn of the event loop. */
  private run(): void {
    const now = time.now();
    this.lost += latenessOf(this.timerSlot, now);
    try {
      for (const [slot, entries] of this.slots) {
        if (slot <= now) this.checkAll(entries, now, latenessOf(slot, now));
      }
    } finally {
      this.setTimer(Math.min(NO_SLOT, ...this.slots.keys()));
    }
  }

  private checkAll(entries: Set<SweepEntry>, now: number, lateness: number): void {
    for (const entry of entries) {
      this.remove(entry);
      const slot = slotOf(entry.check(now, lateness), now);
      if (slot !== NO_SLOT) this.add(entry, slot);
    }
  }
}

/** The first slot after now that is not before the deadline. */
function slotOf(deadline: number, now: number): number {
  if (deadline === NO_SLOT) return NO_SLOT;
  const step = deadline - now > FINE_RANGE ? COARSE_STEP : FINE_STEP;
  return Math.ceil(Math.max(deadline, now + 1) / step) * step;
}

function latenessOf(slot: number, now: number): number {
  return Math.max(0, Math.floor(now - slot));
}

/** The milliseconds between two times of {@link Sweep.awakeTime}, which are 24 days apart at most. */
export function elapsed(from: number, to: number): number {
  return (to - from) | 0;
}

/** The sweep of the process. */
export const sweep = new Sweep();
