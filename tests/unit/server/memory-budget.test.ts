/** `memoryBudget`: the connection whose oldest message waits longest goes first. */

import { describe, expect, test } from '@jest/globals';
import { Backlog, type Sendable, WaitingMessage } from '../../../src/connection/backlog.js';
import type { SendLimit } from '../../../src/connection/send-limit.js';
import { MemoryBudget } from '../../../src/server/memory-budget.js';
import { SeededRandom } from '../../support/random.js';

/** A connection as the budget sees it. */
class FakeLimit {
  readonly backlog = new Backlog();
  closed = false;
  private readonly budget: MemoryBudget;
  private readonly onClose: (limit: FakeLimit) => void;

  constructor(budget: MemoryBudget, onClose: (limit: FakeLimit) => void) {
    this.budget = budget;
    this.onClose = onClose;
  }

  push(byteLength: number): void {
    const message: Sendable = {
      byteLength,
      kind: 'MESSAGE',
      fin: true,
      keep: () => {},
      sendOn: () => true,
    };
    this.change(() =>
      this.backlog.push(new WaitingMessage(message, undefined, undefined, true, true, 0)),
    );
  }

  shift(): void {
    this.change(() => this.backlog.shift());
  }

  close(): void {
    this.onClose(this);
    this.closed = true;
    this.change(() => {
      while (!this.backlog.isEmpty) this.backlog.shift();
    });
  }

  private change(action: () => void): void {
    const before = this.backlog.cost;
    action();
    // The budget uses these two members only.
    this.budget.onChange(this as unknown as SendLimit, this.backlog.cost - before);
  }
}

function order({ backlog }: FakeLimit): number {
  return backlog.head?.order ?? Number.POSITIVE_INFINITY;
}

describe('a memory budget', () => {
  test('is kept to the byte', () => {
    const closed: FakeLimit[] = [];
    const budget = new MemoryBudget();
    budget.max = Number.POSITIVE_INFINITY;
    const [a, b] = [0, 1].map(() => new FakeLimit(budget, (one) => closed.push(one)));
    a?.push(72);
    b?.push(72);
    budget.max = (a?.backlog.cost ?? 0) + (b?.backlog.cost ?? 0) + 128;
    a?.push(0);
    expect(closed).toEqual([]);
    a?.shift();
    a?.push(73);
    // What waits in `b` is older by now.
    expect(closed).toEqual([b]);
  });

  test('counts what is left when it takes one connection after another', () => {
    const closed: FakeLimit[] = [];
    const budget = new MemoryBudget();
    budget.max = Number.POSITIVE_INFINITY;
    const limits = Array.from(
      { length: 5 },
      () => new FakeLimit(budget, (one) => closed.push(one)),
    );
    for (const limit of limits) limit.push(872);
    budget.max = 2000;
    limits[4]?.push(0);
    expect(closed).toEqual(limits.slice(0, 4));
  });
});

test.each([1, 2, 3, 4, 5, 6])(
  'takes the longest stalled, and no more than needed (seed %i)',
  (seed) => {
    const random = new SeededRandom(seed);
    const budget = new MemoryBudget();
    budget.max = 20_000;
    let victims = 0;
    const limits: FakeLimit[] = [];
    const total = (): number => limits.reduce((sum, { backlog }) => sum + backlog.cost, 0);
    const check = (victim: FakeLimit): void => {
      victims++;
      expect(total()).toBeGreaterThan(budget.max);
      expect(order(victim)).toBe(Math.min(...limits.map(order)));
    };
    for (let i = 0; i < 4000; i++) {
      if (limits.length < 30) limits.push(new FakeLimit(budget, check));
      const limit = random.pick(limits);
      if (random.next() < 0.6) limit.push(random.integer(0, 500));
      else limit.shift();
      expect(total()).toBeLessThanOrEqual(budget.max);
      for (const [at, one] of [...limits.entries()].reverse()) if (one.closed) limits.splice(at, 1);
    }
    expect(victims).toBeGreaterThan(20);
  },
);
