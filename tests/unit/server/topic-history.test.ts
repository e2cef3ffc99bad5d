/** The history of topics on one server without a broker, and the option `topics`. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { TopicTable } from '../../../src/server/topic-options.js';
import { MemoryEngine } from '../../../src/topics/index.js';
import { useClock } from '../../support/clock.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { topicServer } from '../../support/topic-server.js';
import type { Loose } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

const history = { size: 3, ttl: 60_000 };
const topics = { a: { history }, b: { history }, plain: {} };

function newServer(options: Loose) {
  return new WebSocket.WebSocketServer({ noServer: true, ...options });
}

describe('what is published to a topic with a history', () => {
  const bytes = Buffer.from('bytes');
  const rows: [
    string,
    WebSocket.BufferLike | WebSocket.PreparedMessage,
    object,
    string | Buffer,
  ][] = [
    ['text', 'text', {}, 'text'],
    ['text as binary', 'text', { binary: true }, Buffer.from('text')],
    ['bytes', bytes, {}, bytes],
    ['bytes as text', bytes, { binary: false }, 'bytes'],
    ['a number', 7, {}, '7'],
    ['an empty text', '', {}, ''],
    ['a prepared text', WebSocket.prepareMessage('ready'), {}, 'ready'],
    ['prepared bytes', WebSocket.prepareMessage(bytes), {}, bytes],
  ];

  test.each(rows)('is kept as its receivers see it: %s', async (_, data, options, expected) => {
    const server = newServer({ topics });
    const start = await server.position('a');
    server.publish('a', data, options);
    const { complete, messages, position } = await server.since('a', start);
    const isBinary = typeof expected !== 'string';
    expect({ complete, messages }).toEqual({
      complete: true,
      messages: [{ data: expected, isBinary, offset: 1 }],
    });
    expect(position).toEqual({ epoch: start.epoch, offset: 1 });
  });

  test('is a copy', async () => {
    const server = newServer({ topics });
    const start = await server.position('a');
    const data = Buffer.from('before');
    server.publish('a', data);
    data.fill('x');
    expect((await server.since('a', start)).messages[0]?.data).toEqual(Buffer.from('before'));
  });

  test('is in the history of each topic of a union, once', async () => {
    const { server, join } = topicServer(scope(), { topics });
    const member = await join();
    await member.socket.subscribe(['a', 'b', 'plain']);
    const starts = [await server.position('a'), await server.position('b')];
    member.socket.publish(['a', 'plain', 'b', 'a'], 'own');
    server.publish(['b', 'a'], 'x');
    await turns();
    expect(member.received).toEqual(['x']);
    for (const [i, name] of ['a', 'b'].entries()) {
      const { messages } = await server.since(name, starts[i]);
      expect(messages.map(({ data }) => data)).toEqual(['own', 'x']);
    }
  });

  test('can be sent again as it was', async () => {
    const { server, join } = topicServer(scope(), { topics });
    const start = await server.position('a');
    server.publish('a', 'text');
    server.publish('a', Buffer.from('bytes'));
    const { socket, received } = await join();
    for (const { data } of (await server.since('a', start)).messages) socket.send(data);
    await turns();
    expect(received).toEqual(['text', 'binary bytes']);
  });

  test('is not kept if it has no bytes', async () => {
    const server = newServer({ topics });
    expect(() => server.publish('a', Promise.resolve() as unknown as string)).toThrow(TypeError);
    expect((await server.position('a')).offset).toBe(0);
  });
});

describe('a position that a client sent', () => {
  const rows: [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['a text', '{"epoch":"x","offset":1}'],
    ['a number', 7],
    ['an empty object', {}],
    ['no epoch', { offset: 0 }],
    ['an epoch that is no text', { epoch: {}, offset: 0 }],
    ['a long epoch', { epoch: 'x'.repeat(1 << 20), offset: 0 }],
    ['no offset', { epoch: 'x' }],
    ['an offset that is a text', { epoch: 'x', offset: '1' }],
    ['an offset that is NaN', { epoch: 'x', offset: Number.NaN }],
    ['an offset that is infinite', { epoch: 'x', offset: Infinity }],
    ['a negative offset', { epoch: 'x', offset: -1 }],
    ['half a message', { epoch: 'x', offset: 0.5 }],
  ];

  test.each(rows)('is one whose messages are gone: %s', async (_, position) => {
    const server = newServer({ topics });
    server.publish('a', '1');
    const newest = await server.position('a');
    const given = withEpoch(position, newest.epoch);
    const expected = { complete: false, messages: [], position: newest };
    expect(await server.since('a', given)).toEqual(expected);
  });

  test('may have other members', async () => {
    const server = newServer({ topics });
    const position = { ...(await server.position('a')), isAdmin: true };
    server.publish('a', '1');
    expect(await server.since('a', position)).toMatchObject({ complete: true });
  });
});

/** The epoch `x` of a row is the true one: the row is about the offset. */
function withEpoch(position: unknown, epoch: string): unknown {
  const isRight = (position as { epoch?: unknown } | undefined)?.epoch === 'x';
  return isRight ? { ...(position as object), epoch } : position;
}

