/** redis() over a client of a test: what is sent, what is noticed, what is given up. */

import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import type { Broker } from '../../../src/server/broker.js';
import { redis } from '../../../src/topics/index.js';
import { useClock } from '../../support/clock.js';

const clock = useClock();

type Reply = (command: string, args: readonly unknown[]) => unknown;

/** As a Redis of ioredis. Its duplicates are in `made`. */
class Client extends EventEmitter {
  readonly made: Client[];
  readonly options: Record<string, unknown>;
  readonly sent: string[] = [];
  reply: Reply = (command) => (command === 'PING' ? 'PONG' : 1);
  isEnded = false;

  constructor(options: Record<string, unknown> = {}, made: Client[] = []) {
    super();
    this.options = options;
    this.made = made;
  }

  duplicate(options: Record<string, unknown>): Client {
    const copy = new Client(options, this.made);
    copy.reply = (...call) => this.reply(...call);
    this.made.push(copy);
    return copy;
  }

  connect(): Promise<unknown> {
    return this.callBuffer('CONNECT', []);
  }

  async callBuffer(command: string, args: readonly unknown[]): Promise<unknown> {
    this.sent.push([command, ...args].join(' '));
    return this.reply(command, args);
  }

  subscribe(...channels: string[]): Promise<unknown> {
    return this.callBuffer('SUBSCRIBE', channels);
  }

  unsubscribe(...channels: string[]): Promise<unknown> {
    return this.callBuffer('UNSUBSCRIBE', channels);
  }

  disconnect(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.emit('end');
  }
}

interface Opened {
  readonly client: Client;
  readonly broker: Broker;
  readonly statuses: (boolean | string)[];
  readonly messages: unknown[];
}

async function open(): Promise<Opened> {
  clock.stop();
  clock.useRandom(() => 0.5);
  const client = new Client();
  const broker = redis({ client: client as never });
  const [statuses, messages]: [(boolean | string)[], unknown[]] = [[], []];
  await broker.start({
    message: (...message) => messages.push(message),
    status: (isUp, error) => statuses.push(isUp, ...(error ? [error.message] : [])),
  });
  return { client, broker, statuses, messages };
}

/** Lets time pass, and what follows from it. */
async function pass(milliseconds: number): Promise<void> {
  clock.advance(milliseconds);
  for (let i = 0; i < 3; i++) await turn();
}

test('the client is duplicated twice, without anything that repeats commands', async () => {
  const { client, broker } = await open();
  expect(client.sent).toEqual([]);
  expect(client.made).toHaveLength(2);
  for (const { options } of client.made) {
    expect(options).toMatchObject({
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      keyPrefix: '',
    });
    expect((options['retryStrategy'] as () => unknown)()).toBeNull();
  }
  await broker.close();
  expect(client.made.every(({ isEnded }) => isEnded)).toBe(true);
  expect(clock.timerCount).toBe(0);
});

test('a batch is one command on the one connection, a message goes to the other', async () => {
  const { client, broker, messages } = await open();
  await broker.subscribe(['a', 'b']);
  await broker.publish('a', Buffer.from('x'));
  const [subscriber, publisher] = client.made;
  expect(subscriber?.sent).toEqual(['CONNECT', 'SUBSCRIBE ws6455:a ws6455:b']);
  expect(publisher?.sent).toEqual(['CONNECT', 'PUBLISH ws6455:a \u0000x']);
  subscriber?.emit('messageBuffer', Buffer.from('ws6455:a'), Buffer.from('\u0000x'));
  expect(messages).toEqual([['a', Buffer.from('x'), undefined]]);
  await broker.close();
  subscriber?.emit('messageBuffer', Buffer.from('ws6455:a'), Buffer.from('\u0000x'));
  expect(messages).toHaveLength(1);
});

test('a connection that ends takes the other one with it, and both are opened again', async () => {
  const { client, broker, statuses } = await open();
  const [subscriber] = client.made;
  subscriber?.emit('error', new Error('reset'));
  subscriber?.disconnect();
  expect(statuses).toEqual([false, 'reset']);
  expect(client.made.every(({ isEnded }) => isEnded)).toBe(true);
  await expect(broker.publish('a', Buffer.from('x'))).rejects.toThrow('not reachable');
  await pass(250);
  expect(statuses).toEqual([false, 'reset', true]);
  expect(client.made).toHaveLength(4);
  await broker.close();
});

