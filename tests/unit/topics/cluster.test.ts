/** `cluster()` and `primary()` over channels in memory: what is sent, how much, and what happens at the limits. */

import { describe, expect, test } from '@jest/globals';
import type { TopicPosition } from '../../../src/server/broker.js';
import { ClusterBroker, type ClusterOptions } from '../../../src/topics/cluster-broker.js';
import { ClusterHub } from '../../../src/topics/cluster-hub.js';
import { cluster, primary, testBroker } from '../../../src/topics/index.js';
import { useClock } from '../../support/clock.js';
import { PrimaryEmitter, type WorkerPair } from '../../support/cluster-pair.js';
import { turns } from '../../support/inbox.js';
import { uncaught } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const clock = useClock();

const MAX_QUEUED_BYTES = 10_000;
const HELLO_INTERVAL = 500;
const LIMITS = { size: 3, ttl: 60_000 };
const PUBLISHER = 'a'.repeat(32);

/** A broker, and what it heard. */
function listen(pair: WorkerPair, options?: ClusterOptions) {
  const broker = new ClusterBroker(pair.worker, options);
  const received: string[] = [];
  const positions: (TopicPosition | undefined)[] = [];
  const statuses: string[] = [];
  const started = async (): Promise<void> =>
    broker.start({
      message: (topic, data, position) => {
        received.push(`${topic} ${Buffer.from(data)}`);
        positions.push(position);
      },
      status: (isUp, error) => statuses.push(isUp ? 'up' : `${error?.message}`),
    });
  return { ...pair, broker, received, positions, statuses, started };
}

async function open(pair: WorkerPair, topics: string[] = []) {
  const one = listen(pair);
  await one.started();
  if (topics.length > 0) await one.broker.subscribe(topics);
  return one;
}

function startHub(maxQueuedBytes = MAX_QUEUED_BYTES) {
  const emitter = new PrimaryEmitter();
  return { emitter, hub: new ClusterHub(emitter, maxQueuedBytes) };
}

const text = (value: string) => Buffer.from(value);

describe.each([
  ['JSON', false],
  ['bytes', true],
])('over a channel of %s', (_, isAdvanced) => {
  test('it is a broker', async () => {
    const { emitter } = startHub(1 << 24);
    const pair = emitter.fork({ isAdvanced });
    await testBroker(() => new ClusterBroker(pair.worker));
  });

  test('messages of one turn leave in one, in their order', async () => {
    const { emitter } = startHub();
    const [one, two] = [emitter.fork({ isAdvanced }), emitter.fork({ isAdvanced })];
    const [publisher, subscriber] = [await open(one), await open(two, ['a', 'b'])];
    const before = [one.worker.sent.length, two.child.sent.length];
    for (const topic of ['a', 'b', 'none', 'a']) publisher.broker.publish(topic, text(`${topic}!`));
    await turns();
    expect([one.worker.sent.length, two.child.sent.length]).toEqual(before.map((n) => n + 1));
    expect(subscriber.received).toEqual(['a a!', 'b b!', 'a a!']);
  });

  test('the first worker that is able to read bytes does not decide for the other', async () => {
    const { emitter } = startHub();
    const publisher = await open(emitter.fork({ isAdvanced }));
    const subscriber = await open(emitter.fork({ isAdvanced: !isAdvanced }), ['a']);
    publisher.broker.publish('a', text('x'));
    await turns();
    expect(subscriber.received).toEqual(['a x']);
  });

  test('a history numbers messages, and ignores repetitions', async () => {
    const { emitter } = startHub();
    const one = await open(emitter.fork({ isAdvanced }), ['a']);
    const two = await open(emitter.fork({ isAdvanced }), ['a']);
    const append = (body: string, sequence: number) =>
      one.broker.history.publish('a', text(body), { ...LIMITS, publisher: PUBLISHER, sequence });
    const start = await two.broker.history.position('a', LIMITS);
    const [first, second] = await Promise.all([append('x', 1), append('y', 2)]);
    expect(await append('y', 2)).toEqual(second);
    await turns();
    expect([one.received, two.received]).toEqual([
      ['a x', 'a y'],
      ['a x', 'a y'],
    ]);
    expect(two.positions).toEqual([first, second]);
    expect([start.offset, first?.offset, second?.offset]).toEqual([0, 1, 2]);
    const { messages, ...found } = await two.broker.history.since('a', start, LIMITS);
    expect(found).toEqual({ complete: true, position: second });
    expect(messages.map(({ data, offset }) => `${offset} ${Buffer.from(data)}`)).toEqual([
      '1 x',
      '2 y',
    ]);
    await append('z', 3);
    await append('w', 4);
    expect(await two.broker.history.since('a', start)).toMatchObject({ complete: false });
  });
});

