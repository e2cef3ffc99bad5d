/** What counts as an attempt, how long a connection lasted, and delays of 0. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ReconnectOptions, ResumeInfo } from '../../../src/reconnect/options.js';
import { EPOCH, useClock } from '../../support/clock.js';
import { FakeConnections, type FakeSocket, settle, watch } from '../../support/fake-connections.js';

const clock = useClock();

beforeEach(() => {
  clock.stop();
  clock.useRandom(() => 0.5);
});

const refused = (): Error => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });

function make(options: ReconnectOptions<FakeSocket>) {
  const fake = new FakeConnections(options);
  return { fake, next: () => watch(fake.reconnector.next()) };
}

/** Lets the delay pass and opens the attempt. */
async function open(fake: FakeConnections): Promise<FakeSocket> {
  await settle();
  while (fake.waiting.length === 0 && clock.timerCount > 0) {
    clock.advance(100);
    await settle();
  }
  const socket = fake.waiting[0]?.open();
  if (socket === undefined) throw new Error('no attempt is in progress');
  await settle();
  return socket;
}

describe('maxAttempts', () => {
  test('the end of a connection that lasted is no failed attempt', async () => {
    const { fake, next } = make({ maxAttempts: 1 });
    next();
    const socket = await open(fake);
    clock.advance(5000);
    socket.end();
    const outcome = next();
    await open(fake);
    expect(outcome.state).toBe('resolved');
  });

  test('a connection that did not last is one', async () => {
    const { fake, next } = make({ maxAttempts: 2 });
    next();
    (await open(fake)).end();
    next();
    (await open(fake)).end();
    const outcome = next();
    await settle();
    expect(outcome.error).toMatchObject({ code: 'WS_ERR_CLOSED', closeCode: 1006 });
  });

  test('it counts from the last connection that lasted', async () => {
    const { fake, next } = make({ maxAttempts: 2 });
    next();
    const socket = await open(fake);
    clock.advance(5000);
    socket.end();
    const outcome = next();
    for (const state of ['pending', 'rejected']) {
      await settle();
      while (fake.waiting.length === 0) {
        clock.advance(100);
        await settle();
      }
      fake.waiting[0]?.refuse(refused());
      await settle();
      expect(outcome.state).toBe(state);
    }
  });
});

test('a connection that ended soon has not lasted, however late the next is asked for', async () => {
  const { fake, next } = make({ minUptime: 5000, backoff: { first: 1000, base: 2000, factor: 2 } });
  next();
  for (const delay of [500, 3000]) {
    const socket = await open(fake);
    clock.advance(10);
    socket.end();
    await settle();
    clock.advance(60_000); // the program is busy with the last message
    next();
    await settle();
    clock.advance(delay - 1);
    await settle();
    expect(fake.waiting).toHaveLength(0);
    clock.advance(1);
    await settle();
    expect(fake.waiting).toHaveLength(1);
  }
});

test('attempts that fail at once without a delay let the event loop go on', async () => {
  const controller = new AbortController();
  let calls = 0;
  const token = (): never => {
    // Without this end, the test would block.
    if (++calls > 1000) controller.abort();
    throw new Error('no token');
  };
  const { next } = make({ token, classify: () => ({ after: 0 }), signal: controller.signal });
  next();
  await settle();
  expect([calls, clock.timerCount]).toEqual([1, 1]);
  clock.advance(0);
  await settle();
  expect(calls).toBe(2);
});

test('the downtime is not negative if the wall clock is set back', async () => {
  const infos: ResumeInfo[] = [];
  const resume = (_: FakeSocket, info: ResumeInfo): void => void infos.push(info);
  const { fake, next } = make({ resume });
  next();
  (await open(fake)).end({ closed: EPOCH + 3_600_000 });
  next();
  await open(fake);
  expect(infos.map(({ downtime }) => downtime)).toEqual([0, 0]);
});

test('classify that throws ends it with that error', async () => {
  const error = new Error('of the program');
  const classify = (): never => {
    throw error;
  };
  const { fake, next } = make({ classify });
  next();
  (await open(fake)).end();
  const outcome = next();
  await settle();
  expect(outcome).toEqual({ state: 'rejected', error });
  expect(clock.timerCount).toBe(0);
});
