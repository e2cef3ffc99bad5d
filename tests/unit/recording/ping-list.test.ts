/** RFC 6455 §5.5.3: which Ping a Pong answers. */

import { expect, test } from '@jest/globals';
import { PingList } from '../../../src/recording/ping-list.js';

const bytes = (text: string) => Buffer.from(text);

test('a Pong answers the Ping with its payload, and those before it are done', () => {
  const pings = new PingList();
  pings.add(bytes('a'), 1);
  pings.add(bytes('b'), 2.5);
  expect(pings.answered(bytes('b'), 4.0001)).toBe(1.5);
  expect(pings.answered(bytes('a'), 5)).toBeUndefined();
});

test('a Pong that nobody asked for answers none', () => {
  const pings = new PingList();
  expect(pings.answered(bytes(''), 1)).toBeUndefined();
  pings.add(bytes('\xff'), 1);
  expect(pings.answered(Buffer.from([0xff]), 2)).toBeUndefined();
});

test('of more than 64 Pings the oldest ones are forgotten', () => {
  const pings = new PingList();
  for (let i = 0; i < 66; i++) pings.add(bytes(String(i)), i);
  expect(pings.answered(bytes('1'), 70)).toBeUndefined();
  expect(pings.answered(bytes('2'), 70)).toBe(68);
});
