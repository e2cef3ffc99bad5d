/** Servers that share topics with a history: outages, gaps, and what waits. */

import { describe, expect, test } from '@jest/globals';
import { type Broker, MemoryEngine, type TopicPosition } from '../../../src/topics/index.js';
import { useClock } from '../../support/clock.js';
import { turns } from '../../support/inbox.js';
import { MIB, memoryInUse } from '../../support/memory.js';
import { useScope } from '../../support/scope.js';
import { topicServer } from '../../support/topic-server.js';

const scope = useScope();
const clock = useClock();

const MAX_RETRY_DELAY = 1_000;
const LINGER = 5_000;
const SWEEP_INTERVAL = 10_000;
const limits = { size: 5, ttl: 60_000 };
const topics = { a: { history: limits }, b: { history: limits } };

/** What a test changes about a broker. */
interface Changes extends Partial<Omit<Broker, 'history'>> {
  readonly history?: Partial<Broker['history']>;
  /** Messages that do not arrive, by their offsets. */
  readonly lost?: Set<number>;
}

function changed(broker: Broker, { history, lost, ...methods }: Changes): Broker {
  return {
    ...broker,
    start: (events) =>
      broker.start({
        ...events,
        message: (topic, data, position) => {
          if (!lost?.has(position?.offset ?? 0)) events.message(topic, data, position);
        },
      }),
    ...methods,
    history: Object.assign({}, broker.history, history),
  };
}

/** A server with a connection that is subscribed to `a`. */
async function node(engine: MemoryEngine, changes: Changes = {}) {
  const broker = changed(engine.broker(), changes);
  const { server, join } = topicServer(scope(), { broker, topics });
  const told: string[] = [];
  server.on('topicGap', (topic, { offset }) => told.push(`gap ${topic} ${offset}`));
  server.on('brokerError', (error) => told.push(error.message));
  const { socket, received } = await join();
  await socket.subscribe('a');
  return { server, join, socket, received, told };
}

async function twoNodes(changes?: Changes) {
  const engine = new MemoryEngine();
  return { engine, one: await node(engine), two: await node(engine, changes) };
}

/** The engine is there again, and so is everything after it. */
async function comeBack(engine: MemoryEngine): Promise<void> {
  engine.restart();
  await pass();
}

async function pass(milliseconds = 2 * MAX_RETRY_DELAY): Promise<void> {
  clock.advance(milliseconds);
  await turns();
}

describe('while the engine is away', () => {
  test('messages reach the own subscribers, and the others later, in order and once', async () => {
    const { engine, one, two } = await twoNodes();
    clock.stop();
    one.server.publish('a', '1');
    await turns();
    engine.stop();
    for (const text of ['2', '3']) expect(one.server.publish('a', text)).toBe(1);
    two.server.publish('a', '4');
    await pass();
    expect([one.received, two.received]).toEqual([
      ['1', '2', '3'],
      ['1', '4'],
    ]);
    expect(one.server.stats().broker).toMatchObject({ waiting: 2, published: 1, lost: 0 });
    await comeBack(engine);
    expect(one.received).toEqual(['1', '2', '3', '4']);
    expect(two.received).toEqual(['1', '4', '2', '3']);
    expect(one.server.stats().broker).toMatchObject({ waiting: 0, published: 3, lost: 0, gaps: 0 });
  });

  test('a server that lost only its subscriptions gets what it missed', async () => {
    const { engine, one, two } = await twoNodes({ lost: new Set([2, 3]) });
    clock.stop();
    for (const text of ['1', '2', '3']) one.server.publish('a', text);
    await turns();
    expect(two.received).toEqual(['1']);
    engine.stop();
    await comeBack(engine);
    expect(two.received).toEqual(['1', '2', '3']);
    expect(two.server.stats().broker).toMatchObject({ recovered: 2, gaps: 0 });
  });

  test('`since` is rejected; `position` is what the subscribers have', async () => {
    const { engine, one, two } = await twoNodes();
    clock.stop();
    one.server.publish('a', '1');
    await turns();
    engine.stop();
    const unreachable = /^The history of topics is not reachable/;
    await expect(one.server.since('a', undefined)).rejects.toThrow(unreachable);
    await expect(one.server.position('b')).rejects.toThrow(unreachable);
    expect(await two.server.position('a')).toMatchObject({ offset: 1 });
  });

  test('a bounded number of messages waits; others are lost, and one error says so', async () => {
    const { engine, one, two } = await twoNodes();
    clock.stop();
    engine.stop();
    for (let i = 0; i < 10_020; i++) one.server.publish('a', `${i}`);
    expect(one.server.stats().broker).toMatchObject({ waiting: 10_000, lost: 20 });
    const [, full, ...others] = one.told;
    expect(full).toMatch(/10000 messages wait, and one is lost/);
    expect(others).toEqual([]);
    engine.restart();
    for (let i = 0; i < 20; i++) await pass();
    await drained(one.server);
    await turns();
    expect(two.received.at(-1)).toBe('9999');
    expect(one.server.stats().broker).toMatchObject({ waiting: 0, lost: 20, published: 10_000 });
  });

  test('a bounded number of bytes waits', async () => {
    const { engine, one } = await twoNodes();
    clock.stop();
    engine.stop();
    const megabyte = Buffer.alloc(1 << 20);
    for (let i = 0; i < 20; i++) one.server.publish('a', megabyte);
    expect(one.server.stats().broker).toMatchObject({ waiting: 15, lost: 5 });
  });

  test('what waits longer than its `ttl` is lost, and an error says so', async () => {
    const { engine, one, two } = await twoNodes();
    clock.stop();
    engine.stop();
    one.server.publish('a', 'old');
    clock.advance(limits.ttl - 1);
    one.server.publish('a', 'new');
    clock.advance(1);
    await comeBack(engine);
    expect(two.received).toEqual(['new']);
    expect(one.told.at(-1)).toMatch(/1 messages of the topic a waited longer than its ttl/);
    expect(one.server.stats().broker).toMatchObject({ waiting: 0, lost: 1 });
  });
});