describe('a topic without a history', () => {
  test.each<[string, Loose, unknown]>([
    ['of a server without the option', {}, 'a'],
    ['that the option does not name', { topics }, 'c'],
    ['that the option names', { topics }, 'plain'],
    ['of which the function says so', { topics: () => undefined }, 'a'],
    ['whose name is empty', { topics }, ''],
    ['whose name is no text', { topics }, 7],
    ['that every object has', { topics }, 'constructor'],
  ])('is refused: %s', async (_, options, topic) => {
    const server = newServer(options);
    await expect(server.position(topic as string)).rejects.toThrow(TypeError);
    await expect(server.since(topic as string, undefined)).rejects.toThrow(TypeError);
  });

  test('is published as ever', async () => {
    const { server, join } = topicServer(scope(), { topics });
    const { socket, received } = await join();
    await socket.subscribe(['plain', 'c']);
    expect(server.publish('plain', '1') + server.publish('c', '2')).toBe(2);
    await turns();
    expect(received).toEqual(['1', '2']);
  });
});

describe('the option topics', () => {
  const engine = new MemoryEngine();
  const { history: _, ...withoutHistory } = engine.broker();
  const rows: [string, Loose, RegExp][] = [
    ['a text', { topics: 'a' }, /^The option topics must be an object.*: 'a' was given/],
    ['an array', { topics: ['a'] }, /^The option topics must be an object/],
    ['a topic that is a number', { topics: { a: 7 } }, /^The options of the topic a must be an/],
    ['no size', { topics: { a: { history: { ttl: 1 } } } }, /^history.size of the topic a must be/],
    ['the size 0', { topics: { a: { history: { size: 0, ttl: 1 } } } }, /^history.size .*: 0 was/],
    ['half a message', { topics: { a: { history: { size: 1.5, ttl: 1 } } } }, /^history.size/],
    ['no ttl', { topics: { a: { history: { size: 1 } } } }, /^history.ttl of the topic a must be/],
    ['no end', { topics: { a: { history: { size: 1, ttl: Infinity } } } }, /^history.ttl/],
    ['a text as ttl', { topics: { a: { history: { size: 1, ttl: '1h' } } } }, /^history.ttl/],
    ['a broker without a history', { topics, broker: withoutHistory }, /needs a broker that keeps/],
    [
      'a broker with half a history',
      { topics: () => undefined, broker: { ...withoutHistory, history: { publish() {} } } },
      /has no position/,
    ],
  ];

  test.each(rows)('cannot have %s', (_, options, message) => {
    expect(() => newServer(options)).toThrow(message);
  });

  test('cannot be that of a route', () => {
    const server = newServer({});
    expect(() => server.route('/', { topics } as object, () => {})).toThrow(/option topics/);
  });

  test('that is a function is called once for a name', async () => {
    const asked: string[] = [];
    const server = newServer({
      topics: (topic: string) => {
        asked.push(topic);
        return topic === 'a' ? { history } : undefined;
      },
    });
    for (const name of ['a', 'c', 'a', 'c']) server.publish(name, 'x');
    expect((await server.position('a')).offset).toBe(2);
    expect(asked).toEqual(['a', 'c']);
  });

  test('that is a function and returns nonsense throws where it is needed', async () => {
    const server = newServer({ topics: () => ({ history: { size: 1 } }) as object });
    expect(() => server.publish('a', 'x')).toThrow(/^history.ttl of the topic a/);
    await expect(server.position('a')).rejects.toThrow(/^history.ttl of the topic a/);
  });

  test('remembers a bounded number of names', () => {
    let calls = 0;
    const table = new TopicTable(() => {
      calls++;
      return undefined;
    });
    for (let i = 0; i < 25_000; i++) table.limitsOf(`t${i}`);
    table.limitsOf('t24999');
    expect(calls).toBe(25_000);
    table.limitsOf('t0');
    expect(calls).toBe(25_001);
  });
});

test('a closed server keeps nothing, and no timer', async () => {
  clock.stop();
  const server = newServer({ topics });
  server.publish('a', 'x');
  expect(clock.timerCount).toBe(1);
  await new Promise<void>((done) => server.close(() => done()));
  expect(clock.timerCount).toBe(0);
});
