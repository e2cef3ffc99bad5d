/** Servers with a broker: what is published at one arrives at the other. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { type Broker, MemoryEngine, testBroker } from '../../../src/topics/index.js';
import { useClock } from '../../support/clock.js';
import { turns } from '../../support/inbox.js';
import { useWarnings } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { type Member, topicServer } from '../../support/topic-server.js';

const scope = useScope();
const clock = useClock();
const warnings = useWarnings(scope);

const LINGER = 5_000;
const MAX_RETRY_DELAY = 1_000;

type Overrides = Partial<Broker>;

/** A server with a connection, and what its broker is told. */
async function node(engine: MemoryEngine, overrides: Overrides = {}) {
  const broker = { ...engine.broker(), ...overrides };
  const calls: string[] = [];
  const own: Broker = {
    ...broker,
    subscribe: (topics) => {
      calls.push(`subscribe ${topics.length > 3 ? topics.length : topics}`);
      return broker.subscribe(topics);
    },
    unsubscribe: (topics) => {
      calls.push(`unsubscribe ${topics}`);
      return broker.unsubscribe(topics);
    },
  };
  const { server, join } = topicServer(scope(), { broker: own });
  const told: string[] = [];
  server.on('brokerStatus', (isUp) => told.push(isUp ? 'up' : 'down'));
  server.on('brokerError', (error) => told.push(error.message));
  const member: Member = await join();
  return { server, join, member, socket: member.socket, calls, told };
}

async function twoNodes() {
  const engine = new MemoryEngine();
  return { engine, one: await node(engine), two: await node(engine) };
}

test('the engine in memory is a broker', async () => {
  const engine = new MemoryEngine();
  await testBroker(() => engine.broker());
});

describe('what is published at one server', () => {
  test.each<[string, WebSocket.BufferLike | WebSocket.PreparedMessage, object, string]>([
    ['text', 'hello', {}, 'hello'],
    ['bytes', Buffer.from('hello'), {}, 'binary hello'],
    ['text as binary', 'hello', { binary: true }, 'binary hello'],
    ['a prepared message', WebSocket.prepareMessage('hello'), {}, 'hello'],
    ['an empty message', '', {}, ''],
    ['with a key', 'hello', { key: 'ü', droppable: true, compress: false }, 'hello'],
  ])('reaches the subscribers of both: %s', async (_, data, options, expected) => {
    const { one, two } = await twoNodes();
    await Promise.all([one.socket.subscribe('a'), two.socket.subscribe('a')]);
    expect(one.server.publish('a', data, options)).toBe(1);
    await turns();
    expect([one.member.received, two.member.received]).toEqual([[expected], [expected]]);
  });

  test('reaches a subscriber of several topics once, at each server', async () => {
    const { one, two } = await twoNodes();
    await one.socket.subscribe(['a', 'b']);
    await two.socket.subscribe(['b', 'c']);
    const third = await two.join();
    await third.socket.subscribe('a');
    one.server.publish(['a', 'b', 'none'], 'x');
    one.server.publish(['b', 'b'], 'y');
    await turns();
    expect(one.member.received).toEqual(['x', 'y']);
    expect(two.member.received).toEqual(['x', 'y']);
    expect(third.received).toEqual(['x']);
  });

  test('reaches the connections of the others, although it excludes one of its own', async () => {
    const { one, two } = await twoNodes();
    await Promise.all([one.socket.subscribe('a'), two.socket.subscribe('a')]);
    expect(one.socket.publish('a', 'x')).toBe(0);
    await turns();
    expect([one.member.received, two.member.received]).toEqual([[], ['x']]);
  });

  test('keeps its order', async () => {
    const { one, two } = await twoNodes();
    await two.socket.subscribe('a');
    const texts = Array.from({ length: 100 }, (_, i) => `${i}`);
    for (const text of texts) one.server.publish('a', text);
    await turns();
    expect(two.member.received).toEqual(texts);
  });

  test('arrives at once after the promise of `subscribe`', async () => {
    const { engine, one, two } = await twoNodes();
    const promise = two.socket.subscribe('a');
    expect(engine.subscribers('a')).toBe(0);
    await promise;
    expect(engine.subscribers('a')).toBe(1);
    one.server.publish('a', 'x');
    await turns();
    expect(two.member.received).toEqual(['x']);
  });
});