describe('a worker that does not read', () => {
  async function overflow() {
    const { emitter, hub } = startHub();
    const publisher = await open(emitter.fork(), ['own']);
    const slow = await open(emitter.fork(), ['a']);
    slow.child.isStopped = true;
    const body = text('x'.repeat(1000));
    for (let i = 0; i < 20; i++) {
      publisher.broker.publish('a', body);
      await turns(2);
      expect(hub.stats.queuedBytes).toBeLessThanOrEqual(MAX_QUEUED_BYTES);
    }
    return { hub, publisher, slow };
  }

  test('is forgotten when too much waits, and begins again', async () => {
    const { hub, publisher, slow } = await overflow();
    expect(hub.stats).toMatchObject({ brokers: 1, topics: 1, queuedBytes: 0 });
    expect(hub.stats.lost).toBeGreaterThan(5);
    const lost = slow.broker.subscribe(['b']);
    slow.child.resume();
    await expect(lost).rejects.toThrow('The worker was too slow: messages for it were dropped');
    await turns(6);
    expect(slow.statuses).toEqual(['The worker was too slow: messages for it were dropped', 'up']);
    expect(hub.stats).toMatchObject({ brokers: 2, topics: 1 });
    await slow.broker.subscribe(['a']);
    slow.received.length = 0;
    publisher.broker.publish('a', text('again'));
    await turns();
    expect(slow.received).toEqual(['a again']);
  });

  test('gets answers to its questions one after the other', async () => {
    const { emitter } = startHub(1 << 20);
    const one = await open(emitter.fork());
    const position = await one.broker.history.position('a', LIMITS);
    const body = text('x'.repeat(1000));
    const options = { ...LIMITS, publisher: PUBLISHER };
    await one.broker.history.publish('a', body, { ...options, sequence: 1 });
    one.child.isStopped = true;
    const sent = one.child.sent.length;
    const answers = Array.from({ length: 50 }, () => one.broker.history.since('a', position));
    await turns(10);
    expect(one.child.sent.length - sent).toBe(1);
    one.child.resume();
    for (const answer of answers) expect(await answer).toMatchObject({ complete: true });
  });
});

describe('a primary process that does not read', () => {
  test('costs a bounded memory: what is published beyond it throws', async () => {
    const { emitter } = startHub();
    const one = listen(emitter.fork(), { maxQueuedBytes: MAX_QUEUED_BYTES });
    await one.started();
    one.worker.isStopped = true;
    const publish = (): void => one.broker.publish('a', text('x'.repeat(1000)));
    publish();
    await turns(1); // it is being written
    for (let i = 0; i < 7; i++) publish();
    expect(publish).toThrow(/^Too much waits for the primary process: \d+ bytes; see maxQueuedB/);
    await expect(one.broker.subscribe(['x'.repeat(9_000)])).rejects.toThrow(/^Too much waits/);
    one.worker.resume();
    await turns();
    expect(publish).not.toThrow();
  });

  test('a message larger than the bound is sent if it is alone', async () => {
    const { emitter } = startHub();
    const one = await open(emitter.fork());
    const two = await open(emitter.fork(), ['a']);
    one.broker.publish('a', Buffer.alloc(2 * MAX_QUEUED_BYTES));
    await turns();
    expect(two.received.length).toBe(1);
  });
});

describe('the start', () => {
  test('is repeated, and fails in the end, while primary() is not called', async () => {
    clock.stop();
    const emitter = new PrimaryEmitter();
    const one = listen(emitter.fork(), { timeout: 1_200 });
    const started = one.started();
    started.catch(() => {});
    clock.advance(HELLO_INTERVAL * 3);
    await expect(started).rejects.toThrow(
      'The primary process did not answer within 1200 ms. Is primary() of ws6455/topics called there?',
    );
    expect(one.worker.sent.length).toBe(3);
    expect(() => one.broker.publish('a', text('x'))).toThrow(/is not reachable/);
    const again = one.started();
    new ClusterHub(emitter, MAX_QUEUED_BYTES);
    clock.advance(HELLO_INTERVAL);
    await again;
    expect([clock.timerCount, one.worker.listenerCount('message')]).toEqual([0, 1]);
  });

  test('fails for another version', async () => {
    const emitter = new PrimaryEmitter();
    const pair = emitter.fork();
    emitter.on('message', (_, { ws6455 }: { ws6455: string }) => {
      pair.child.send({ ws6455, hello: {}, version: 0 }, () => {});
    });
    await expect(listen(pair).started()).rejects.toThrow(/another version of ws6455/);
  });

  test('fails for a worker that is disconnected', async () => {
    const pair = new PrimaryEmitter().fork();
    const one = listen(pair);
    const started = one.started();
    pair.disconnect();
    await expect(started).rejects.toThrow('The worker is disconnected from its primary process');
    await expect(one.started()).rejects.toThrow(/is disconnected/);
    expect(one.statuses).toEqual([]);
  });
});

