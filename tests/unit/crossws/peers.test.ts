/** Peers: what they send and publish, in which namespaces; and what their messages look like. */

import { describe, expect, test } from '@jest/globals';
import type {
  AdapterOptions,
  Message,
  Peer,
  SyncDriver,
  SyncMessage,
} from '../../../src/crossws.js';
import { MemoryEngine } from '../../../src/topics/index.js';
import { crosswsServer } from '../../support/crossws-server.js';
import { turns, until } from '../../support/inbox.js';
import { useWarnings } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { next } from '../../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);

/** A server whose peers are subscribed to `news`. */
function newsServer(options: AdapterOptions = {}) {
  const peers: Peer[] = [];
  const server = crosswsServer(scope(), {
    hooks: {
      async open(peer) {
        peers.push(peer);
        await peer.subscribe('news');
      },
    },
    ...options,
  });
  return { ...server, peers };
}

describe('publish', () => {
  test('of a peer reaches the others of its namespace', async () => {
    const { join, peers } = newsServer();
    const one = await join('/a');
    const two = await join('/a');
    const other = await join('/b');
    await turns();
    expect(peers[0]?.publish('news', { hello: 'world' })).toBe(1);
    await until(() => two.received.length === 1, 'a message');
    await turns();
    expect(two.received).toEqual(['{"hello":"world"}']);
    expect([one.received, other.received]).toEqual([[], []]);
  });

  test('of the adapter reaches one namespace, or all, each once', async () => {
    const { adapter, join } = newsServer();
    const all = [await join('/a'), await join('/b')];
    await turns();
    expect(adapter.publish('news', 'everybody')).toBe(2);
    expect(adapter.publish('news', Buffer.from('some'), { namespace: '/b' })).toBe(1);
    expect(adapter.publish('sports', 'nobody')).toBe(0);
    await until(() => all[1]?.received.length === 2, 'the messages');
    await turns();
    expect(all.map(({ received }) => received)).toEqual([
      ['everybody'],
      ['everybody', 'binary some'],
    ]);
  });

  test.each([
    ['a', 'b:c', 'a:b', 'c'],
    ['1', ':1:x', '1:', '1:x'],
    ['*', 'x', '', 'x'],
  ])('namespaces %j and %j do not mix', async (namespace, topic, other, otherTopic) => {
    const { adapter, join } = crosswsServer(scope(), {
      getNamespace: () => namespace,
      hooks: { open: (peer) => void peer.subscribe(topic) },
    });
    await join();
    await turns();
    expect(adapter.publish(otherTopic, 'x', { namespace: other || 'none' })).toBe(0);
    expect(adapter.publish(topic, 'x', { namespace })).toBe(1);
  });

  test('ends with unsubscribe; the topics are still seen by close', async () => {
    const seen: string[][] = [];
    const { adapter, join } = crosswsServer(scope(), {
      hooks: {
        open(peer) {
          for (const topic of ['a', 'b']) peer.subscribe(topic);
          peer.unsubscribe('a');
        },
        close: (peer) => void seen.push([...peer.topics]),
      },
    });
    const { client } = await join();
    await turns();
    expect([adapter.publish('a', 'x'), adapter.publish('b', 'x')]).toEqual([0, 1]);
    client.close();
    await until(() => seen.length === 1, 'close');
    expect(seen).toEqual([['b']]);
    expect(adapter.publish('b', 'x')).toBe(0);
  });

  test('reaches other processes with a broker: one namespace, and all', async () => {
    const engine = new MemoryEngine();
    const here = newsServer({ serverOptions: { broker: engine.broker() } });
    const there = newsServer({ serverOptions: { broker: engine.broker() } });
    await here.join('/a');
    const member = await there.join('/a');
    const other = await there.join('/b');
    await turns();
    here.peers[0]?.publish('news', 'one');
    here.adapter.publish('news', 'two');
    await until(() => member.received.length === 2, 'two messages');
    await turns();
    expect([member.received, other.received]).toEqual([['one', 'two'], ['two']]);
  });
});

