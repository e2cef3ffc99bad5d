/** Messages that nobody takes: held for the next iterator or listener, and forgotten at the end. */

import { getEventListeners, once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import type WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { close, type OpenConnection, text, useConnections } from '../../support/connections.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { connectPair, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const openConnection = useConnections(scope);

const texts = (count: number, from = 0): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => text('server', String(from + i))));
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `${from + i}`);

/** Begins a loop, and leaves it after the first message. */
async function leave(ws: WebSocketInstance, sendFirst: () => void): Promise<void> {
  const messages = ws.messages();
  sendFirst();
  for await (const { data } of messages) {
    expect(data).toBe('0');
    break;
  }
}

/** A WebSocket whose loop was left after the message '0'. */
async function leaveLoop(): Promise<OpenConnection> {
  const connection = await openConnection();
  const { ws, wire } = connection;
  ws.removeAllListeners('message');
  await leave(ws, () => wire.arrive(texts(1)));
  return connection;
}

/** Adds a listener, and collects what it gets. */
function listen(ws: WebSocketInstance): string[] {
  const seen: string[] = [];
  ws.on('message', (data) => seen.push(String(data)));
  return seen;
}

const take = async (ws: WebSocketInstance, count: number): Promise<string[]> => {
  const taken: string[] = [];
  for await (const data of ws) if (taken.push(String(data)) === count) break;
  return taken;
};

describe('after `break`', () => {
  test('the next loop gets what came in between', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(3, 1));
    await turns();
    expect(await take(ws, 2)).toEqual(['1', '2']);
    expect(await take(ws, 1)).toEqual(['3']);
  });

  test('a listener gets what came in between, then the rest, and no iterator does any more', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(3, 1));
    await turns();
    const seen = listen(ws);
    wire.arrive(texts(1, 4));
    await turns();
    wire.arrive(texts(1, 5));
    await turns();
    expect(seen).toEqual(numbers(5, 1));
    expect(ws.listenerCount('message')).toBe(1);
    expect(ws.listenerCount('newListener')).toBe(0);
  });

  test('a message that arrives before the held ones are emitted comes after them', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(2, 1));
    await turns();
    const seen = listen(ws);
    ws.emit('message', Buffer.from('3'), false);
    expect(seen).toEqual(['1', '2', '3']);
    await turns();
    expect(seen).toEqual(['1', '2', '3']);
  });

  test('once() gets one message each time, and none is lost', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(2, 1));
    await turns();
    expect(String(await once(ws, 'message').then(([data]) => data))).toBe('1');
    expect(String(await once(ws, 'message').then(([data]) => data))).toBe('2');
    const third = once(ws, 'message');
    wire.arrive(texts(2, 3));
    expect(String(await third.then(([data]) => data))).toBe('3');
    expect(await take(ws, 1)).toEqual(['4']);
  });

  test('a listener that pauses gets the rest after resume()', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(3, 1));
    await turns();
    const seen: string[] = [];
    ws.on('message', (data) => {
      seen.push(String(data));
      ws.pause();
    });
    await turns();
    expect(seen).toEqual(['1']);
    ws.resume();
    await turns();
    expect(seen).toEqual(['1', '2']);
    ws.resume();
    await turns();
    expect(seen).toEqual(['1', '2', '3']);
  });

  test('an exception of a listener loses no held message', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(2, 1));
    await turns();
    const seen: string[] = [];
    ws.on('message', (data) => {
      seen.push(String(data));
      if (seen.length === 1) throw new Error('listener');
    });
    expect(() => ws.emit('message', Buffer.from('3'), false)).toThrow('listener');
    await turns();
    expect(seen).toEqual(['1', '2', '3']);
  });

  test('messages that a pause held back come before `close`, as without an iteration', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(3, 1));
    await turns();
    ws.pause();
    const seen = listen(ws);
    ws.on('close', () => seen.push('close'));
    wire.destroy();
    await ws.closed;
    expect(seen).toEqual(['1', '2', '3', 'close']);
  });

  test('an exception of a listener at the end loses neither a message nor `close`', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(3, 1));
    await turns();
    ws.pause();
    const seen: string[] = [];
    ws.on('message', (data) => {
      seen.push(String(data));
      if (seen.length === 2) throw new Error('listener');
    });
    ws.on('close', () => seen.push('close'));
    expect(() => (ws as WebSocket.Unconnected).emitClose()).toThrow('listener');
    expect(seen).toEqual(['1', '2', '3', 'close']);
    wire.destroy();
  });

  test('a message that arrives while a held one is emitted makes no message come twice', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(2, 1));
    await turns();
    const seen: string[] = [];
    ws.prependListener('message', (data) => {
      seen.push(String(data));
      if (String(data) === '1') ws.emit('message', Buffer.from('3'), false);
    });
    await turns();
    // The listener stands before everything that could keep the order.
    expect(seen.sort()).toEqual(['1', '2', '3']);
    expect(await Promise.race([take(ws, 1), turns().then(() => 'none')])).toBe('none');
  });

  test('a listener that was there before has got everything: nothing is held', async () => {
    const { ws, wire } = await openConnection(); // it has listeners
    const messages = ws.messages();
    wire.arrive(texts(3));
    await messages.next();
    await messages.return?.();
    const next = ws.messages().next();
    wire.arrive(texts(1, 3));
    expect((await next).value).toMatchObject({ data: '3' });
  });

  test('Pings are answered and a Close is, while fewer than 16 messages wait', async () => {
    const { client, ws } = await connectPair(scope());
    await leave(ws, () => client.send('0'));
    for (let i = 1; i < 16; i++) client.send(String(i));
    await client.measureRoundTrip();
    client.close(1000);
    await ws.closed;
    expect(await take(ws, 100)).toEqual(numbers(15, 1));
  });

  test('reading stops when 16 wait', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(30, 1));
    await turns();
    expect(ws.stats().messages.received).toBe(17);
    expect(await take(ws, 30)).toEqual(numbers(30, 1));
  });
});