test('attempts are repeated at longer and longer intervals', async () => {
  const { client, broker, statuses } = await open();
  client.reply = () => Promise.reject(new Error('refused'));
  client.made[0]?.disconnect();
  for (const delay of [250, 500, 1000, 2000, 2500, 2500]) {
    const made = client.made.length;
    await pass(delay - 1);
    expect(client.made).toHaveLength(made);
    await pass(1);
    expect(client.made).toHaveLength(made + 2);
  }
  expect(statuses.slice(2, 4)).toEqual([false, 'refused']);
  await broker.close();
  expect(clock.timerCount).toBe(0);
});

test('a Redis that does not answer is given up', async () => {
  const { client, broker, statuses } = await open();
  await pass(4_000);
  await pass(4_000);
  expect(statuses).toEqual([]);
  client.reply = () => new Promise(() => {});
  await pass(4_000);
  expect(statuses).toEqual([]);
  await pass(4_000);
  expect(statuses).toEqual([false, 'Redis has not answered for 4000 ms']);
  await pass(250);
  await pass(10_000);
  expect(statuses.at(-1)).toBe('Redis has not answered within 10000 ms');
  await broker.close();
});

test('a start that fails can be repeated', async () => {
  clock.stop();
  const client = new Client();
  client.reply = () => Promise.reject(new Error('refused'));
  const broker = redis({ client: client as never });
  const start = async (): Promise<void> => broker.start({ message() {}, status() {} });
  await expect(start()).rejects.toThrow('refused');
  expect(clock.timerCount).toBe(0);
  client.reply = () => 1;
  await start();
  await broker.close();
});

test('messages are rejected when too much waits for Redis', async () => {
  const { client, broker } = await open();
  client.reply = () => new Promise(() => {});
  const body = Buffer.alloc(1 << 20);
  for (let i = 0; i < 15; i++) void broker.publish('a', body);
  await expect(broker.publish('a', body)).rejects.toThrow('Redis is too slow');
  const closed = broker.close();
  await pass(1_000);
  await closed;
});

test('a message whose predecessor is missing is sent again after it', async () => {
  const { client, broker } = await open();
  const calls: string[] = [];
  client.reply = (command, args) => {
    const [sequence, before] = [args[5], args[6]];
    calls.push(`${command} ${sequence} after ${before}`);
    if (command === 'EVALSHA') throw new Error('NOSCRIPT No matching script');
    return ['e', sequence];
  };
  const limits = { publisher: 'p', size: 1, ttl: 1 };
  const results = [1, 2].map((sequence) =>
    broker.history?.publish('a', Buffer.from('x'), { ...limits, sequence }),
  );
  expect(await Promise.all(results)).toEqual([
    { epoch: 'e', offset: 1 },
    { epoch: 'e', offset: 2 },
  ]);
  expect(calls.slice(0, 4)).toEqual([
    'EVALSHA 1 after 0',
    'EVALSHA 2 after 1',
    'EVAL 1 after 0',
    'EVAL 2 after 1',
  ]);
  await broker.close();
});

test('a message after one that failed fails too', async () => {
  const { client, broker } = await open();
  client.reply = (_, args) => {
    if (args[5] === '1') throw new Error('OOM command not allowed');
    throw new Error('WS6455BEFORE the message before is missing');
  };
  const limits = { publisher: 'p', size: 1, ttl: 1 };
  const results = [1, 2, 3].map(async (sequence) =>
    broker.history?.publish('a', Buffer.from('x'), { ...limits, sequence }),
  );
  const settled = await Promise.allSettled(results);
  expect(settled.map((one) => (one.status === 'rejected' ? String(one.reason) : 'kept'))).toEqual([
    'Error: OOM command not allowed',
    'Error: A message before this one was not kept',
    'Error: A message before this one was not kept',
  ]);
  await broker.close();
});

test('an error has no command: its arguments may be a password, or a message', async () => {
  const { client, broker } = await open();
  const fail = (message: string): Error =>
    Object.assign(new Error(message), { command: { name: 'auth', args: ['secret'] } });
  client.reply = (command) => {
    throw fail(`NOPERM ${command}`);
  };
  const calls = await Promise.allSettled([
    broker.publish('a', Buffer.from('secret')),
    broker.subscribe(['a']),
    broker.unsubscribe(['a']),
    broker.start({ message() {}, status() {} }),
  ]);
  for (const call of calls) {
    expect(inspect(call)).toContain('NOPERM');
    expect(inspect(call)).not.toContain('secret');
  }
  client.reply = () => new Promise(() => {});
  const again = Promise.resolve(broker.start({ message() {}, status() {} })).catch((e) => e);
  await turn();
  client.made.at(-1)?.emit('error', fail('WRONGPASS'));
  client.made.at(-1)?.emit('end');
  expect(inspect(await again)).toMatch(/WRONGPASS/);
  expect(inspect(await again)).not.toContain('secret');
  await broker.close();
});