describe('a driver of sync', () => {
  function drivers() {
    const published: SyncMessage[] = [];
    let deliver = (_: SyncMessage): void => {};
    let isClosed = false;
    const sync = (): SyncDriver => ({
      subscribe(given) {
        deliver = given;
      },
      publish: (message) => void published.push(message),
      close() {
        isClosed = true;
      },
    });
    return {
      sync,
      published,
      deliver: (one: SyncMessage) => deliver(one),
      isClosed: () => isClosed,
    };
  }

  test('carries what is published, and delivers what it receives', async () => {
    const { sync, published, deliver, isClosed } = drivers();
    const { adapter, join, peers } = newsServer({ sync });
    const { received } = await join('/a');
    await turns();
    peers[0]?.publish('news', { a: 1 });
    adapter.publish('news', Buffer.from([1]));
    expect(published).toEqual([
      { namespace: '/a', topic: 'news', data: '{"a":1}' },
      { namespace: '', topic: 'news', data: Buffer.from([1]) },
    ]);
    deliver({ namespace: '/a', topic: 'news', data: 'near' });
    deliver({ namespace: '/b', topic: 'news', data: 'far' });
    deliver({ namespace: '', topic: 'news', data: 'all' });
    await until(() => received.length === 3, 'three messages');
    expect(received.slice(1)).toEqual(['near', 'all']);
    await adapter.close();
    expect(isClosed()).toBe(true);
  });

  test.each<[string, Partial<SyncDriver>]>([
    ['subscribe', { subscribe: () => Promise.reject(new Error('broken')) }],
    [
      'publish',
      {
        publish: () => {
          throw new Error('broken');
        },
      },
    ],
  ])('that fails in %s is reported', async (stage, broken) => {
    const stages: string[] = [];
    const driver = { subscribe() {}, publish() {}, ...broken };
    const report = newsServer({
      sync: () => driver,
      onError: (error, context) => stages.push(`${context.stage} ${(error as Error).message}`),
    });
    report.adapter.publish('news', 'x');
    await turns();
    expect(stages).toEqual([`${stage} broken`]);
    newsServer({ sync: () => driver }).adapter.publish('news', 'x');
    await turns();
    expect(warnings('WS6455_CALLBACK_ERROR')).toHaveLength(1);
  });
});

