/** What is remembered of messages to several topics. */

import { expect, test } from '@jest/globals';
import { UnionReceivers } from '../../../src/server/union-receivers.js';
import type { Subscriber } from '../../../src/websocket/server-topics.js';

const LIMIT = 50_000;

test('the receivers of each message of each node are apart', () => {
  const unions = new UnionReceivers();
  const subscriber = {} as Subscriber;
  unions.of('one', 1).subscribers.add(subscriber);
  expect(unions.of('one', 1).isNew).toBe(false);
  expect(unions.of('one', 1).subscribers.has(subscriber)).toBe(true);
  const others: [string, number][] = [
    ['one', 2],
    ['two', 1],
    ['1 one', 1],
  ];
  for (const [node, union] of others) {
    expect(unions.of(node, union).isNew).toBe(true);
    expect(unions.of(node, union).subscribers.has(subscriber)).toBe(false);
  }
});

test.each([10, 10_000])('what is old is forgotten, what is new is not: %i receivers', (count) => {
  const unions = new UnionReceivers();
  const forgotten: number[] = [];
  for (let i = 0; i <= (3 * LIMIT) / count; i++) {
    unions.of('node', i);
    unions.add(count);
    if (unions.of('node', i).isNew || unions.of('node', Math.max(0, i - 1)).isNew) {
      forgotten.push(i);
    }
  }
  expect(forgotten).toEqual([]);
  expect(unions.of('node', 0).isNew).toBe(true);
});