test('removeAllListeners() stops no later iteration', async () => {
  const { ws, wire } = await leaveLoop();
  wire.arrive(texts(1, 1));
  ws.removeAllListeners();
  const messages = ws.messages();
  wire.arrive(texts(1, 2));
  expect((await messages.next()).value).toMatchObject({ data: '1' });
  expect((await messages.next()).value).toMatchObject({ data: '2' });
});

describe('close() of this end', () => {
  test('does not wait for closeTimeout behind messages that nobody takes', async () => {
    clock.stop();
    const { client, ws } = await connectPair(scope());
    await leave(ws, () => client.send('0'));
    for (let i = 1; i < 100; i++) client.send(String(i));
    await turns();
    ws.close(1000);
    expect(await ws.closed).toMatchObject({ wasClean: true });
    expect(await take(ws, 100)).toEqual(numbers(16, 1));
  });

  test('in a loop that goes on gives all messages before the Close of the peer', async () => {
    const { client, ws } = await connectPair(scope());
    const messages = ws.messages();
    for (let i = 0; i < 100; i++) client.send(String(i));
    const taken: string[] = [];
    for await (const { data } of messages) if (taken.push(data.toString()) === 1) ws.close(1000);
    expect(taken).toEqual(numbers(100));
  });

  test('in a loop that is left does not wait either', async () => {
    clock.stop();
    const { client, ws } = await connectPair(scope());
    const messages = ws.messages();
    for (let i = 0; i < 100; i++) client.send(String(i));
    for await (const _ of messages) {
      ws.close(1000);
      break;
    }
    expect(await ws.closed).toMatchObject({ wasClean: true });
  });

  test('by `await using` or a shutdown does not wait either', async () => {
    clock.stop();
    const first = await connectPair(scope());
    const second = await connectPair(scope());
    for (const { client, ws } of [first, second]) {
      await leave(ws, () => client.send('0'));
      for (let i = 1; i < 100; i++) client.send(String(i));
    }
    await turns();
    await first.ws[Symbol.asyncDispose]();
    expect(first.ws.closeInfo).toMatchObject({ wasClean: true });
    void second.wss.shutdown({ lameDuck: 0, spread: 0 });
    await until(() => second.ws.readyState === 3, 'the shutdown');
    expect(second.ws.closeInfo).toMatchObject({ wasClean: true });
  });
});

describe('nothing is left behind', () => {
  const listenersOf = (ws: WebSocketInstance) =>
    ws.eventNames().map((name) => [name, ws.listenerCount(name)]);

  test.each(['break', 'signal', 'error'])('by an iteration that ends with %s', async (end) => {
    const { ws, wire } = await openConnection('client');
    const before = listenersOf(ws);
    const controller = new AbortController();
    const { signal } = controller;
    const count = () => getEventListeners(signal, 'abort').length;
    const messages = ws.messages({ signal });
    const next = messages.next().catch(() => {});
    expect(count()).toBe(1);
    if (end === 'break') await messages.return?.();
    else if (end === 'signal') controller.abort();
    else wire.destroy();
    await next;
    await turns();
    expect([count(), listenersOf(ws)]).toEqual([0, before]);
  });

  test('when the connection ends with messages that nobody took', async () => {
    const { ws, wire } = await leaveLoop();
    wire.arrive(texts(2, 1), close('server', 1000));
    wire.finish();
    await until(() => ws.readyState === 3, "'close'");
    expect([ws.listenerCount('message'), ws.listenerCount('newListener')]).toEqual([0, 0]);
    expect(await take(ws, 3)).toEqual(['1', '2']);
  });
});
