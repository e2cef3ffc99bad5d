/** The delays between attempts: RFC 6455 §7.2.3. */

import { describe, expect, test } from '@jest/globals';
import { type Backoff, DEFAULT_BACKOFF, delayAfter } from '../../../src/reconnect/backoff.js';
import { SeededRandom } from '../../support/random.js';

const ALMOST_ONE = 1 - 2 ** -53;

/** The shortest and the longest delay. */
function windowOf(failures: number, backoff: Backoff = DEFAULT_BACKOFF): [number, number] {
  const bounds = [0, ALMOST_ONE].map((random) => delayAfter(failures, backoff, random));
  return bounds.map(Math.round) as [number, number];
}

test('the first delay is random, from 0 to 5 seconds', () => {
  expect(windowOf(1)).toEqual([0, 5000]);
});

test('later delays grow, and keep a random part of the same width', () => {
  expect([2, 3, 4, 5].map((failures) => windowOf(failures))).toEqual([
    [4000, 8000],
    [6000, 10_000],
    [9000, 13_000],
    [13_500, 17_500],
  ]);
});

test('no delay is longer than the limit, and the random part stays', () => {
  expect(windowOf(9)).toEqual([56_000, 60_000]);
  expect(windowOf(10)).toEqual([56_000, 60_000]);
});

test('delays are spread evenly over the window', () => {
  const random = new SeededRandom(16);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const slot = Math.floor((delayAfter(2, DEFAULT_BACKOFF, random.next()) - 4000) / 400);
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  // 5 standard deviations around 1000.
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1150);
});

test('a window never begins before the one of the failure before it', () => {
  for (let failures = 2; failures < 100; failures++) {
    expect(windowOf(failures + 1)[0]).toBeGreaterThanOrEqual(windowOf(failures)[0]);
  }
});

describe.each<[string, Backoff]>([
  ['the defaults', DEFAULT_BACKOFF],
  ['a base of 0', { ...DEFAULT_BACKOFF, base: 0 }],
  ['everything 0', { first: 0, base: 0, factor: 0, max: 0 }],
  ['a huge factor', { ...DEFAULT_BACKOFF, factor: Number.MAX_VALUE }],
  ['no limit', { ...DEFAULT_BACKOFF, max: Number.POSITIVE_INFINITY }],
  ['a limit below the base', { ...DEFAULT_BACKOFF, max: 100 }],
  ['a factor below 1', { ...DEFAULT_BACKOFF, factor: 0.5 }],
])('with %s', (_name, backoff) => {
  test.each([1, 2, 3, 100, 1e6, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])(
    'after %d failures the delay is a number that a timer takes',
    (failures) => {
      const limit = Math.min(backoff.max, 2 ** 31 - 1);
      for (const random of [0, 0.5, ALMOST_ONE]) {
        const delay = delayAfter(failures, backoff, random);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(limit);
      }
    },
  );
});
