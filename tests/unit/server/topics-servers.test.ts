/** Topics of several servers and routes, behind proxies, with many names, and at the end of a server. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { MemoryEngine } from '../../../src/topics/index.js';
import { sessionOf } from '../../../src/websocket/websocket.js';
import { useClock } from '../../support/clock.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { joinAll, topicServer } from '../../support/topic-server.js';
import {
  type Loose,
  memoryServer,
  next,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

const history = { size: 10, ttl: 60_000 };

/** A client of an http server in memory, and what it receives. */
async function open(connect: ReturnType<typeof memoryServer>['connect'], path: string) {
  const client = connect({}, undefined, path);
  const received: string[] = [];
  client.on('message', (data) => received.push(String(data)));
  await next(client, 'open');
  return { client, received };
}

describe('two servers on one http server', () => {
  async function both(ofOne: Loose = {}, ofTwo: Loose = {}) {
    const { http, connect } = memoryServer(scope());
    const one = serve(scope(), { server: http, path: '/one', ...ofOne });
    const two = serve(scope(), { server: http, path: '/two', ...ofTwo });
    for (const server of [one, two]) {
      server.on('connection', (socket: WebSocketInstance) => void socket.subscribe('a'));
    }
    const atOne = await open(connect, '/one');
    const atTwo = await open(connect, '/two');
    await turns();
    return { one, two, atOne, atTwo };
  }

  test('have topics of their own', async () => {
    const { one, two, atOne, atTwo } = await both();
    expect([one.publish('a', 'by one'), two.publish('a', 'by two')]).toEqual([1, 1]);
    await turns();
    expect([atOne.received, atTwo.received]).toEqual([['by one'], ['by two']]);
    atOne.client.terminate();
    await turns();
    expect([one.subscribers('a'), two.subscribers('a')]).toEqual([0, 1]);
  });

  test('share topics by an engine, and each has its broker', async () => {
    const engine = new MemoryEngine();
    const topics = { a: { history } };
    const options = () => ({ broker: engine.broker(), topics });
    const { one, two, atOne, atTwo } = await both(options(), options());
    one.publish('a', 'x');
    await turns();
    expect([atOne.received, atTwo.received]).toEqual([['x'], ['x']]);
    expect(await one.position('a')).toEqual(await two.position('a'));
    atOne.client.terminate();
    await new Promise<void>((done) => one.close(() => done()));
    expect(engine.subscribers('a')).toBe(1);
    two.publish('a', 'y');
    await turns();
    expect(atTwo.received).toEqual(['x', 'y']);
  });

  test('have histories of their own without an engine', async () => {
    const topics = { a: { history } };
    const { one, two } = await both({ topics }, { topics });
    one.publish('a', 'x');
    const [ofOne, ofTwo] = [await one.position('a'), await two.position('a')];
    expect([ofOne.offset, ofTwo.offset]).toEqual([1, 0]);
    expect(ofOne.epoch).not.toBe(ofTwo.epoch);
  });
});

test('the connections of all routes of a server share its topics', async () => {
  const { http, connect } = memoryServer(scope());
  const server = serve(scope(), { server: http, path: '/plain' });
  const sockets: WebSocketInstance[] = [];
  const join = (socket: WebSocketInstance): void => {
    sockets.push(socket);
    void socket.subscribe('a');
  };
  server.route('/route', {}, join);
  const handler = async (socket: WebSocketInstance): Promise<void> => {
    join(socket);
    await socket.closed;
  };
  server.handle('/handle', handler);
  server.handle(handler);
  const members = [];
  for (const path of ['/route', '/handle', '/plain']) members.push(await open(connect, path));
  await turns();
  expect(server.publish('a', 'of the server')).toBe(3);
  expect(sockets[0]?.publish('a', 'of a route')).toBe(2);
  await turns();
  expect(members.map(({ received }) => received)).toEqual([
    ['of the server'],
    ['of the server', 'of a route'],
    ['of the server', 'of a route'],
  ]);
});

describe('a proxy', () => {
  test('of a server publishes and counts as the server', async () => {
    const all = topicServer(scope(), { topics: { a: { history } } });
    const members = await joinAll(all, 2);
    for (const { socket } of members) void socket.subscribe('a');
    const server = new Proxy(all.server, {});
    const except = members[0]?.socket as WebSocketInstance;
    expect(server.publish('a', '1')).toBe(2);
    expect(server.publish('a', '2', { except: new Proxy(except, {}) })).toBe(1);
    expect(server.subscribers('a')).toBe(2);
    expect((await server.position('a')).offset).toBe(2);
    expect(server.stats().topics).toEqual({ occupied: 1, subscriptions: 2 });
    await turns();
    expect(members.map(({ received }) => received)).toEqual([['1'], ['1', '2']]);
  });

  test('of a connection is the connection', async () => {
    const { server, join } = topicServer(scope());
    const [member, other] = [await join(), await join()];
    void other.socket.subscribe('a');
    const socket = new Proxy(member.socket, {});
    void socket.subscribe(['a', 'b']);
    void member.socket.subscribe('a');
    expect([...socket.topics]).toEqual(['a', 'b']);
    expect([server.subscribers('a'), socket.publish('a', 'x')]).toEqual([2, 1]);
    socket.unsubscribe('a');
    expect([...member.socket.topics]).toEqual(['b']);
    await turns();
    expect([member.received, other.received]).toEqual([[], ['x']]);
  });
});

