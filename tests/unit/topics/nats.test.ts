/** The broker for NATS, with a client that a test controls. */

import { describe, expect, test } from '@jest/globals';
import { WebSocketServer } from '../../../src/index.js';
import {
  type Broker,
  type NatsOptions,
  nats,
  type TopicPosition,
} from '../../../src/topics/index.js';
import { useClock } from '../../support/clock.js';
import { FakeNats } from '../../support/fake-nats.js';
import { turns } from '../../support/inbox.js';
import { useWarnings } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const clock = useClock();
const warnings = useWarnings(scope);

const PING_INTERVAL = 5_000;
const PONG_TIMEOUT = 3_000;
const MAX_UNREAD = 64 << 20;

interface Started {
  readonly fake: FakeNats;
  readonly broker: Broker;
  readonly told: string[];
  readonly received: [topic: string, text: string, position?: TopicPosition][];
  readonly events: Parameters<Broker['start']>[0];
}

function create(fake = new FakeNats()): Started {
  const broker = nats({ connection: fake, prefix: 'p' });
  const told: string[] = [];
  const received: Started['received'] = [];
  const events: Started['events'] = {
    message: (topic, data, position) => {
      const text = Buffer.from(data).toString();
      received.push(position === undefined ? [topic, text] : [topic, text, position]);
    },
    status: (isUp, error) => told.push(`${isUp ? 'up' : 'down'}: ${error?.message}`),
  };
  scope().later(() => broker.close());
  return { fake, broker, told, received, events };
}

async function start(): Promise<Started> {
  const started = create();
  await started.broker.start(started.events);
  return started;
}

describe('messages', () => {
  test('of subscribed topics are delivered, each topic by one subscription', async () => {
    const { fake, broker, received } = await start();
    await broker.subscribe(['a b', 'c']);
    await broker.subscribe(['a b']);
    fake.deliver('p.a%20b', 'x');
    fake.deliver('p.c', 'y');
    fake.deliver('p.none', 'z');
    expect(received).toEqual([
      ['a b', 'x'],
      ['c', 'y'],
    ]);
    await broker.unsubscribe(['a b', 'never']);
    expect([...fake.subscriptions].map(({ subject }) => subject)).toEqual(['p.c']);
  });

  test('are published to the subject of their topic', async () => {
    const { fake, broker } = await start();
    await broker.publish('a b', Buffer.from('x'));
    expect(fake.published).toEqual([['p.a%20b', 'x']]);
  });

  test('that JetStream has stored come with their position', async () => {
    const { fake, broker, received } = await start();
    await broker.subscribe(['a']);
    const epoch = '0123456789abcdef';
    const headers = { 'Nats-Subject': `p.%history.${epoch}.a`, 'Nats-Sequence': '7' };
    fake.deliver('p.a', 'x', headers);
    fake.deliver('p.a', 'y', { ...headers, 'Nats-Subject': 'orders.a' });
    fake.deliver('p.a', 'z', { Trace: '1' });
    expect(received).toEqual([
      ['a', 'x', { epoch, offset: 7 }],
      ['a', 'y'],
      ['a', 'z'],
    ]);
  });

  test('above max_payload are refused with a reason, and the connection stays', async () => {
    const { fake, broker } = await start();
    fake.info = { max_payload: 10 };
    expect(() => broker.publish('a', new Uint8Array(11))).toThrow(
      'A message of 11 bytes is too long for NATS: max_payload of the server is 10',
    );
    await broker.publish('a', new Uint8Array(10));
    expect(fake.published).toHaveLength(1);
  });

  test('that the server does not read fill a bounded memory only', async () => {
    const { fake, broker } = await start();
    fake.answers = false;
    const megabyte = new Uint8Array(1 << 20);
    for (let i = 0; i < 64; i++) await broker.publish('a', megabyte);
    expect(() => broker.publish('a', megabyte)).toThrow(
      `The NATS server has not read ${MAX_UNREAD} bytes: a message was not sent`,
    );
    fake.answer();
    await turns();
    await broker.publish('a', megabyte);
    await turns();
    for (let i = 0; i < 64; i++) {
      await broker.publish('a', megabyte);
      await turns(1);
    }
  });
});

describe('a subscription', () => {
  test('is confirmed by one answer of the server for a batch', async () => {
    const { fake, broker } = await start();
    fake.answers = false;
    const before = fake.flushes;
    let isDone = false;
    const topics = Array.from({ length: 512 }, (_, i) => `t${i}`);
    const confirmed = Promise.resolve(broker.subscribe(topics)).then(() => {
      isDone = true;
    });
    await turns();
    expect([isDone, fake.subscriptions.size, fake.flushes - before]).toEqual([false, 512, 1]);
    fake.answer();
    await confirmed;
  });

  test('that is not permitted is refused, and may be tried again', async () => {
    const { fake, broker } = await start();
    fake.answers = false;
    const first = Promise.resolve(broker.subscribe(['a', 'secret']));
    fake.refuse('p.secret');
    fake.answer();
    await expect(first).rejects.toThrow(
      'NATS refuses a subscription to the topic secret: Permissions Violation',
    );
    await broker.subscribe(['a', 'secret']);
    expect(fake.subscriptions.size).toBe(2);
  });

  test('that is not permitted does not hide one of another batch', async () => {
    const { fake, broker } = await start();
    fake.answers = false;
    const calls = [broker.subscribe(['a']), broker.subscribe(['b'])].map((call) =>
      expect(call).rejects.toThrow(/refuses a subscription/),
    );
    for (const subject of ['p.a', 'p.b']) fake.refuse(subject);
    fake.answer();
    await Promise.all(calls);
  });

  test('is not confirmed by a server that does not answer', async () => {
    clock.stop();
    const { fake, broker } = await start();
    fake.answers = false;
    const late = expect(broker.subscribe(['a'])).rejects.toThrow(/has not answered for 3000 ms/);
    await turns();
    clock.advance(PONG_TIMEOUT);
    await turns();
    await late;
  });
});

