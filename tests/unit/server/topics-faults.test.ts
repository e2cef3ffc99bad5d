/** Topics: what functions of the program may throw, what a closed server keeps, and what calls cost. */

import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { Topics } from '../../../src/server/topics.js';
import { type Broker, MemoryEngine } from '../../../src/topics/index.js';
import type { Subscriber } from '../../../src/websocket/server-topics.js';
import { useClock } from '../../support/clock.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { topicServer } from '../../support/topic-server.js';
import type { Loose } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

const history = { size: 3, ttl: 60_000 };

function newServer(options: Loose) {
  return new WebSocket.WebSocketServer({ noServer: true, ...options });
}

async function closed(server: InstanceType<typeof WebSocket.WebSocketServer>): Promise<void> {
  await new Promise<void>((done) => server.close(() => done()));
}

describe('a function as `topics` that throws', () => {
  const topics = (name: string) => {
    if (name === 'b') throw new Error('by the program');
    return { history };
  };

  test('keeps the message from all receivers, and from all histories', async () => {
    const { server, join } = topicServer(scope(), { topics });
    const { socket, received } = await join();
    void socket.subscribe(['a', 'b']);
    expect(() => server.publish(['a', 'b'], 'x')).toThrow('by the program');
    await turns();
    expect([received, (await server.position('a')).offset]).toEqual([[], 0]);
  });

  test('keeps it from the broker, and from the receivers here', async () => {
    const engine = new MemoryEngine();
    const { server, join } = topicServer(scope(), { topics, broker: engine.broker() });
    server.on('brokerError', () => {});
    const { socket, received } = await join();
    await socket.subscribe(['a', 'b']);
    expect(() => server.publish(['a', 'b'], 'x')).toThrow('by the program');
    await turns();
    expect([received, (await server.position('a')).offset]).toEqual([[], 0]);
  });
});

describe('a closed server', () => {
  const topics = { a: { history } };

  test('has no timer, although it is asked for a history', async () => {
    clock.stop();
    const server = newServer({ topics });
    const start = await server.position('a');
    await closed(server);
    await expect(server.position('a')).rejects.toThrow(/the server is closed/);
    await expect(server.since('a', start)).rejects.toMatchObject({
      message: 'The history of topics is not reachable: the server is closed',
    });
    expect(clock.timerCount).toBe(0);
  });

  test('has no timer, although it published nothing before', async () => {
    clock.stop();
    const server = newServer({ topics });
    await closed(server);
    expect(server.publish('a', 'x')).toBe(0);
    expect(clock.timerCount).toBe(0);
  });
});

test('a server that cannot be made starts no broker', async () => {
  const starts: string[] = [];
  const broker: Broker = { ...new MemoryEngine().broker(), start: () => void starts.push('start') };
  const server = Object.assign(new EventEmitter(), { on: raise });
  const options = { server, broker } as unknown as WebSocket.ServerOptions;
  expect(() => new WebSocket.WebSocketServer(options)).toThrow('no http server');
  await turns();
  expect(starts).toEqual([]);
});

function raise(): never {
  throw new Error('no http server');
}

test.each(['position', 'since'] as const)(
  '`%s` takes no name with a lone surrogate',
  async (method) => {
    const server = newServer({ topics: () => ({ history }) });
    await expect(server[method]('a\ud800', {})).rejects.toThrow(/well-formed/);
  },
);

test('a small message in a history keeps no larger memory alive', async () => {
  const server = newServer({ topics: { a: { history } } });
  const start = await server.position('a');
  server.publish('a', Buffer.from('small'));
  server.publish('a', WebSocket.prepareMessage(Buffer.from('small')));
  const { messages } = await server.since('a', start);
  expect(messages.map(({ data }) => (data as Buffer).buffer.byteLength)).toEqual([5, 5]);
});

describe('a topic that comes and goes', () => {
  const subscriber: Subscriber = {
    readyState: WebSocket.OPEN,
    extension: undefined,
    connection: undefined,
  };

  /** The milliseconds of CPU that it takes 40,000 times, at a server with so many other topics. */
  function costAmong(others: number): number {
    const topics = new Topics(new EventEmitter(), {});
    void topics.subscribe(
      { ...subscriber },
      Array.from({ length: others }, (_, i) => `topic ${i}`),
    );
    const begin = process.cpuUsage();
    for (let i = 0; i < 40_000; i++) {
      void topics.subscribe(subscriber, 'a');
      topics.unsubscribe(subscriber, 'a');
    }
    const { user, system } = process.cpuUsage(begin);
    expect(topics.stats.topics).toEqual({ occupied: others, subscriptions: others });
    return (user + system) / 1000;
  }

  test('costs the same among many others as among few', () => {
    costAmong(10);
    expect(costAmong(30_000)).toBeLessThan(4 * costAmong(10) + 50);
  });

  test('is counted, told and forgotten as all others', () => {
    const told = { topicOccupied: 0, topicVacated: 0 };
    const emitter = new EventEmitter();
    emitter.on('topicOccupied', () => told.topicOccupied++);
    emitter.on('topicVacated', () => told.topicVacated++);
    const topics = new Topics(emitter, {});
    const names = Array.from({ length: 3_000 }, (_, i) => `topic ${i}`);
    for (let round = 1; round <= 2; round++) {
      void topics.subscribe(subscriber, names);
      expect(topics.stats.topics).toEqual({ occupied: 3_000, subscriptions: 3_000 });
      topics.unsubscribe(subscriber, names);
      expect(topics.stats.topics).toEqual({ occupied: 0, subscriptions: 0 });
      expect([topics.count('topic 2'), topics.count('topic 2999')]).toEqual([0, 0]);
      expect(topics.publish(['topic 2', 'topic 2999'], 'x', {}, undefined)).toBe(0);
      expect(told).toEqual({ topicOccupied: 3_000 * round, topicVacated: 3_000 * round });
    }
  });
});

test('an overflow function may unsubscribe each of many connections: no copy for each', () => {
  const COUNT = 10_000;
  const topics = new Topics(new EventEmitter(), {});
  const subscribers = Array.from({ length: COUNT }, () => {
    const subscriber = {
      readyState: WebSocket.OPEN,
      extension: undefined,
      connection: { limit: { send: () => leave(subscriber) } },
    } as unknown as Subscriber;
    return subscriber;
  });
  const leave = (subscriber: Subscriber): string => {
    topics.unsubscribe(subscriber, 'a');
    return 'dropped';
  };
  for (const subscriber of subscribers) void topics.subscribe(subscriber, 'a');
  const begin = process.cpuUsage();
  expect(topics.publish('a', 'x', {}, undefined)).toBe(0);
  const { user, system } = process.cpuUsage(begin);
  expect(topics.stats.topics).toEqual({ occupied: 0, subscriptions: 0 });
  expect((user + system) / 1000).toBeLessThan(1_000);
}, 60_000);