test.each<[number, string, () => Loose]>([
  [100_000, 'without a broker', () => ({})],
  [100_000, 'with a broker', () => ({ broker: new MemoryEngine().broker() })],
  [
    20_000,
    'with histories',
    () => ({ broker: new MemoryEngine().broker(), topics: () => ({ history }) }),
  ],
])(
  'one call takes %i names: %s',
  async (count, _, options) => {
    const { server, join } = topicServer(scope(), options());
    const { socket, received } = await join();
    const names = Array.from({ length: count }, (_, i) => `topic ${i}`);
    await socket.subscribe(names);
    expect(socket.topics.size).toBe(count);
    expect(server.publish(names.slice(-2), 'x')).toBe(1);
    socket.unsubscribe(names);
    expect(server.stats().topics).toEqual({ occupied: 0, subscriptions: 0 });
    await turns();
    expect(received).toEqual(['x']);
  },
  30_000,
);

describe('the end of connections by the server', () => {
  test('by maxLifetime vacates their topics', async () => {
    clock.stop();
    clock.useRandom(() => 0.5);
    const { join, events } = topicServer(scope(), { maxLifetime: { after: 1_000 } });
    const { socket, received, client } = await join();
    void socket.subscribe('a');
    for (let i = 0; i < 10; i++) {
      clock.advance(250);
      await turns();
    }
    expect([client.readyState, socket.readyState]).toEqual([WebSocket.CLOSED, WebSocket.CLOSED]);
    expect([events, received]).toEqual([['occupied a', 'vacated a'], []]);
  });

  test('by shutdown: until its end a connection has the messages of other servers', async () => {
    clock.stop();
    const engine = new MemoryEngine();
    const topics = { a: { history } };
    const one = topicServer(scope(), { broker: engine.broker(), topics });
    const two = topicServer(scope(), { broker: engine.broker(), topics });
    const [atOne, atTwo] = [await one.join(), await two.join()];
    for (const { socket } of [atOne, atTwo]) await socket.subscribe('a');
    const lastWords = next(atOne.socket, 'close').then(() => atOne.socket.publish('a', 'left'));

    const done = one.server.shutdown({ lameDuck: 1_000, timeout: 5_000 });
    two.server.publish('a', 'in the lame duck');
    await turns();
    expect(atOne.received).toEqual(['in the lame duck']);
    for (let i = 0; i < 10; i++) {
      clock.advance(250);
      await turns();
    }
    await Promise.all([done, lastWords]);
    await turns();
    expect(atTwo.received).toEqual(['in the lame duck', 'left']);
    expect([one.events, engine.subscribers('a')]).toEqual([['occupied a', 'vacated a'], 1]);
  });

  test('by shutdown: what the broker did not confirm is handed over, and the end is bounded', async () => {
    clock.stop();
    const engine = new MemoryEngine();
    const topics = { a: { history } };
    const never = new Promise<never>(() => {});
    const { history: kept, ...broker } = engine.broker();
    const handed: string[] = [];
    const publish = (_: string, data: Uint8Array): Promise<never> => {
      handed.push(Buffer.from(data).subarray(-1).toString());
      return never;
    };
    const close = (): Promise<never> => never;
    const hangs = { ...broker, close, history: { ...kept, publish } };
    const { server, join } = topicServer(scope(), { broker: hangs, topics });
    const { socket } = await join();
    await socket.subscribe('a');
    for (const text of ['1', '2', '3']) server.publish('a', text);
    const done = server.shutdown({ timeout: 5_000 });
    for (let i = 0; i < 5; i++) {
      clock.advance(250);
      await turns();
    }
    expect(await done).toMatchObject({ closed: 1, terminated: 0 });
    engine.forget();
    expect([handed, clock.timerCount]).toEqual([['1', '2', '3'], 0]);
  });
});

test('a printer that reads each property of the topics of a server meets no exception', async () => {
  const { socket } = await topicServer(scope()).join();
  const topics = sessionOf(socket as never)?.server?.topics as object;
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(topics));
  expect(names).toContain('publish');
  for (const name of names) expect(() => Reflect.get(topics, name)).not.toThrow();
});