describe('the status', () => {
  test('follows the connection, and the client keeps its subscriptions', async () => {
    const { fake, broker, told } = await start();
    await broker.subscribe(['a']);
    fake.disconnect();
    await turns();
    expect(told).toEqual(['down: The connection to NATS is lost']);
    fake.reconnect();
    await turns();
    expect(told.slice(1)).toEqual(['up: undefined']);
    await broker.subscribe(['a']);
    expect(fake.subscriptions.size).toBe(1);
  });

  test('is down when the server does not answer, although it is connected', async () => {
    clock.stop();
    const { fake, told } = await start();
    clock.advance(PING_INTERVAL);
    fake.answers = false;
    await turns();
    clock.advance(PING_INTERVAL);
    await turns();
    expect(told).toEqual([]);
    clock.advance(PONG_TIMEOUT);
    await turns();
    expect(told).toEqual(['down: The NATS server has not answered for 3000 ms']);
    const { flushes } = fake;
    clock.advance(10 * PING_INTERVAL);
    expect(fake.flushes).toBe(flushes);
    fake.answer();
    await turns();
    expect(told.slice(1)).toEqual(['up: undefined']);
  });

  test('is no other after the process was busy: the answer was only not read', async () => {
    clock.stop();
    const { fake, told } = await start();
    fake.answers = false;
    clock.advance(PING_INTERVAL);
    clock.stall(10 * PONG_TIMEOUT);
    fake.answer();
    await turns();
    expect(told).toEqual([]);
  });

  test('is down for good when the client gives up', async () => {
    const { fake, broker, told, events } = await start();
    fake.giveUp(new Error('CONNECTION_REFUSED'));
    await turns();
    expect(told).toEqual(['down: The client of NATS has closed its connection for good']);
    expect(() => broker.publish('a', new Uint8Array(1))).toThrow(/is closed for good/);
    await expect(broker.start(events)).rejects.toThrow(/maxReconnectAttempts: -1/);
  });

  test.each([
    ['version 3', { error: Object.assign(new Error('Publish to "p.a"'), { subject: 'p.a' }) }],
    [
      'version 2',
      { data: 'PERMISSIONS', permissionContext: { operation: 'publish', subject: 'p.a' } },
    ],
  ])('has the errors of this broker, of a client of %s', async (_, status) => {
    const { fake, told } = await start();
    fake.tell({ type: 'error', ...status });
    const other = Object.assign(new Error('Publish to "orders"'), { subject: 'orders' });
    fake.tell({ type: 'error', error: other });
    fake.tell({ type: 'ldm' });
    await turns();
    expect(told).toEqual([expect.stringMatching(/^up: The NATS server reports: P.*p\.a/)]);
  });
});

describe('a broker', () => {
  test('that cannot reach its server is started again', async () => {
    clock.stop();
    const { fake, broker, events, told } = create();
    fake.answers = false;
    const first = expect(broker.start(events)).rejects.toThrow('The connection to NATS is lost');
    await turns();
    fake.disconnect();
    await first;
    fake.answer();
    await broker.start(events);
    expect(told).toEqual([]);
  });

  test('over a client that is closed for good says so to its server once', async () => {
    const fake = new FakeNats();
    fake.giveUp();
    clock.stop();
    const errors: string[] = [];
    const server = new WebSocketServer({ noServer: true, broker: nats({ connection: fake }) });
    server.on('brokerError', ({ message }) => errors.push(message));
    for (let i = 0; i < 10; i++) {
      await turns();
      clock.advance(1_000);
    }
    expect(errors).toEqual([expect.stringContaining('maxReconnectAttempts: -1')]);
    server.close();
    await turns();
    expect([server.stats().broker?.isUp, clock.timerCount]).toEqual([false, 0]);
  });

  test('that is closed leaves nothing, and does not close the connection', async () => {
    const { fake, broker, received, told } = await start();
    await broker.subscribe(['a', 'b']);
    await broker.close();
    fake.deliver('p.a', 'x');
    fake.disconnect();
    await turns();
    expect([fake.subscriptions.size, fake.isWatched, fake.isClosed()]).toEqual([0, false, false]);
    expect([received, told]).toEqual([[], []]);
  });
});

describe('options', () => {
  const fake = new FakeNats();
  const headers = () => ({ set: () => {} });

  test.each<[string, object, RegExp]>([
    ['no connection', {}, /The option connection .* has no method publish/],
    ['a promise of one', { connection: Promise.resolve(fake) }, /await it/],
    ['a prefix with a space', { connection: fake, prefix: 'a b' }, /prefix must be 1 to 100/],
    ['a history without headers', { connection: fake, history: {} }, /history.headers must be/],
    ['headers that are no function', { connection: fake, history: { headers: {} } }, /headers/],
    ['another storage', { connection: fake, history: { headers, storage: 'disk' } }, /'file' or/],
    ['half a replica', { connection: fake, history: { headers, replicas: 1.5 } }, /replicas must/],
  ])('cannot be %s', (_, options, message) => {
    expect(() => nats(options as NatsOptions)).toThrow(message);
  });

  test('that are unknown cause a warning', async () => {
    nats({ connection: fake, prefx: 'a' } as NatsOptions);
    await turns();
    expect(warnings('WS6455_UNKNOWN_OPTION').join()).toMatch(/nats has no option prefx.*prefix/);
  });

  test('without `history` there is none', () => {
    expect(nats({ connection: fake }).history).toBeUndefined();
    expect(nats({ connection: fake, history: { headers } }).history).toBeDefined();
  });
});
