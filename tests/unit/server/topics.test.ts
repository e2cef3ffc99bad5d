/** Topics on one server: subscribe, publish, and what the end of a connection does. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { uncaught } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { joinAll, type Member, topicServer } from '../../support/topic-server.js';
import { connectPair, unconnected } from '../../support/websockets.js';

const scope = useScope();

/** Some connections, each with its topics. */
async function subscribed(topics: readonly (readonly string[])[], options = {}) {
  const all = topicServer(scope(), options);
  const members = await joinAll(all, topics.length);
  for (const [i, names] of topics.entries()) void members[i]?.socket.subscribe(names);
  const received = async (): Promise<string[][]> => {
    await turns();
    return members.map((member) => member.received);
  };
  return { ...all, members, received, sockets: members.map(({ socket }) => socket) };
}

/** Closes a connection, and waits until its server has noticed. */
async function leave({ socket, client }: Member): Promise<void> {
  client.close();
  await socket.closed;
}

describe('publish reaches', () => {
  const rows: [string, string | string[], number, string[]][] = [
    ['the subscribers of a topic', 'a', 2, ['0', '1']],
    ['nobody, for a topic that nobody has', 'none', 0, []],
    ['a topic by its exact name only', 'a*', 0, []],
    ['each subscriber of several topics', ['a', 'c'], 3, ['0', '1', '2']],
    ['a subscriber of several of the topics once', ['a', 'b'], 2, ['0', '1']],
    ['a topic that is named twice once', ['a', 'a'], 2, ['0', '1']],
    ['one topic of a list that has others without subscribers', ['none', 'c'], 1, ['2']],
    ['nobody, for an empty list', [], 0, []],
  ];

  test.each(rows)('%s', async (_, topics, count, reached) => {
    const { server, received } = await subscribed([['a', 'b'], ['b', 'a'], ['c'], []]);
    expect(server.publish(topics, 'x')).toBe(count);
    const all = await received();
    const got = all.flatMap((messages, i) => messages.map(() => String(i)));
    expect(got).toEqual(reached);
  });

  test('not the connection of `except`', async () => {
    const { server, sockets, received } = await subscribed([['a'], ['a'], ['a']]);
    expect(server.publish('a', 'x', { except: sockets[1] })).toBe(2);
    expect(await received()).toEqual([['x'], [], ['x']]);
  });

  test('the others, if a connection publishes', async () => {
    const { sockets, received } = await subscribed([['a', 'b'], ['a'], ['b']]);
    expect(sockets[0]?.publish('a', 'one')).toBe(1);
    expect(sockets[0]?.publish(['a', 'b'], 'two')).toBe(2);
    expect(await received()).toEqual([[], ['one', 'two'], ['two']]);
  });

  test('the subscribers, if a connection publishes that is not one', async () => {
    const { sockets, received } = await subscribed([['a'], []]);
    expect(sockets[1]?.publish('a', 'x')).toBe(1);
    expect(await received()).toEqual([['x'], []]);
  });

  test('no connection that is closing', async () => {
    const { server, sockets } = await subscribed([['a'], ['a']]);
    sockets[0]?.close();
    expect(server.publish('a', 'x')).toBe(1);
    expect(server.publish('a', WebSocket.prepareMessage('x'))).toBe(1);
  });
});

