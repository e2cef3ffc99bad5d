/** What arrives from an engine: several topics, changes of interest, and what no server has sent. */

import { describe, expect, test } from '@jest/globals';
import { time } from '../../../src/connection/time.js';
import WebSocket from '../../../src/index.js';
import { type Broker, type BrokerEvents, MemoryEngine } from '../../../src/topics/index.js';
import { turns } from '../../support/inbox.js';
import { useWarnings } from '../../support/process-events.js';
import { SeededRandom } from '../../support/random.js';
import { useScope } from '../../support/scope.js';
import { topicServer } from '../../support/topic-server.js';

const scope = useScope();
const warnings = useWarnings(scope);

/** A broker that the test drives: it keeps what is published, and delivers what the test gives it. */
function manual(overrides: Partial<Broker> = {}) {
  const published: { readonly topic: string; readonly data: Buffer }[] = [];
  let events: BrokerEvents | undefined;
  const broker: Broker = {
    start: (given) => {
      events = given;
    },
    subscribe: () => {},
    unsubscribe: () => {},
    publish: (topic, data) => {
      published.push({ topic, data: Buffer.from(data) });
    },
    close: () => {},
    ...overrides,
  };
  const deliver = (topic: string, data: unknown): void =>
    events?.message(topic, data as Uint8Array);
  return { broker, published, deliver };
}

async function node(overrides: Partial<Broker> = {}, options = {}) {
  const own = manual(overrides);
  const { server, join } = topicServer(scope(), { broker: own.broker, ...options });
  const errors: string[] = [];
  server.on('brokerError', (error) => errors.push(error.message));
  await turns();
  return { ...own, server, join, errors, member: await join() };
}

/** Two servers; the test carries the messages of the first one to the second. */
async function pair() {
  const [one, two] = [await node(), await node()];
  const carry = (only: (topic: string) => boolean = () => true): void => {
    for (const { topic, data } of one.published.splice(0)) {
      if (only(topic)) two.deliver(topic, data);
    }
  };
  return { one, two, carry };
}