describe('the broker', () => {
  test('is asked once a tick, for at most 512 topics at a time', async () => {
    const { one } = await twoNodes();
    const names = Array.from({ length: 1000 }, (_, i) => `t${i}`);
    for (const name of names) void one.socket.subscribe(name);
    await one.socket.subscribe('t0');
    expect(one.calls).toEqual(['subscribe 512', 'subscribe 488']);
  });

  test('keeps a topic for a while after its last subscriber', async () => {
    const { engine, one } = await twoNodes();
    clock.stop();
    await one.socket.subscribe(['a', 'b']);
    one.socket.unsubscribe(['a', 'b']);
    clock.advance(LINGER - 1);
    await one.socket.subscribe('a');
    clock.advance(1);
    await turns();
    expect(one.calls).toEqual(['subscribe a,b', 'unsubscribe b']);
    expect(['a', 'b'].map((name) => engine.subscribers(name))).toEqual([1, 0]);
  });

  test('is left with nothing after churn', async () => {
    const { engine, one } = await twoNodes();
    clock.stop();
    for (let i = 0; i < 5000; i++) {
      void one.socket.subscribe(`t${i % 50}`);
      one.socket.unsubscribe(`t${i % 50}`);
      if (i % 500 === 0) await turns(1);
    }
    clock.advance(2 * LINGER);
    await turns();
    for (let i = 0; i < 50; i++) expect(engine.subscribers(`t${i}`)).toBe(0);
  });

  test('that dies costs no local message, and all topics are subscribed again', async () => {
    const { engine, one, two } = await twoNodes();
    await Promise.all([one.socket.subscribe('a'), two.socket.subscribe('a')]);
    clock.stop();
    engine.stop();
    expect(one.server.publish('a', 'local')).toBe(1);
    const late = two.socket.subscribe('b');
    await turns();
    expect(one.told).toEqual(['up', 'The engine has stopped', 'down']);
    engine.restart();
    clock.advance(MAX_RETRY_DELAY);
    await late;
    one.server.publish(['a', 'b'], 'again');
    await turns();
    expect(one.member.received).toEqual(['local', 'again']);
    expect(two.member.received).toEqual(['again']);
    const counts = { isUp: true, published: 2, received: 0, lost: 1, topics: 1 };
    expect(one.server.stats().broker).toMatchObject(counts);
    expect(two.server.stats().broker).toMatchObject({ received: 1, topics: 2 });
  });

  test('is not told of topics that came and went while it was away', async () => {
    const { engine, one } = await twoNodes();
    clock.stop();
    await one.socket.subscribe('before');
    engine.stop();
    void one.socket.subscribe('during');
    one.socket.unsubscribe(['before', 'during']);
    clock.advance(LINGER);
    engine.restart();
    clock.advance(MAX_RETRY_DELAY);
    await turns();
    expect(one.calls).toEqual(['subscribe before', 'unsubscribe before']);
  });

  test('that refuses is asked again', async () => {
    const engine = new MemoryEngine();
    let failures = 2;
    const { subscribe } = engine.broker();
    const refusing: Overrides = {
      subscribe: (topics) => {
        if (failures-- > 0) throw new Error('not now');
        return subscribe(topics);
      },
    };
    const { socket, told } = await node(engine, refusing);
    clock.stop();
    const promise = socket.subscribe('a');
    for (let i = 0; i < 3; i++) {
      await turns();
      clock.advance(MAX_RETRY_DELAY);
    }
    await promise;
    expect(told).toEqual(['up', 'not now', 'not now']);
  });

  test('that does not start is started again', async () => {
    const engine = new MemoryEngine();
    clock.stop();
    engine.stop();
    const { socket, told, server } = await node(engine);
    const promise = socket.subscribe('a');
    expect(server.publish('a', 'local')).toBe(1);
    engine.restart();
    clock.advance(MAX_RETRY_DELAY);
    await promise;
    expect(told).toEqual(['The engine is not reachable', 'up']);
  });

  test.each<[string, () => unknown]>([
    ['throws', () => raise()],
    ['rejects', async () => raise()],
  ])('whose `publish` %s harms no caller', async (_, publish) => {
    const { server, socket, told, member } = await node(new MemoryEngine(), {
      publish: publish as Broker['publish'],
    });
    await socket.subscribe('a');
    expect(server.publish('a', 'x')).toBe(1);
    await turns();
    expect(told).toEqual(['up', 'by the broker']);
    expect(server.stats().broker).toMatchObject({ published: 0, lost: 1 });
    expect(member.received).toEqual(['x']);
  });

  test('without a listener for its errors causes a process warning', async () => {
    const engine = new MemoryEngine();
    const { server, socket } = await node(engine, { publish: raise });
    server.removeAllListeners('brokerError');
    await socket.subscribe('a');
    server.publish('a', 'x');
    await turns();
    expect(warnings('WS6455_CALLBACK_ERROR').join()).toMatch(
      /'brokerError' has no listener.*by the/,
    );
  });

  test.each([
    ['no bytes', new Uint8Array(0)],
    ['another format', new Uint8Array(100).fill(0xff)],
    ['a key that ends after the message', Buffer.from([16, ...new Array(16).fill(1), 0, 0, 1, 0])],
    [
      'a list that ends after the message',
      Buffer.from([32, ...new Array(16).fill(1), 255, 0, 0, 0]),
    ],
  ])('delivers nothing for %s', async (_, bytes) => {
    const engine = new MemoryEngine();
    const { socket, told, member } = await node(engine);
    const stranger = engine.broker();
    await stranger.start({ message: () => {}, status: () => {} });
    await socket.subscribe('a');
    await stranger.publish('a', bytes);
    await turns();
    expect(told).toEqual(['up', 'A message of the topic a comes from another program']);
    expect(member.received).toEqual([]);
  });

  test('of one server is refused by another, also after its end', async () => {
    const broker = new MemoryEngine().broker();
    const { server } = topicServer(scope(), { broker });
    const sentence = /broker of another server.*make one for each server/;
    expect(() => new WebSocket.Server({ noServer: true, broker })).toThrow(sentence);
    server.close();
    expect(() => new WebSocket.Server({ noServer: true, broker })).toThrow(sentence);
  });

  test('is closed with its server', async () => {
    const { engine, one, two } = await twoNodes();
    await two.socket.subscribe('a');
    two.member.client.close();
    await new Promise<void>((done) => two.server.close(() => done()));
    expect(engine.subscribers('a')).toBe(0);
    expect(one.told).toEqual(['up']);
  });

  test.each([
    ['no object', 7],
    ['an object without `unsubscribe`', { start() {}, subscribe() {}, publish() {}, close() {} }],
  ])('cannot be %s', (_, broker) => {
    const options = { noServer: true, broker: broker as unknown as Broker };
    expect(() => new WebSocket.WebSocketServer(options)).toThrow(
      /The option broker must be an object/,
    );
  });
});

function raise(): never {
  throw new Error('by the broker');
}
