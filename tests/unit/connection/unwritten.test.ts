import { expect, test } from '@jest/globals';
import { UnwrittenMessages } from '../../../src/connection/unwritten.js';

test('a write counts until the socket holds none of its bytes', () => {
  const unwritten = new UnwrittenMessages();
  unwritten.add(10, 12, 12);
  unwritten.add(20, 24, 36);
  expect(unwritten.remaining(36)).toBe(30);
  expect(unwritten.remaining(25)).toBe(30);
  expect(unwritten.remaining(24)).toBe(20);
  expect(unwritten.remaining(0)).toBe(0);
});

test('bytes that the socket held before the first write are not counted', () => {
  const unwritten = new UnwrittenMessages();
  unwritten.add(10, 12, 1_012);
  expect(unwritten.remaining(1_012)).toBe(10);
  expect(unwritten.remaining(12)).toBe(10);
  expect(unwritten.remaining(0)).toBe(0);
});

test('what was written is forgotten when more is added', () => {
  const unwritten = new UnwrittenMessages();
  for (let i = 0; i < 1_000; i++) unwritten.add(1, 3, 6);
  expect(unwritten.remaining(6)).toBe(2);
});

test('a write of control frames alone counts nothing', () => {
  const unwritten = new UnwrittenMessages();
  unwritten.add(0, 4, 4);
  unwritten.add(5, 7, 11);
  expect(unwritten.remaining(11)).toBe(5);
});