/** What waits is handed over one by one. */
async function drained(server: { stats(): { broker?: { waiting: number } } }): Promise<void> {
  while (server.stats().broker?.waiting) await turns();
}

describe('a message that did not arrive', () => {
  test('is delivered before the next one', async () => {
    const { one, two } = await twoNodes({ lost: new Set([2, 3]) });
    for (const text of ['1', '2', '3', '4', '5']) one.server.publish('a', text);
    await turns(20);
    expect(two.received).toEqual(['1', '2', '3', '4', '5']);
    expect(two.told).toEqual([]);
  });

  test('keeps later ones waiting, and the position where it was', async () => {
    const answers: (() => void)[] = [];
    const engine = new MemoryEngine();
    const { history } = engine.broker();
    const one = await node(engine);
    const two = await node(engine, {
      lost: new Set([2]),
      history: {
        since: async (topic, position) => {
          await new Promise<void>((go) => answers.push(go));
          return history?.since(topic, position) as never;
        },
      },
    });
    for (const text of ['1', '2', '3', '4']) one.server.publish('a', text);
    await turns(20);
    expect(two.received).toEqual(['1']);
    expect(await two.server.position('a')).toMatchObject({ offset: 1 });
    answers[0]?.();
    await turns();
    expect(two.received).toEqual(['1', '2', '3', '4']);
    expect(answers).toHaveLength(1);
  });

  test('and is not kept any more is a gap; later ones are delivered', async () => {
    const lost = new Set([1, 2, 3, 4, 5, 6, 7, 8]);
    const { one, two } = await twoNodes({ lost });
    for (let i = 1; i <= 10; i++) one.server.publish('a', `${i}`);
    await turns(20);
    expect([two.received, two.told]).toEqual([['9', '10'], [expect.stringMatching(/^gap a /)]]);
    expect(await two.server.position('a')).toMatchObject({ offset: 10 });
  });

  test('because the history has failed again and again is a gap', async () => {
    const since = async (): Promise<never> => {
      throw new Error('no history');
    };
    const { one, two } = await twoNodes({ lost: new Set([2]), history: { since } });
    clock.stop();
    for (const text of ['1', '2', '3']) one.server.publish('a', text);
    for (let i = 0; i < 10; i++) await pass();
    expect(two.received).toEqual(['1', '3']);
    expect(two.told).toEqual([...new Array(5).fill('no history'), 'gap a 2']);
    one.server.publish('a', '4');
    await turns();
    expect(two.received).toEqual(['1', '3', '4']);
  });
});

