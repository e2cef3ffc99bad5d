/** One timer for the deadlines of all connections. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { elapsed, NO_SLOT, Sweep, type SweepEntry } from '../../../src/connection/sweep.js';
import { time } from '../../../src/connection/time.js';
import { useClock } from '../../support/clock.js';
import { SeededRandom } from '../../support/random.js';

const clock = useClock();

/** An entry that notes when it is checked, and moves its deadline as `next` says. */
function entry(next: (now: number) => number = () => Infinity): SweepEntry & { seen: number[] } {
  const seen: number[] = [];
  return {
    slot: NO_SLOT,
    seen,
    check(now) {
      seen.push(now);
      return next(now);
    },
  };
}

let sweep: Sweep;

beforeEach(() => {
  clock.stop();
  sweep = new Sweep();
});

describe('a deadline', () => {
  test.each([10, 20, 500, 1000, 1250, 60_000])('of %i ms is checked then, not before', (due) => {
    const one = entry();
    sweep.schedule(one, due);
    clock.advance(due - 1);
    expect(one.seen).toEqual([]);
    clock.advance(1);
    expect(one.seen).toEqual([due]);
    clock.advance(100_000);
    expect(one.seen).toEqual([due]);
  });

  test.each([
    [1, 10],
    [11, 20],
    [999.5, 1000],
    [1001, 1250],
    [59_999, 60_000],
  ])('of %p ms is rounded up to %i', (due, slot) => {
    const one = entry();
    sweep.schedule(one, due);
    clock.advance(slot - 1);
    expect(one.seen).toEqual([]);
    clock.advance(1);
    expect(one.seen).toEqual([slot]);
  });

  test('that has passed already is checked in the next slot', () => {
    clock.advance(1000);
    const one = entry();
    sweep.schedule(one, 5);
    clock.advance(9);
    expect(one.seen).toEqual([]);
    clock.advance(1);
    expect(one.seen).toEqual([1010]);
  });

  test('is replaced by a later and by an earlier one', () => {
    const one = entry();
    sweep.schedule(one, 100);
    sweep.schedule(one, 500);
    sweep.schedule(one, 300);
    clock.advance(1000);
    expect(one.seen).toEqual([300]);
  });

  test('moves when the check says so', () => {
    const one = entry((now) => (now < 300 ? now + 100 : Infinity));
    sweep.schedule(one, 100);
    clock.advance(1000);
    expect(one.seen).toEqual([100, 200, 300]);
  });

  test('that the check does not move forward is checked once in a slot', () => {
    const one = entry((now) => (now < 50 ? 0 : Infinity));
    sweep.schedule(one, 10);
    clock.advance(1000);
    expect(one.seen).toEqual([10, 20, 30, 40, 50]);
  });

  test('that is cancelled is not checked, in a check of the same slot either', () => {
    const other = entry();
    const one = entry(() => {
      sweep.cancel(other);
      return Infinity;
    });
    const cancelled = entry();
    for (const each of [one, other, cancelled]) sweep.schedule(each, 100);
    sweep.cancel(cancelled);
    clock.advance(1000);
    expect([one, other, cancelled].map(({ seen }) => seen)).toEqual([[100], [], []]);
    sweep.cancel(one); // again: no effect
  });
});

describe('the timer', () => {
  test('is one for all entries, and none without entries', () => {
    const all = Array.from({ length: 1000 }, () => entry());
    for (const [i, one] of all.entries()) sweep.schedule(one, 10_000 + i);
    expect(clock.timerCount).toBe(1);
    for (const one of all) sweep.cancel(one);
    expect(clock.timerCount).toBe(0);
    sweep.schedule(all[0] as SweepEntry, 10);
    clock.advance(10);
    expect(clock.timerCount).toBe(0);
  });

  test('does not keep the process alive, except between holdProcess and releaseProcess', () => {
    const refs: boolean[] = [];
    time.setTimeout = () => {
      const timer = {
        ref: () => refs.push(true),
        unref: () => refs.push(false),
      } as unknown as NodeJS.Timeout;
      refs.push(true);
      return timer;
    };
    sweep.schedule(entry(), 100);
    expect(refs).toEqual([true, false]);
    sweep.holdProcess();
    sweep.holdProcess();
    sweep.schedule(entry(), 50); // a new timer, which stays as Node makes it
    expect(refs.slice(2)).toEqual([true, true]);
    sweep.releaseProcess();
    expect(refs.slice(4)).toEqual([]);
    sweep.releaseProcess();
    expect(refs.slice(4)).toEqual([false]);
  });
});

describe('a stalled event loop', () => {
  test('a check learns how late it is, and the clock of the sweep leaves that out', () => {
    const seen: number[][] = [];
    const late: SweepEntry = {
      slot: NO_SLOT,
      check: (now, lateness) => {
        seen.push([now, lateness, elapsed(start, sweep.awakeTime())]);
        return seen.length < 2 ? now + 100 : Infinity;
      },
    };
    const start = sweep.awakeTime();
    sweep.schedule(late, 100);
    clock.stall(5000);
    clock.advance(100);
    expect(seen).toEqual([
      [5000, 4900, 100],
      [5100, 0, 200],
    ]);
  });

  test('an entry whose deadline passed meanwhile is late by less than the run', () => {
    const lateness: number[] = [];
    const note = (_: number, late: number) => {
      lateness.push(late);
      return Infinity;
    };
    sweep.schedule({ slot: NO_SLOT, check: note }, 100);
    sweep.schedule({ slot: NO_SLOT, check: note }, 300);
    clock.stall(1000);
    expect(lateness).toEqual([900, 700]);
  });
});

test('the stamp is when the next run is due, on the clock of the sweep', () => {
  const one = entry((now) => now + 500);
  sweep.schedule(one, 100);
  expect(elapsed(sweep.awakeTime(), sweep.stamp)).toBe(100);
  clock.stall(1100);
  expect(elapsed(sweep.awakeTime(), sweep.stamp)).toBe(500);
});

test('the clock of the sweep is a 32-bit integer', () => {
  clock.advance(2 ** 31 - 10.5);
  const before = sweep.awakeTime();
  clock.advance(20);
  expect([before > 0, sweep.awakeTime() < 0]).toEqual([true, true]);
  expect(elapsed(before, sweep.awakeTime())).toBe(20);
});

test('an exception of a check is not lost, and neither are the other entries', () => {
  const all = [entry(), entry(), entry()];
  const bad = entry(() => {
    throw new Error('of a listener');
  });
  for (const one of [all[0], bad, all[1]]) sweep.schedule(one as SweepEntry, 100);
  sweep.schedule(all[2] as SweepEntry, 200);
  expect(() => clock.advance(100)).toThrow('of a listener');
  clock.advance(500);
  expect(all.map(({ seen }) => seen.length)).toEqual([1, 1, 1]);
  expect(bad.seen).toEqual([100]);
});

test('any schedule: each entry is checked once, never early, at most 250 ms late', () => {
  const random = new SeededRandom(13);
  for (let round = 0; round < 20; round++) {
    sweep = new Sweep();
    const start = time.now();
    const due = Array.from({ length: 200 }, () => start + random.integer(1, 5000));
    const all = due.map(() => entry());
    for (const [i, one] of all.entries()) sweep.schedule(one, due[i] ?? 0);
    clock.advance(5250);
    for (const [i, one] of all.entries()) {
      const late = (one.seen[0] ?? Infinity) - (due[i] ?? 0);
      expect([one.seen.length, late >= 0 && late <= 250]).toEqual([1, true]);
    }
    expect(clock.timerCount).toBe(0);
  }
});