describe('a peer', () => {
  async function onePeer(options: AdapterOptions = {}, path = '/chat?a=b', protocols?: string[]) {
    const { join, peers } = newsServer(options);
    const { client, received } = await join(path, { headers: { 'X-Own': 'yes' } }, protocols);
    await until(() => peers.length === 1, 'a peer');
    return { peer: peers[0] as Peer, client, received }; // there is one
  }

  test('has an id, its request and its WebSocket', async () => {
    const { peer } = await onePeer({ handleProtocols: () => 'y' }, '/chat?a=b', ['x', 'y']);
    expect(peer.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(`${peer}`).toBe(peer.id);
    expect(peer.namespace).toBe('/chat');
    expect(peer.request).toBeInstanceOf(Request);
    expect(peer.request.url).toBe('http://server.example.com/chat?a=b');
    expect(peer.request.method).toBe('GET');
    expect(peer.request.headers.get('x-own')).toBe('yes');
    expect(await peer.request.text()).toBe('');
    expect(peer.request.clone().url).toBe(peer.request.url);
    expect([...peer.peers]).toEqual([peer]);
    expect(peer.websocket).toMatchObject({
      readyState: 1,
      protocol: 'y',
      url: 'ws://server.example.com/chat?a=b',
    });
  });

  test('names what the request asks for where nothing was negotiated', async () => {
    const peers: Peer[] = [];
    const { ask } = crosswsServer(scope(), { hooks: { open: (peer) => void peers.push(peer) } });
    await ask({ add: [['Sec-WebSocket-Protocol', 'a']] }).inbox.message();
    await until(() => peers.length === 1, 'a peer');
    expect(peers[0]?.websocket).toMatchObject({ protocol: 'a', extensions: '' });
  });

  test.each<[string, unknown, string]>([
    ['text', 'hello', 'hello'],
    ['an object', { a: [1] }, '{"a":[1]}'],
    ['a number', 5, '5'],
    ['a boolean', false, 'false'],
    ['nothing', undefined, ''],
    ['null', null, ''],
    ['a function', () => {}, '{}'],
    ['bytes', new Uint8Array([104, 105]), 'binary hi'],
    ['an ArrayBuffer', new Uint8Array([104, 105]).buffer, 'binary hi'],
  ])('sends %s', async (_, data, text) => {
    const { peer, received } = await onePeer();
    expect(peer.send(data)).toBeGreaterThanOrEqual(0);
    await until(() => received.length === 1, 'a message');
    expect(received).toEqual([text]);
  });

  test('gives an invalid Ping to the hook error', async () => {
    const errors: string[] = [];
    const { join } = crosswsServer(scope(), {
      hooks: {
        open: (peer) => peer.ping('x'.repeat(126)),
        error: (_, { message }) => void errors.push(message),
      },
    });
    await join();
    await until(() => errors.length === 1, 'an error');
    expect(errors).toEqual([expect.stringContaining('125')]);
  });

  test('the signal of its request is aborted at its end', async () => {
    const { peer, client } = await onePeer();
    const { signal } = peer.request;
    expect(signal.aborted).toBe(false);
    client.terminate();
    await until(() => signal.aborted, 'the signal');
  });

  test('waitForDrain waits until the buffer is empty, or the connection has ended', async () => {
    const { peer, client } = await onePeer();
    await peer.waitForDrain();
    client.pause();
    const fill = async () => {
      while (peer.bufferedAmount < 1_000_000) peer.send('x'.repeat(200_000));
      await turns();
    };
    await fill();
    const reason = new Error('enough');
    await expect(peer.waitForDrain({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const drained = peer.waitForDrain();
    client.resume();
    await drained;
    expect(peer.bufferedAmount).toBe(0);
    client.pause();
    await fill();
    const ended = peer.waitForDrain();
    peer.terminate();
    await ended;
  });
});

describe('a message', () => {
  async function received(data: string | Buffer, binaryType = 'nodebuffer'): Promise<Message> {
    const messages: Message[] = [];
    const { join } = crosswsServer(scope(), {
      hooks: {
        open(peer) {
          peer.websocket.binaryType = binaryType as 'nodebuffer';
        },
        message: (_, message) => void messages.push(message),
      },
    });
    const { client } = await join();
    client.send(data);
    await until(() => messages.length === 1, 'a message');
    return messages[0] as Message; // there is one
  }

  test('of text', async () => {
    const message = await received('{"a":"é"}');
    expect(message.rawData).toBe('{"a":"é"}');
    expect(message.text()).toBe('{"a":"é"}');
    expect(`${message}`).toBe('{"a":"é"}');
    expect(message.json()).toEqual({ a: 'é' });
    expect(Buffer.from(message.uint8Array()).toString()).toBe('{"a":"é"}');
    expect(message.data).toEqual(Buffer.from('{"a":"é"}'));
    expect(message.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('of bytes has an ArrayBuffer of its own bytes only', async () => {
    const message = await received(Buffer.from('small'));
    expect(Buffer.from(message.arrayBuffer()).toString()).toBe('small');
    expect(await message.blob().text()).toBe('small');
    expect(message.text()).toBe('small');
    expect(message.data).toEqual(Buffer.from('small'));
  });

  test.each(['arraybuffer', 'blob', 'fragments'])('with the binaryType %s', async (type) => {
    const message = await received(Buffer.from('bytes'), type);
    const blob = message.blob();
    expect(await blob.text()).toBe('bytes');
    if (type === 'blob') expect(() => message.text()).toThrow(/only the view blob/);
    else expect(message.text()).toBe('bytes');
    if (type === 'arraybuffer') expect(message.data).toBeInstanceOf(ArrayBuffer);
  });
});

test('idleTimeout pings a silent peer', async () => {
  const { join } = crosswsServer(scope(), { idleTimeout: 0.02 });
  const { client } = await join();
  await next(client, 'ping');
  expect(client.readyState).toBe(1);
});