describe('the end', () => {
  test('of a worker takes all of its brokers along', async () => {
    const { emitter, hub } = startHub();
    const pair = emitter.fork();
    const [one, two] = [await open(pair, ['a', 'b']), await open(pair, ['b'])];
    expect(hub.stats).toMatchObject({ brokers: 2, topics: 2 });
    const pending = one.broker.history.position('a');
    pair.disconnect();
    await expect(pending).rejects.toThrow(/is disconnected/);
    for (const { statuses } of [one, two]) {
      expect(statuses).toEqual(['The worker is disconnected from its primary process']);
    }
    emitter.emit('exit', pair.child);
    expect(hub.stats).toEqual({ brokers: 0, topics: 0, queuedBytes: 0, lost: 0 });
    expect(pair.worker.eventNames()).toEqual([]);
  });

  test('of a broker leaves the others of its worker, and sends what was published before', async () => {
    const { emitter, hub } = startHub();
    const pair = emitter.fork();
    const [one, two] = [await open(pair, ['a']), await open(pair, ['a'])];
    one.broker.publish('a', text('last'));
    const options = { ...LIMITS, publisher: PUBLISHER, sequence: 1 };
    const stored = one.broker.history.publish('a', text('kept'), options);
    await Promise.all([one.broker.close(), one.broker.close()]);
    expect((await stored).offset).toBe(1);
    await turns();
    expect([one.received, two.received]).toEqual([[], ['a last', 'a kept']]);
    expect(hub.stats).toMatchObject({ brokers: 1, topics: 1 });
    await two.broker.close();
    expect(pair.worker.eventNames()).toEqual([]);
  });

  test('of a broker waits a second for answers', async () => {
    const { emitter } = startHub();
    const one = await open(emitter.fork());
    clock.stop();
    one.worker.isStopped = true;
    const question = one.broker.history.position('a');
    question.then(null, () => {});
    const closed = one.broker.close();
    clock.advance(1_000);
    await closed;
    await expect(question).rejects.toThrow('The broker was closed');
  });

  test('of the hub is told to the workers, which look for another one', async () => {
    clock.stop();
    const { emitter, hub } = startHub();
    const one = await open(emitter.fork(), ['a']);
    hub.close();
    await turns();
    expect(one.statuses).toEqual(['primary() was closed']);
    const next = new ClusterHub(emitter, MAX_QUEUED_BYTES);
    clock.advance(HELLO_INTERVAL);
    await turns();
    expect(one.statuses).toEqual(['primary() was closed', 'up']);
    expect(next.stats).toMatchObject({ brokers: 1, topics: 0 });
  });
});

test('messages of other programs are ignored', async () => {
  const { emitter, hub } = startHub();
  const one = await open(emitter.fork(), ['a']);
  for (const message of [
    null,
    'text',
    7,
    {},
    { ws6455: 1 },
    { ws6455: 'another' },
    { ws6455: 'another', list: null },
  ]) {
    emitter.emit('message', one.child, message);
    one.worker.emit('message', message);
  }
  expect(hub.stats).toMatchObject({ brokers: 1, topics: 1 });
});

test('an exception of the program takes no later message along', async () => {
  const { emitter } = startHub();
  const publisher = await open(emitter.fork());
  const two = new ClusterBroker(emitter.fork().worker);
  const received: string[] = [];
  const thrown = uncaught(scope());
  await two.start({
    message: (_, data) => {
      received.push(`${Buffer.from(data)}`);
      if (received.length === 1) throw new Error('by the program');
    },
    status: () => {},
  });
  await two.subscribe(['a']);
  for (const body of ['1', '2']) publisher.broker.publish('a', text(body));
  await turns();
  expect(received).toEqual(['1', '2']);
  expect(thrown).toEqual([new Error('by the program')]);
});

describe('in a process of the wrong kind, or with a wrong option', () => {
  test('cluster() says what to do', () => {
    expect(() => cluster()).toThrow(/^cluster\(\) needs a worker of node:cluster.*primary\(\)/);
    expect(() => cluster({ timeout: -1 })).toThrow(RangeError);
    expect(() => primary({ maxQueuedBytes: {} as number })).toThrow(TypeError);
  });

  test('primary() is shared by all that call it', () => {
    const [first, second] = [primary({ maxQueuedBytes: 5 }), primary()];
    expect(() => primary({ maxQueuedBytes: 6 })).toThrow(/^primary\(\) was called before with/);
    first.close();
    first.close();
    expect(second.stats().brokers).toBe(0);
    second.close();
    primary({ maxQueuedBytes: 6 }).close();
  });
});