describe('a message that the engine refuses', () => {
  test('is given up after some time, and stops no other topic', async () => {
    const engine = new MemoryEngine();
    const { history } = engine.broker();
    const publish: NonNullable<typeof history>['publish'] = async (topic, data, options) => {
      if (data.length > 1000) throw new Error('too large');
      return history?.publish(topic, data, options) as never;
    };
    const one = await node(engine, { history: { publish } });
    const two = await node(engine);
    await two.socket.subscribe('b');
    clock.stop();
    one.server.publish('a', 'x'.repeat(1000));
    one.server.publish('a', 'small');
    await turns();
    for (let i = 0; i < 5; i++) one.server.publish('b', `${i}`);
    await turns(20);
    expect(two.received).toEqual(['0', '1', '2', '3', '4']);
    for (let i = 0; i < 20; i++) await pass();
    expect(two.received.at(-1)).toBe('small');
    expect(one.told.at(-1)).toMatch(/one of the topic a was refused 20 times/);
    expect(one.server.stats().broker).toMatchObject({ lost: 1, waiting: 0 });
  });

  test.each<[string, object]>([
    ['publish', { publish: async () => undefined }],
    ['position', { position: async () => undefined }],
    ['since', { since: async () => undefined }],
    ['since without messages', { since: async () => ({ complete: true }) }],
  ])('harms no caller: nonsense of %s', async (_, history) => {
    clock.stop();
    const engine = new MemoryEngine();
    const one = await node(engine);
    const { server, join } = topicServer(scope(), {
      broker: changed(engine.broker(), { history, lost: new Set([2]) }),
      topics,
    });
    server.on('brokerError', () => {});
    const { socket, received } = await join();
    void socket.subscribe('a');
    for (let i = 0; i < 6; i++) await pass();
    server.publish('a', 'own');
    for (const text of ['1', '2', '3']) one.server.publish('a', text);
    for (let i = 0; i < 6; i++) await pass();
    expect([received[0], received.at(-1)]).toEqual(['own', '3']);
  });
});

describe('an engine that lost its history', () => {
  test('causes one gap, and what it has is delivered', async () => {
    const { engine, one, two } = await twoNodes();
    clock.stop();
    one.server.publish('a', '1');
    await turns();
    const before = await two.server.position('a');
    engine.stop();
    engine.forget();
    one.server.publish('a', '2');
    await comeBack(engine);
    one.server.publish('a', '3');
    await turns();
    expect(two.received).toEqual(['1', '2', '3']);
    expect(two.told.filter((text) => text.startsWith('gap'))).toHaveLength(1);
    expect(await two.server.since('a', before)).toMatchObject({ complete: false, messages: [] });
    expect(two.server.stats().broker).toMatchObject({ gaps: 1 });
  });

  test('of a topic that was quiet for its `ttl` causes none', async () => {
    clock.stop();
    const { one, two } = await twoNodes();
    one.server.publish('a', '1');
    await turns();
    await pass(limits.ttl + SWEEP_INTERVAL);
    one.server.publish('a', '2');
    await turns();
    expect(two.received).toEqual(['1', '2']);
    expect(two.told).toEqual([]);
    expect(await two.server.position('a')).toMatchObject({ offset: 1 });
  });

  test('does not lose it while a server asks for the position', async () => {
    clock.stop();
    const { one, two } = await twoNodes();
    one.server.publish('a', '1');
    await turns();
    const before = await two.server.position('a');
    for (let i = 0; i < 10; i++) {
      await pass(limits.ttl / 2 + 1);
      await two.server.position('a');
      await turns();
    }
    expect(await two.server.since('a', before)).toMatchObject({ complete: true, messages: [] });
  });
});

describe('the position', () => {
  test('is not ahead of the own message that has not come back', async () => {
    const { one, two } = await twoNodes();
    const start = await one.server.position('a');
    one.server.publish('a', 'own');
    expect(await one.server.position('a')).toEqual(start);
    await turns();
    expect(await one.server.position('a')).toEqual({ ...start, offset: 1 });
    expect([one.received, two.received]).toEqual([['own'], ['own']]);
  });

  test('of a topic without subscribers here is that of the engine', async () => {
    const { one, two } = await twoNodes();
    one.server.publish('b', '1');
    await turns();
    expect(await two.server.position('b')).toMatchObject({ offset: 1 });
  });

  test('is known when the promise of `subscribe` is resolved', async () => {
    const engine = new MemoryEngine();
    const one = await node(engine);
    one.server.publish('b', '1');
    await turns();
    const answers: ((position: TopicPosition) => void)[] = [];
    const two = await node(engine, {
      history: { position: (topic) => later(topic === 'b', answers) },
    });
    let isDone = false;
    const done = two.socket.subscribe('b').then(() => {
      isDone = true;
    });
    const position = two.server.position('b');
    await turns();
    expect(isDone).toBe(false);
    answers[0]?.({ epoch: 'e', offset: 7 });
    await done;
    expect(await position).toEqual({ epoch: 'e', offset: 7 });
  });

  test('moves although the engine does not send a server its own messages', async () => {
    const { one, two } = await twoNodes({ lost: new Set([1, 2]) });
    two.server.publish('a', '1');
    two.server.publish('a', '2');
    await turns(20);
    expect(await two.server.position('a')).toMatchObject({ offset: 2 });
    one.server.publish('a', '3');
    await turns();
    expect([two.received, two.server.stats().broker?.recovered]).toEqual([['1', '2', '3'], 0]);
  });
});

