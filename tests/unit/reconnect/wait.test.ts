/** Waiting, and limits of time. */

import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { wait, within } from '../../../src/reconnect/wait.js';
import { useClock } from '../../support/clock.js';
import { settle, watch } from '../../support/fake-connections.js';

const clock = useClock();
let controller = new AbortController();

beforeEach(() => {
  clock.stop();
  controller = new AbortController();
});

const expectNothingLeft = (): void => {
  expect(clock.timerCount).toBe(0);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
};

describe('wait', () => {
  test.each([0, 1, 4999, 5000, 5001, 12_345, 60_000])('%i ms, not less', async (ms) => {
    const outcome = watch(wait(ms, controller.signal));
    clock.advance(ms - 1);
    await settle();
    if (ms > 0) expect(outcome.state).toBe('pending');
    clock.advance(1);
    await settle();
    expect(outcome.state).toBe('resolved');
    expectNothingLeft();
  });

  test('ends within seconds after the machine has slept', async () => {
    const outcome = watch(wait(60_000, controller.signal));
    clock.advance(7000);
    clock.sleep(3_600_000);
    clock.advance(3000);
    await settle();
    expect(outcome.state).toBe('resolved');
    expectNothingLeft();
  });

  test('goes on after a wall clock that is set back', async () => {
    const outcome = watch(wait(12_000, controller.signal));
    clock.sleep(-3_600_000);
    clock.advance(11_999);
    await settle();
    expect(outcome.state).toBe('pending');
    clock.advance(1);
    await settle();
    expect(outcome.state).toBe('resolved');
  });

  test.each([0, 7000])('an abort after %i ms ends it', async (ms) => {
    if (ms === 0) controller.abort('enough');
    const outcome = watch(wait(60_000, controller.signal));
    clock.advance(ms);
    controller.abort('enough');
    await settle();
    expect(outcome.error).toMatchObject({ name: 'AbortError', cause: 'enough' });
    expectNothingLeft();
  });
});

describe('within', () => {
  const late = (): Error => new Error('late');
  const never = new Promise<string>(() => {});

  test('gives the result, and the error', async () => {
    const { signal } = controller;
    await expect(within(Promise.resolve('x'), signal, 10, late)).resolves.toBe('x');
    await expect(within(Promise.reject(new Error('no')), signal, 10, late)).rejects.toThrow('no');
    expectNothingLeft();
  });

  test('gives the error of the timeout', async () => {
    const outcome = watch(within(never, controller.signal, 10, late));
    clock.advance(9);
    await settle();
    expect(outcome.state).toBe('pending');
    clock.advance(1);
    await settle();
    expect(outcome.error?.message).toBe('late');
    expectNothingLeft();
  });

  test('0 is no limit', () => {
    void within(never, controller.signal, 0, late);
    expect(clock.timerCount).toBe(0);
  });

  test.each(['before', 'meanwhile'])('an abort %s ends it', async (when) => {
    if (when === 'before') controller.abort();
    const outcome = watch(within(never, controller.signal, 10, late));
    controller.abort();
    await settle();
    expect(outcome.error?.name).toBe('AbortError');
    expectNothingLeft();
  });

  test('what fails after the end is no unhandled rejection', async () => {
    let fail: (error: Error) => void = () => {};
    const promise = new Promise<void>((_, reject) => {
      fail = reject;
    });
    const outcome = watch(within(promise, controller.signal, 10, late));
    clock.advance(10);
    fail(new Error('too late'));
    await settle();
    expect(outcome.error?.message).toBe('late');
  });
});