describe('what is published', () => {
  const bytes = Buffer.from('bytes');
  const rows: [string, WebSocket.BufferLike | WebSocket.PreparedMessage, object, string][] = [
    ['a string as text', 'text', {}, 'text'],
    ['a string as binary', 'text', { binary: true }, 'binary text'],
    ['a number as text', 7, {}, '7'],
    ['bytes as binary', bytes, {}, 'binary bytes'],
    ['bytes as text', bytes, { binary: false }, 'bytes'],
    ['an empty message', '', {}, ''],
    ['a prepared message', WebSocket.prepareMessage('ready'), {}, 'ready'],
  ];

  test.each(rows)('%s, to one and to several', async (_, data, options, expected) => {
    const { server, received } = await subscribed([['one', 'all'], ['all']]);
    expect(server.publish('one', data, options)).toBe(1);
    expect(server.publish('all', data, options)).toBe(2);
    expect(await received()).toEqual([[expected, expected], [expected]]);
  });

  test('is copied: the program may change its bytes', async () => {
    const { server, received } = await subscribed([['a']]);
    const data = Buffer.alloc(10_000, 'x');
    server.publish('a', data);
    data.fill('y');
    expect((await received())[0]).toEqual([`binary ${'x'.repeat(10_000)}`]);
  });

  test('keeps the order with what is sent, also with compression', async () => {
    const deflate = { perMessageDeflate: { threshold: 0 } };
    const all = topicServer(scope(), deflate, deflate);
    const [one, two] = (await joinAll(all, 2)) as [Member, Member];
    for (const { socket } of [one, two]) void socket.subscribe('a');
    const expected: string[] = [];
    for (let i = 0; i < 20; i++) {
      const text = `${i} `.repeat(i % 3 === 0 ? 50_000 : 50);
      expected.push(text);
      if (i % 2 === 0) all.server.publish('a', text);
      else for (const { socket } of [one, two]) socket.send(text);
    }
    await until(() => two.received.length === 20 && one.received.length === 20, 'all of it');
    expect(one.received).toEqual(expected);
    expect(two.received).toEqual(expected);
  });

  test.each([
    ['nobody', []],
    ['one', [['a']]],
    ['several', [['a'], ['a']]],
  ])('must have bytes, for %s', async (_, topics) => {
    const { server } = await subscribed(topics);
    const wrong = Promise.resolve() as unknown as string;
    expect(() => server.publish('a', wrong)).toThrow(/Cannot send a value of type Promise/);
    expect(() => server.publish('a', new Blob(['x']))).toThrow(/Blob cannot be prepared/);
  });
});

describe('the limits of slow readers', () => {
  /** A subscriber whose client reads nothing, and whose socket is full. */
  async function slow(overflow: string) {
    const { wss, ws, client } = await connectPair(scope(), { maxBufferedAmount: 1000, overflow });
    void ws.subscribe('a');
    const got: string[] = [];
    client.on('message', (data) => got.push(String(data).slice(0, 9)));
    client.pause();
    ws.send('f'.repeat(100_000));
    await turns();
    return { wss, ws, client, got };
  }

  test('of messages with one key the newest is left', async () => {
    const { wss, ws, client, got } = await slow('conflate');
    for (let i = 0; i < 50; i++) expect(wss.publish('a', `price ${i}`, { key: 'price' })).toBe(1);
    expect(ws.stats().dropped).toBe(49);
    client.resume();
    await until(() => got.length === 2, 'the newest');
    expect(got).toEqual(['fffffffff', 'price 49']);
  });

  test('a message that is dropped reached nobody', async () => {
    const { wss, ws, client } = await slow('drop-newest');
    expect(wss.publish('a', 'x')).toBe(0);
    expect(ws.stats().dropped).toBe(1);
    client.resume();
  });

  test('a message that must not be dropped closes the connection', async () => {
    const { wss, ws, client } = await slow('drop-newest');
    expect(wss.publish('a', 'x', { droppable: false })).toBe(0);
    expect(ws.readyState).toBe(WebSocket.CLOSING);
    client.resume();
  });
});

