/** The list of waiting messages: order, keys, and what it counts. */

import { describe, expect, test } from '@jest/globals';
import {
  Backlog,
  COST_OF_MESSAGE,
  type Sendable,
  WaitingMessage,
} from '../../../src/connection/backlog.js';
import { SeededRandom } from '../../support/random.js';

interface Options {
  key?: string;
  droppable?: boolean;
  kind?: Sendable['kind'];
}

function waiting(byteLength: number, { key, droppable = false, kind = 'MESSAGE' }: Options = {}) {
  const message: Sendable = { byteLength, kind, fin: true, keep: () => {}, sendOn: () => true };
  return new WaitingMessage(message, undefined, key, droppable, droppable, 0);
}

function contents(backlog: Backlog): WaitingMessage[] {
  const all: WaitingMessage[] = [];
  for (let entry = backlog.head; entry !== undefined; entry = entry.next) all.push(entry);
  return all;
}

describe('a backlog', () => {
  test('gives messages in their order, and counts them', () => {
    const backlog = new Backlog();
    const [a, b] = [waiting(10), waiting(20)];
    backlog.push(a);
    backlog.push(b);
    expect([backlog.messageLength, backlog.cost]).toEqual([30, 30 + 2 * COST_OF_MESSAGE]);
    expect([backlog.shift(), backlog.shift(), backlog.shift()]).toEqual([a, b, undefined]);
    expect([backlog.messageLength, backlog.cost, backlog.isEmpty]).toEqual([0, 0, true]);
  });

  test('counts control frames in the cost only', () => {
    const backlog = new Backlog();
    backlog.push(waiting(10, { kind: 'CONTROL' }));
    expect([backlog.messageLength, backlog.cost]).toEqual([0, 10 + COST_OF_MESSAGE]);
  });

  test('forgets the key of a message that was taken', () => {
    const backlog = new Backlog();
    backlog.push(waiting(1, { key: 'k' }));
    backlog.shift();
    expect(backlog.find('k')).toBeUndefined();
  });

  test('a replaced message keeps its place and its order; its size changes', () => {
    const backlog = new Backlog();
    const [a, b, c] = [
      waiting(1, { key: 'a' }),
      waiting(2, { key: 'b' }),
      waiting(30, { key: 'a' }),
    ];
    backlog.push(a);
    backlog.push(b);
    backlog.replace(a, c);
    expect(contents(backlog)).toEqual([c, b]);
    expect(c.order).toBe(a.order);
    expect(backlog.find('a')).toBe(c);
    expect(backlog.messageLength).toBe(32);
  });
});

// A plain array is the model. `push`, `replace`, `remove` and `shift` in random order.
test.each([1, 2, 3, 4, 5])('is what an array would be (seed %i)', (seed) => {
  const random = new SeededRandom(seed);
  const backlog = new Backlog();
  let model: WaitingMessage[] = [];
  let newestWithoutKey: WaitingMessage | undefined;
  const actions = [
    () => {
      const key = random.pick([undefined, 'a', 'b', 'c']);
      const entry = waiting(random.integer(0, 50), {
        droppable: random.next() < 0.5,
        ...(key !== undefined && { key }),
      });
      const older = key === undefined ? undefined : backlog.find(key);
      expect(older).toBe(key && model.find((one) => one.key === key));
      if (older === undefined) {
        backlog.push(entry);
        model.push(entry);
        if (key === undefined) newestWithoutKey = entry;
        return;
      }
      const staysInPlace =
        older.isDroppable === entry.isDroppable && older.order > (newestWithoutKey?.order ?? -1);
      backlog.replace(older, entry);
      if (staysInPlace) model[model.indexOf(older)] = entry;
      else model = [...model.filter((one) => one !== older), entry];
    },
    () => {
      expect(backlog.shift()).toBe(model.shift());
    },
    () => {
      if (model.length === 0) return;
      const entry = random.pick(model);
      backlog.remove(entry);
      model = model.filter((one) => one !== entry);
    },
  ];
  for (let i = 0; i < 3000; i++) {
    random.pick([...actions, actions[0]])?.();
    expect(contents(backlog)).toEqual(model);
    expect(backlog.oldestDroppable).toBe(model.find((one) => one.isDroppable));
    expect(backlog.cost).toBe(model.reduce((sum, one) => sum + one.cost, 0));
    const orders = model.map(({ order }) => order);
    expect(orders).toEqual([...orders].sort((x, y) => x - y));
  }
});