async function later(
  isLate: boolean,
  answers: ((position: TopicPosition) => void)[],
): Promise<TopicPosition> {
  if (!isLate) return { epoch: 'e', offset: 0 };
  return new Promise((resolve) => answers.push(resolve));
}

describe('since', () => {
  test('has what this server published before, although the engine has not confirmed it', async () => {
    const { one } = await twoNodes();
    const start = await one.server.position('a');
    one.server.publish('a', '1');
    one.server.publish('a', Buffer.from('2'));
    const { complete, messages, position } = await one.server.since('a', start);
    expect({ complete, messages }).toEqual({
      complete: true,
      messages: [
        { data: '1', isBinary: false, offset: 1 },
        { data: Buffer.from('2'), isBinary: true, offset: 2 },
      ],
    });
    expect(position).toEqual({ ...start, offset: 2 });
  });

  test('has the messages of all servers, at each of them', async () => {
    const { one, two } = await twoNodes();
    const start = await one.server.position('a');
    one.server.publish('a', '1');
    await turns();
    two.server.publish(['b', 'a'], '2');
    await turns();
    for (const { server } of [one, two]) {
      const { messages } = await server.since('a', start);
      expect(messages.map(({ data }) => data)).toEqual(['1', '2']);
    }
  });
});

describe('the end', () => {
  test('of the last subscription, while messages are asked for, delivers nothing more', async () => {
    const answers: (() => void)[] = [];
    const engine = new MemoryEngine();
    clock.stop();
    const one = await node(engine);
    const since = () =>
      new Promise<never>((go) => answers.push(() => go({ complete: true, messages: [] } as never)));
    const two = await node(engine, { lost: new Set([1]), history: { since } });
    one.server.publish('a', '1');
    one.server.publish('a', '2');
    await turns();
    two.socket.unsubscribe('a');
    await pass(LINGER);
    expect(engine.subscribers('a')).toBe(1);
    answers[0]?.();
    await turns();
    expect([answers.length, two.received, two.told]).toEqual([1, [], []]);
  });

  test('of many topics leaves no memory', async () => {
    const COUNT = 2_000;
    clock.stop();
    const engine = new MemoryEngine();
    const { join } = topicServer(scope(), {
      broker: engine.broker(),
      topics: () => ({ history: limits }),
    });
    const { socket } = await join();
    const names = Array.from({ length: COUNT }, (_, i) => `topic ${i}`);
    const churn = async (): Promise<void> => {
      await socket.subscribe(names);
      for (const each of names) socket.publish(each, 'x');
      await turns(30);
      socket.unsubscribe(names);
      clock.advance(limits.ttl + SWEEP_INTERVAL);
      await turns();
    };
    await churn();
    const before = await memoryInUse();
    for (let i = 0; i < 3; i++) await churn();
    expect((await memoryInUse()) - before).toBeLessThan(MIB);
  }, 60_000);

  test('of a server hands over what waits', async () => {
    const { one, two } = await twoNodes();
    for (const text of ['1', '2', '3']) one.server.publish('a', text);
    one.socket.terminate();
    one.server.close();
    await turns(30);
    expect(two.received).toEqual(['1', '2', '3']);
    await expect(one.server.since('a', undefined)).rejects.toThrow(/not reachable/);
  });

  test('leaves no timer', async () => {
    clock.stop();
    const engine = new MemoryEngine();
    const { server, socket } = await node(engine);
    engine.stop();
    server.publish('a', '1');
    engine.restart();
    socket.terminate();
    await new Promise<void>((done) => server.close(() => done()));
    await turns();
    engine.forget();
    expect(clock.timerCount).toBe(0);
  });
});
