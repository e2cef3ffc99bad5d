/** RFC 9110 §10.2.3: Retry-After, in seconds or as a date. */

import { expect, test } from '@jest/globals';
import { parseRetryAfter } from '../../../src/handshake/retry-after.js';

const NOW = Date.UTC(1994, 10, 6, 8, 49, 37);
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';

test.each([
  ['0', 0],
  ['1', 1000],
  [' 120 ', 120_000],
  ['86400', 86_400_000],
])('%p is %i ms', (value, expected) => {
  expect(parseRetryAfter({ 'retry-after': value }, NOW)).toBe(expected);
});

test.each([
  'Sun, 06 Nov 1994 08:50:37 GMT',
  'Sunday, 06-Nov-94 08:50:37 GMT',
  'Sun Nov  6 08:50:37 1994',
])('%s is a minute later than the Date of the response', (value) => {
  expect(parseRetryAfter({ 'retry-after': value, date: DATE }, NOW + 999_999)).toBe(60_000);
});

test('without a Date the clock of the client counts', () => {
  const fields = { 'retry-after': 'Sun, 06 Nov 1994 08:50:37 GMT' };
  expect(parseRetryAfter(fields, NOW)).toBe(60_000);
  expect(parseRetryAfter({ ...fields, date: 'today' }, NOW + 1000)).toBe(59_000);
});

test('a date in the past is 0', () => {
  expect(parseRetryAfter({ 'retry-after': DATE }, NOW + 1)).toBe(0);
});

test.each([
  undefined,
  '',
  '-1',
  '1.5',
  '1e3',
  'soon',
  '2030-01-01',
  'Sun, 99 Nov 1994 08:49:37 GMT',
])('%p is no Retry-After', (value) => {
  expect(parseRetryAfter({ 'retry-after': value }, NOW)).toBeUndefined();
});