describe('subscriptions', () => {
  test('are in `topics`, and are counted', async () => {
    const { server, sockets } = await subscribed([['a', 'b', 'a'], ['b']]);
    expect([...(sockets[0]?.topics ?? [])]).toEqual(['a', 'b']);
    expect(['a', 'b', 'c'].map((name) => server.subscribers(name))).toEqual([1, 2, 0]);
    sockets[0]?.unsubscribe(['b', 'c']);
    expect([...(sockets[0]?.topics ?? [])]).toEqual(['a']);
    expect(server.subscribers('b')).toBe(1);
  });

  test('resolve at once, with one promise for all', async () => {
    const { sockets } = await subscribed([[], []]);
    const promises = sockets.map((socket) => socket.subscribe('a'));
    expect(promises[0]).toBe(promises[1]);
    await expect(promises[0]).resolves.toBeUndefined();
  });

  test('emit when a topic gets its first, and loses its last one', async () => {
    const { events, sockets, members } = await subscribed([['a', 'b'], ['a']]);
    sockets[0]?.unsubscribe('a');
    sockets[0]?.unsubscribe('a');
    void sockets[1]?.subscribe('a');
    await leave(members[1] as Member);
    await leave(members[0] as Member);
    expect(events).toEqual(['occupied a', 'occupied b', 'vacated a', 'vacated b']);
  });

  test('end with the connection, before its close event, which still knows them', async () => {
    const { server, sockets, members, received } = await subscribed([['a'], ['a']]);
    const seen: unknown[] = [];
    sockets[0]?.on('close', () => {
      const socket = sockets[0] as Member['socket'];
      seen.push([...socket.topics], server.subscribers('a'), socket.publish('a', 'left'));
      void socket.subscribe('late');
      socket.unsubscribe('a');
      seen.push([...socket.topics], server.subscribers('late'));
    });
    await leave(members[0] as Member);
    expect(seen).toEqual([['a'], 1, 1, ['a'], 0]);
    expect((await received())[1]).toEqual(['left']);
  });

  test('are not made on a connection that is closing', async () => {
    const { server, sockets } = await subscribed([[]]);
    sockets[0]?.close();
    await sockets[0]?.subscribe('a');
    expect(server.subscribers('a')).toBe(0);
    expect(sockets[0]?.topics.size).toBe(0);
  });

  test('of two servers on one http server have nothing in common', async () => {
    const { http, wss, ws } = await connectPair(scope());
    const other = new WebSocket.WebSocketServer({ noServer: true });
    void ws.subscribe('a');
    expect([http.listening, wss.publish('a', 'x'), other.publish('a', 'x')]).toEqual([false, 1, 0]);
  });

  test('a listener that throws keeps no connection from ending', async () => {
    const { server, members } = await subscribed([['a', 'b']]);
    const [{ socket } = members[0] as Member] = members;
    server.on('topicVacated', () => {
      throw new Error('by the program');
    });
    const caught = uncaught(scope());
    await leave(members[0] as Member);
    expect(socket.readyState).toBe(WebSocket.CLOSED);
    await until(() => caught.length === 2, 'both exceptions');
    expect(caught.map(String)).toEqual(['Error: by the program', 'Error: by the program']);
  });
});

describe('what cannot be', () => {
  const names: [string, unknown, RegExp][] = [
    ['no name', undefined, /non-empty.*: undefined was given/],
    ['an empty name', '', /non-empty/],
    ['a number', 7, /non-empty.*: 7 was given/],
    ['a list with one of them', ['a', null], /non-empty.*null.* was given/],
    ['a name with a lone surrogate', 'a\ud800', /well-formed/],
    ['a Set', new Set(['a']), /must be a non-empty/],
  ];

  test.each(names)('%s', async (_, wrong, message) => {
    const { server, sockets } = await subscribed([['a']]);
    const topics = wrong as string;
    expect(() => server.publish(topics, 'x')).toThrow(message);
    expect(() => server.subscribers(topics)).toThrow(message);
    expect(() => sockets[0]?.subscribe(topics)).toThrow(message);
    expect(() => sockets[0]?.unsubscribe(topics)).toThrow(message);
    expect(() => sockets[0]?.publish(topics, 'x')).toThrow(TypeError);
    expect([...(sockets[0]?.topics ?? [])]).toEqual(['a']);
  });

  test('topics of a client, or before there is a connection', async () => {
    const { client } = await connectPair(scope());
    for (const call of [
      () => client.subscribe('a'),
      () => client.unsubscribe('a'),
      () => client.publish('a', 'x'),
    ]) {
      expect(call).toThrow(/Only connections that a WebSocketServer accepted have topics/);
    }
    expect(() => unconnected('server').subscribe('a')).toThrow(/readyState 0 \(CONNECTING\)/);
    expect(client.topics.size).toBe(0);
    expect(WebSocket.prototype.topics).toBeUndefined();
  });
});

test('a subclass written for `ws` keeps members of its own with these names', async () => {
  class Member extends WebSocket {
    calls: string[] = [];
    // @ts-expect-error another type
    override topics = ['mine'];
    // @ts-expect-error another type
    override subscribe(name: string): void {
      this.calls.push(name);
    }
  }
  const { wss, ws } = await connectPair(scope(), { WebSocket: Member });
  const member = ws as unknown as Member;
  member.subscribe('a');
  expect([member.calls, member.topics, wss.subscribers('a')]).toEqual([['a'], ['mine'], 0]);
  const plain = unconnected('client');
  Object.assign(plain, { topics: 'own' });
  expect(plain.topics).toBe('own');
});