describe('what is published to several topics', () => {
  test('takes bytes that grow with the number of topics, and not with its square', async () => {
    const { one } = await pair();
    const names = Array.from({ length: 2_000 }, (_, i) => `a topic with a name ${i}`);
    one.server.publish(names, 'x');
    expect(one.published).toHaveLength(names.length);
    const bytes = one.published.reduce((sum, { data }) => sum + data.length, 0);
    expect(bytes / names.length).toBeLessThan(64);
  });

  test('arrives once, although a topic is confirmed between two of its copies', async () => {
    const { one, two, carry } = await pair();
    await two.member.socket.subscribe('b');
    one.server.publish(['a', 'b'], 'x');
    await two.member.socket.subscribe('a');
    carry((topic) => topic === 'b');
    await turns();
    expect(two.member.received).toEqual(['x']);
  });

  test('arrives once, although a topic is given up between two of its copies', async () => {
    const { one, two } = await pair();
    await two.member.socket.subscribe(['a', 'b']);
    one.server.publish(['a', 'b'], 'x');
    const [first, second] = one.published;
    two.deliver('a', first?.data);
    two.member.socket.unsubscribe('a');
    two.deliver('b', second?.data);
    await turns();
    expect(two.member.received).toEqual(['x']);
    expect(two.server.stats().broker).toMatchObject({ received: 1 });
  });

  test('arrives once, although its copies are mixed with those of others', async () => {
    const { one, two } = await pair();
    const other = await two.join();
    await two.member.socket.subscribe(['a', 'b']);
    await other.socket.subscribe('b');
    for (let i = 0; i < 20; i++) one.server.publish(['a', 'b'], `${i}`);
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`);
    for (const wanted of ['a', 'b']) {
      for (const { topic, data } of one.published) if (topic === wanted) two.deliver(topic, data);
    }
    await turns();
    expect(two.member.received).toEqual(texts);
    expect(other.received).toEqual(texts);
  });
});

describe('what an engine gives that no server has sent', () => {
  test('as text that is no UTF-8, reaches no client', async () => {
    const { one, two, carry } = await pair();
    await two.member.socket.subscribe('a');
    one.server.publish('a', Buffer.from([0xff, 0xfe]), { binary: false });
    carry();
    one.server.publish('a', Buffer.from([0xff, 0xfe]), { binary: true });
    carry();
    await turns();
    expect(two.errors).toEqual(['A message of the topic a comes from another program']);
    expect(two.member.received).toHaveLength(1);
    expect(two.member.client.readyState).toBe(WebSocket.OPEN);
  });

  test.each<[string, unknown]>([
    ['a string', 'text'],
    ['nothing', undefined],
    ['an object', { data: 'x' }],
    ['an array', [1, 2, 3]],
  ])('as %s, is an error of the broker', async (_, data) => {
    const { deliver, member, errors } = await node();
    await member.socket.subscribe('a');
    expect(() => deliver('a', data)).not.toThrow();
    expect(errors.join()).toMatch(/^A broker must give messages as Uint8Array: .* came for a$/);
  });

  test('changed in any byte, or cut, harms nothing', async () => {
    const { one, two } = await pair();
    const random = new SeededRandom(7);
    await two.member.socket.subscribe(['a', 'b']);
    one.server.publish(['a', 'b'], 'text', { key: 'key', droppable: true, compress: false });
    one.server.publish('a', Buffer.from('bytes'), { droppable: false });
    for (const { data } of one.published) {
      for (let length = 0; length <= data.length; length++) {
        two.deliver('a', data.subarray(0, length));
      }
      for (let i = 0; i < 2_000; i++) {
        const changed = Buffer.from(data);
        for (let flips = random.integer(0, 3); flips >= 0; flips--) {
          const at = random.integer(0, changed.length - 1);
          changed[at] = (changed[at] ?? 0) ^ (1 << random.integer(0, 7));
        }
        two.deliver('a', changed);
      }
      await turns();
    }
    expect(two.member.client.readyState).toBe(WebSocket.OPEN);
    expect(two.member.socket.readyState).toBe(WebSocket.OPEN);
    expect(two.errors.every((message) => /comes from another program$/.test(message))).toBe(true);
  });

  test('during `start`, or after the server has closed, harms nothing', async () => {
    let events: BrokerEvents | undefined;
    const { server, errors } = await node({
      start: (given) => {
        events = given;
        given.message('a', Buffer.alloc(100));
        given.status(true);
      },
    });
    await new Promise<void>((done) => {
      for (const client of server.clients) client.terminate();
      server.close(() => done());
    });
    events?.message('a', Buffer.alloc(100));
    events?.status(false, new Error('late'));
    expect(errors).toEqual([]);
    expect(server.stats().broker?.isUp).toBe(false);
  });
});

test('a prepared message is sent as a message with the options that it was made with', async () => {
  const { server, published } = await node();
  for (const options of [{ compress: false }, { compress: true }, { binary: true }]) {
    server.publish('a', WebSocket.prepareMessage('x', options));
    server.publish('a', 'x', options);
  }
  const data = published.map((message) => message.data.toString('hex'));
  expect(data.filter((_, i) => i % 2 === 0)).toEqual(data.filter((_, i) => i % 2 === 1));
  expect(new Set(data).size).toBe(3);
});

describe('a listener of the errors of a broker', () => {
  const failing = (): never => {
    throw new Error('not now');
  };

  test.each<[string, Broker['publish']]>([
    ['throws', failing],
    ['rejects', async () => failing()],
  ])('may publish, although that %s each time', async (_, publish) => {
    const { server } = await node({ publish });
    let calls = 0;
    server.on('brokerError', () => {
      calls++;
      server.publish('alerts', 'the broker failed');
    });
    server.publish('a', 'x');
    await new Promise<void>((next) => time.setImmediate(next));
    expect(calls).toBeLessThan(5);
    await turns();
    server.removeAllListeners('brokerError');
  });

  test('that is missing, is warned of once in a while', async () => {
    const { server } = await node({ publish: failing });
    server.removeAllListeners('brokerError');
    for (let i = 0; i < 100; i++) server.publish('a', 'x');
    await turns();
    expect(warnings('WS6455_CALLBACK_ERROR')).toHaveLength(1);
    expect(server.stats().broker).toMatchObject({ lost: 100 });
  });
});

test('an overflow function that throws keeps the message from no other server', async () => {
  const options = {
    maxBufferedAmount: 1000,
    overflow: () => {
      throw new Error('by the program');
    },
  };
  const { server, member, published } = await node({}, options);
  await member.socket.subscribe('a');
  member.client.pause();
  member.socket.send('f'.repeat(100_000));
  await turns();
  expect(() => server.publish('a', 'x')).toThrow('by the program');
  expect(published).toHaveLength(1);
  member.socket.terminate();
});

test('data is read once', async () => {
  let reads = 0;
  const { server, published } = await node();
  server.publish('a', {
    valueOf: () => {
      reads++;
      return 'x';
    },
  });
  expect([reads, published.length]).toEqual([1, 1]);
});

test('a server without tracking of clients resolves `subscribe` after `close`', async () => {
  const { server, member } = await node(
    { subscribe: () => new Promise(() => {}) },
    {
      clientTracking: false,
    },
  );
  const before = member.socket.subscribe('a');
  await new Promise<void>((done) => server.close(() => done()));
  await before;
  await member.socket.subscribe('b');
  expect(server.publish('b', 'x')).toBe(1);
  member.socket.terminate();
});

test('the engine in memory does the same as the test', async () => {
  const engine = new MemoryEngine();
  const servers = [0, 1].map(() => topicServer(scope(), { broker: engine.broker() }));
  await turns();
  const members = await Promise.all(servers.map(({ join }) => join()));
  await members[1]?.socket.subscribe(['a', 'b', 'c']);
  servers[0]?.server.publish(['a', 'b', 'c', 'a'], 'x');
  await turns();
  expect(members[1]?.received).toEqual(['x']);
});
