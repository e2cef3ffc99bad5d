/** A queue: first in, first out, at the same cost however long it is. */

import { expect, test } from '@jest/globals';
import { Fifo } from '../../../src/protocol/fifo.js';
import { SeededRandom } from '../../support/random.js';

test('gives what it was given, in that order, and knows how much is left', () => {
  const random = new SeededRandom(1);
  const queue = new Fifo<number>();
  const model: number[] = [];
  for (let i = 0; i < 2000; i++) {
    if (random.next() < 0.55) {
      queue.push(i);
      model.push(i);
    } else {
      expect(queue.shift()).toBe(model.shift());
    }
    expect([queue.length, queue.head]).toEqual([model.length, model[0]]);
    const newest = Math.min(model.length, random.integer(0, 3));
    expect(queue.newest(newest)).toEqual(model.slice(model.length - newest));
  }
  expect(queue.takeAll()).toEqual(model);
  expect([queue.length, queue.head, queue.shift()]).toEqual([0, undefined, undefined]);
});
