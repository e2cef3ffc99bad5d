/** What a server asks its broker for, with brokers that answer late, wrongly or never. */

import { describe, expect, test } from '@jest/globals';
import { time } from '../../../src/connection/time.js';
import type { Broker, BrokerEvents } from '../../../src/server/broker.js';
import { Interest } from '../../../src/server/interest.js';
import { useClock } from '../../support/clock.js';
import { turns } from '../../support/inbox.js';

const clock = useClock();

const LINGER = 5_000;
const MAX_RETRY_DELAY = 1_000;

interface Call {
  readonly name: 'start' | 'subscribe' | 'unsubscribe' | 'publish' | 'close';
  readonly topics: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A broker whose calls the test answers, except for those in `answers`. */
function scripted(answers: Partial<Broker> = {}) {
  const calls: Call[] = [];
  const told: string[] = [];
  const events: BrokerEvents[] = [];
  const call = (name: Call['name'], topics: readonly string[] = []): Promise<void> =>
    new Promise((resolve, reject) => calls.push({ name, topics, resolve, reject }));
  const broker: Broker = {
    subscribe: (topics) => call('subscribe', topics),
    unsubscribe: (topics) => call('unsubscribe', topics),
    publish: (topic) => call('publish', [topic]),
    close: () => call('close'),
    ...answers,
    start: (given) => {
      events.push(given);
      return answers.start === undefined ? call('start') : answers.start(given);
    },
  };
  const interest = new Interest(broker, {
    onMessage: (topic) => told.push(`message ${topic}`),
    onConfirmed: (_, confirm) => confirm(),
    onGivenUp: (topic) => told.push(`given up ${topic}`),
    onStatus: (isUp) => told.push(isUp ? 'up' : 'down'),
    onError: (error) => told.push(error.message),
  });
  const names = (): string[] => calls.map(({ name, topics }) => [name, ...topics].join(' '));
  const status = (isUp: boolean): void => events[0]?.status(isUp);
  return { interest, calls, told, names, status, events };
}

/** A scripted broker that has started. */
async function started(answers: Partial<Broker> = {}) {
  clock.stop();
  clock.useRandom(() => 0.999);
  const script = scripted({ start: () => {}, ...answers });
  script.interest.start();
  await turns();
  return script;
}

/** Passes time until calls that failed were repeated. */
async function retry(): Promise<void> {
  clock.advance(MAX_RETRY_DELAY);
  await turns();
}

const isConfirmed = async (promise: Promise<void>): Promise<boolean> => {
  let confirmed = false;
  void promise.then(() => {
    confirmed = true;
  });
  await turns();
  return confirmed;
};

describe('a topic that the engine refuses', () => {
  const refuse = (topics: readonly string[]): void => {
    if (topics.includes('bad')) throw new Error('bad is refused');
  };

  test('harms no other for long', async () => {
    const { interest } = await started({ subscribe: refuse });
    const topics = Array.from({ length: 600 }, (_, i) => (i === 300 ? 'bad' : `t${i}`));
    for (const topic of topics) interest.add(topic);
    await turns();
    for (let i = 0; i < 10; i++) await retry();
    const others = topics.filter((topic) => topic !== 'bad');
    expect(await isConfirmed(interest.whenConfirmed(others))).toBe(true);
    expect(await isConfirmed(interest.whenConfirmed(['bad']))).toBe(false);
  });

  test('delays no topic that is new', async () => {
    const { interest } = await started({ subscribe: refuse });
    interest.add('bad');
    await turns();
    interest.add('new');
    expect(await isConfirmed(interest.whenConfirmed(['new']))).toBe(true);
  });

  test('is asked for once in a delay, although others are new', async () => {
    const asked: string[] = [];
    const { interest } = await started({
      subscribe: (topics) => {
        asked.push(...topics);
        refuse(topics);
      },
    });
    interest.add('bad');
    for (let i = 0; i < 5; i++) {
      interest.add(`t${i}`);
      await turns();
    }
    expect(asked.filter((topic) => topic === 'bad')).toHaveLength(1);
    await retry();
    expect(asked.filter((topic) => topic === 'bad')).toHaveLength(2);
  });

  test('is given up at last, although the engine refuses that too', async () => {
    let calls = 0;
    const { interest } = await started({
      subscribe: refuse,
      unsubscribe: () => {
        calls++;
        throw new Error('not known');
      },
    });
    interest.add('bad');
    await turns();
    interest.remove('bad');
    clock.advance(LINGER);
    await turns();
    for (let i = 0; i < 30; i++) await retry();
    expect(calls).toBeGreaterThan(5);
    expect(calls).toBeLessThan(20);
  });
});

describe('the cost', () => {
  test('of one more topic does not grow with their number', async () => {
    const { interest } = await started({ subscribe: () => {}, unsubscribe: () => {} });
    const add = async (from: number, count: number): Promise<number> => {
      const begin = process.cpuUsage();
      for (let i = from; i < from + count; i++) {
        interest.add(`t${i}`);
        interest.add(`x${i}`);
        interest.remove(`x${i}`);
        clock.advance(1);
        await new Promise<void>((next) => time.nextTick(next));
      }
      const { user, system } = process.cpuUsage(begin);
      return user + system;
    };
    await add(0, 500);
    const few = await add(500, 500);
    for (let i = 0; i < 100_000; i++) interest.add(`many ${i}`);
    await turns();
    const many = await add(1_000, 500);
    expect(many / few).toBeLessThan(20);
  });
});

describe('a topic that comes and goes', () => {
  test('while its call is pending, is given up after it', async () => {
    const { interest, names, calls } = await started();
    interest.add('a');
    await turns();
    interest.remove('a');
    clock.advance(LINGER);
    await turns();
    calls[0]?.resolve();
    await turns();
    expect(names()).toEqual(['subscribe a', 'unsubscribe a']);
  });

  test('and comes again before it is given up, is subscribed throughout', async () => {
    const { interest, names, calls } = await started();
    interest.add('a');
    await turns();
    calls[0]?.resolve();
    interest.remove('a');
    clock.advance(LINGER - 1);
    interest.add('a');
    clock.advance(LINGER);
    await turns();
    expect(names()).toEqual(['subscribe a']);
    interest.remove('a');
    clock.advance(LINGER);
    await turns();
    expect(names()).toEqual(['subscribe a', 'unsubscribe a']);
  });

  test('and comes again after it was given up, is subscribed anew, although that fails late', async () => {
    const { interest, names, calls } = await started();
    interest.add('a');
    await turns();
    calls[0]?.resolve();
    interest.remove('a');
    clock.advance(LINGER);
    await turns();
    interest.add('a');
    await turns();
    calls[2]?.resolve();
    calls[1]?.reject(new Error('late'));
    await turns();
    await retry();
    expect(names()).toEqual(['subscribe a', 'unsubscribe a', 'subscribe a']);
    expect(await isConfirmed(interest.whenConfirmed(['a']))).toBe(true);
  });

  test('and comes and goes again while the engine is away, is given up when it is back', async () => {
    const { interest, calls, names, status } = await started();
    interest.add('a');
    await turns();
    calls[0]?.resolve();
    status(false);
    for (let i = 0; i < 2; i++) {
      interest.remove('a');
      clock.advance(LINGER);
      if (i === 0) interest.add('a');
    }
    status(true);
    await retry();
    expect(names()).toEqual(['subscribe a', 'unsubscribe a']);
  });

  test('is confirmed for those who wait, when nobody wants it any more', async () => {
    const { interest } = await started();
    interest.add('a');
    const promise = interest.whenConfirmed(['a']);
    interest.remove('a');
    clock.advance(LINGER);
    expect(await isConfirmed(promise)).toBe(true);
  });
});

describe('an engine', () => {
  test('that is up before its start has failed, is asked after the next start too', async () => {
    clock.stop();
    const { interest, calls, names, status } = scripted();
    interest.start();
    status(true);
    interest.add('a');
    await turns();
    calls[1]?.reject(new Error('subscribe'));
    calls[0]?.reject(new Error('start'));
    await turns();
    await retry();
    expect(names().sort()).toEqual(['start', 'start', 'subscribe a', 'subscribe a']);
  });

  test('that comes back is asked after a delay, although a new topic is asked for at once', async () => {
    const { interest, names, calls, status } = await started();
    interest.add('a');
    await turns();
    calls[0]?.resolve();
    await turns();
    status(false);
    status(true);
    interest.add('b');
    await turns();
    expect(names()).toEqual(['subscribe a', 'subscribe b']);
    await retry();
    expect(names()).toEqual(['subscribe a', 'subscribe b', 'subscribe a']);
  });

  test('that comes and goes all the time is asked within the delay', async () => {
    const { interest, names, calls, status } = await started();
    interest.add('a');
    await turns();
    calls[0]?.resolve();
    await turns();
    for (let i = 0; i < 20; i++) {
      status(false);
      status(true);
      clock.advance(MAX_RETRY_DELAY / 10);
      await turns();
    }
    expect(names().length).toBeGreaterThan(1);
  });

  test('that answers a call from before an outage confirms nothing', async () => {
    const { interest, calls, status } = await started();
    interest.add('a');
    await turns();
    status(false);
    status(true);
    calls[0]?.resolve();
    const promise = interest.whenConfirmed(['a']);
    expect(await isConfirmed(promise)).toBe(false);
    await retry();
    calls[1]?.resolve();
    expect(await isConfirmed(promise)).toBe(true);
  });
});

describe('after `close`', () => {
  test('no topic is waited for', async () => {
    const { interest, names } = await started();
    interest.add('a');
    await turns();
    interest.close();
    interest.add('b');
    expect(await isConfirmed(interest.whenConfirmed(['a', 'b']))).toBe(true);
    clock.advance(LINGER);
    await turns();
    expect(names()).toEqual(['subscribe a', 'close']);
    expect([interest.isUp, interest.size]).toEqual([false, 0]);
  });

  test('what is published is counted as lost', async () => {
    const { interest, names } = await started();
    interest.close();
    interest.publish('a', new Uint8Array(1));
    expect([interest.lost, names()]).toEqual([1, ['close']]);
  });

  test('messages and changes of the engine are ignored', async () => {
    const { interest, told, status, events } = await started();
    interest.close();
    status(false);
    events[0]?.message('a', new Uint8Array(1));
    expect(told).toEqual(['up']);
  });

  test('a broker that was not started is not closed', () => {
    const { interest, names } = scripted();
    interest.close();
    interest.start();
    expect(names()).toEqual([]);
  });
});
