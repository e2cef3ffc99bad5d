/** Topics whose listeners and limits call the server again, in the midst of a call. */

import { describe, expect, test } from '@jest/globals';
import type WebSocket from '../../../src/index.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { joinAll, topicServer } from '../../support/topic-server.js';
import type { ServerInstance } from '../../support/websockets.js';

const scope = useScope();

/** Some connections, each with its topics. */
async function subscribed(topics: readonly (readonly string[])[], options = {}) {
  const all = topicServer(scope(), options);
  const members = await joinAll(all, topics.length);
  for (const [i, names] of topics.entries()) void members[i]?.socket.subscribe(names);
  all.events.length = 0;
  return { ...all, members, sockets: members.map(({ socket }) => socket) };
}

/** Connections whose sockets are full, so that each message is put to `overflow`. */
async function full(count: number, overflow: (socket: WebSocket) => string) {
  const all = await subscribed(
    Array.from({ length: count }, () => ['a']),
    { maxBufferedAmount: 1000, overflow },
  );
  for (const { client, socket } of all.members) {
    client.pause();
    socket.send('f'.repeat(100_000));
  }
  await turns();
  return all;
}

/** The state of each topic by its events, and how it is. */
function states(events: readonly string[], server: ServerInstance) {
  const last = new Map(events.map((event) => [event.slice(event.indexOf(' ') + 1), event]));
  return [...last].map(([topic, event]) => [
    event.startsWith('occupied'),
    server.subscribers(topic) > 0,
  ]);
}

describe('a listener', () => {
  test('that ends other subscriptions of the call is told so afterwards', async () => {
    const { server, sockets, events } = await subscribed([[]]);
    const [socket] = sockets as [WebSocket];
    server.once('topicOccupied', () => socket.unsubscribe('b'));
    await socket.subscribe(['a', 'b', 'c']);
    expect(events).toEqual(['occupied a', 'occupied b', 'occupied c', 'vacated b']);
    expect([...socket.topics]).toEqual(['a', 'c']);
  });

  test('that ends all of them in the call loses none', async () => {
    const { server, sockets, events } = await subscribed([[]]);
    const [socket] = sockets as [WebSocket];
    server.once('topicOccupied', () => {
      socket.unsubscribe(['a', 'b']);
      void socket.subscribe('b');
    });
    await socket.subscribe(['a', 'b']);
    expect([...socket.topics]).toEqual(['b']);
    expect([server.subscribers('a'), server.subscribers('b')]).toEqual([0, 1]);
    expect(states(events, server)).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  test('that subscribes another connection when one has ended, is told so afterwards', async () => {
    const { server, sockets, members, events } = await subscribed([['a', 'b'], []]);
    server.once('topicVacated', () => sockets[1]?.subscribe('b'));
    members[0]?.client.terminate();
    await sockets[0]?.closed;
    expect(events).toEqual(['vacated a', 'vacated b', 'occupied b']);
    expect(server.subscribers('b')).toBe(1);
  });

  test('that was added later hears of the same order', async () => {
    const { server, sockets, events } = await subscribed([[]]);
    const [socket] = sockets as [WebSocket];
    server.prependListener('topicOccupied', (topic) => socket.unsubscribe(topic));
    void socket.subscribe('a');
    expect(events).toEqual(['occupied a', 'vacated a']);
  });

  test.each<[string, (socket: WebSocket) => void]>([
    ['terminates', (socket) => socket.terminate()],
    ['closes', (socket) => socket.close()],
  ])('that %s the connection leaves nothing', async (_, end) => {
    const { server, sockets, events } = await subscribed([[]]);
    const [socket] = sockets as [WebSocket];
    server.once('topicOccupied', () => end(socket));
    await socket.subscribe(['a', 'b']);
    await socket.closed;
    expect([server.subscribers('a'), server.subscribers('b')]).toEqual([0, 0]);
    expect(events).toEqual(['occupied a', 'occupied b', 'vacated a', 'vacated b']);
  });

  test('that publishes reaches those who are subscribed by then', async () => {
    const { server, sockets, members } = await subscribed([['b'], []]);
    server.once('topicOccupied', (topic) => server.publish(topic, 'welcome'));
    void sockets[1]?.subscribe('a');
    await turns();
    expect(members[1]?.received).toEqual(['welcome']);
  });
});

describe('an overflow function, in the midst of `publish`,', () => {
  test('may move connections: each is asked once', async () => {
    let asked = 0;
    const { server, sockets } = await full(3, (socket) => {
      asked++;
      if (asked > 100) throw new Error('asked again and again');
      socket.unsubscribe('a');
      void socket.subscribe('a');
      return 'drop';
    });
    expect(server.publish('a', 'x')).toBe(0);
    expect([asked, server.subscribers('a')]).toEqual([3, 3]);
    for (const socket of sockets) socket.terminate();
  });

  test('may end the others: they are not sent to', async () => {
    let all: readonly WebSocket[] = [];
    const { server, sockets } = await full(3, () => {
      for (const other of all) other.terminate();
      return 'drop';
    });
    all = sockets;
    expect(server.publish('a', 'x')).toBe(0);
  });

  test('may throw: the others receive the message, and the caller the exception', async () => {
    const { server, sockets, join } = await full(1, () => {
      throw new Error('by the program');
    });
    const other = await join();
    void other.socket.subscribe('a');
    expect(() => server.publish('a', 'x')).toThrow('by the program');
    await turns();
    expect(other.received).toEqual(['x']);
    sockets[0]?.terminate();
  });

  test.each(['close', 'drop'])('may publish itself: %s', async (verdict) => {
    let depth = 0;
    const { server, sockets, join } = await full(2, () => {
      if (depth++ === 0) server.publish('a', 'nested');
      return verdict;
    });
    const other = await join();
    void other.socket.subscribe('a');
    expect(server.publish('a', 'x')).toBe(1);
    await turns();
    expect(other.received).toEqual(['nested', 'x']);
    for (const socket of sockets) socket.terminate();
  });
});

test('data whose `valueOf` changes the subscriptions is sent to those of before or after', async () => {
  const { server, sockets, members } = await subscribed([['a'], ['a']]);
  const data = {
    valueOf: () => {
      sockets[0]?.unsubscribe('a');
      return 'x';
    },
  };
  expect(server.publish('a', data)).toBe(1);
  await turns();
  expect(members.map(({ received }) => received)).toEqual([[], ['binary x']]);
});
