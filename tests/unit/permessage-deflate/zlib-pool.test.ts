/** How many jobs run at a time, and how much is inflated inline in one turn of the event loop. */

import { expect, test } from '@jest/globals';
import { type EventLoop, ZlibPool } from '../../../src/permessage-deflate/zlib-pool.js';

/** An event loop that the test turns. */
class ManualLoop implements EventLoop {
  readonly ticks: (() => void)[] = [];
  readonly turns: (() => void)[] = [];
  bound = 0;
  onNextTick(callback: () => void): void {
    this.ticks.push(callback);
  }
  onNextTurn(callback: () => void): void {
    this.turns.push(callback);
  }
  bind<T>(callback: T): T {
    this.bound++;
    return callback;
  }
}

test('four jobs run at a time; the others start in order as these finish', () => {
  const loop = new ManualLoop();
  const pool = new ZlibPool(loop);
  const started: number[] = [];
  const finish: (() => void)[] = [];
  for (let i = 0; i < 7; i++) {
    pool.run((finished) => {
      started.push(i);
      finish.push(finished);
    });
  }
  expect([started, loop.bound]).toEqual([[0, 1, 2, 3], 3]);
  finish[2]?.();
  expect(started).toEqual([0, 1, 2, 3, 4]);
  for (const i of [0, 1, 3, 4]) finish[i]?.();
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6]);
  finish[5]?.();
  finish[6]?.();
  pool.run(() => started.push(7));
  expect([started.at(-1), loop.bound]).toEqual([7, 3]);
});

test('a deferred callback is called in the next tick', () => {
  const loop = new ManualLoop();
  const callback = (): void => {};
  new ZlibPool(loop).defer(callback);
  expect(loop.ticks).toEqual([callback]);
});

test('the budget of a turn is 6 MiB, with 8 KiB for each call; the next turn has a new one', () => {
  const loop = new ManualLoop();
  const pool = new ZlibPool(loop);
  for (let i = 0; i < 767; i++) pool.spend(0);
  expect([pool.hasBudget(), loop.turns.length]).toEqual([true, 1]);
  pool.spend(0);
  expect(pool.hasBudget()).toBe(false);
  loop.turns[0]?.();
  expect(pool.hasBudget()).toBe(true);
  pool.spend(6_291_456);
  expect([pool.hasBudget(), loop.turns.length]).toEqual([false, 2]);
});
