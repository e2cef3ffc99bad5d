import { expect, test } from '@jest/globals';
import { Histogram } from '../../../src/server/histogram.js';

test('a value is in the first bucket whose bound it does not exceed', () => {
  const histogram = new Histogram([0.1, 1, 10]);
  expect(histogram.cumulative).toEqual([0, 0, 0]);
  for (const value of [0, 0.1, 0.100001, 1, 9.5, 10.1]) histogram.observe(value);
  expect(histogram.cumulative).toEqual([2, 4, 5]);
  expect(histogram.count).toBe(6);
  expect(histogram.sum).toBeCloseTo(20.800001);
});
