/** `unsent()`: the messages that never reached the operating system. */

import { expect, test } from '@jest/globals';
import { withUnsent } from '../../../src/reconnect/unsent.js';
import { reconnect } from '../../../src/reconnect.js';
import { WebSocket } from '../../../src/websocket/websocket.js';
import { until } from '../../support/inbox.js';
import { QuoteServer } from '../../support/quote-server.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

async function connect() {
  const server = await QuoteServer.start(scope());
  const loop = reconnect(`ws://127.0.0.1:${server.port}/`);
  const { value: socket } = await loop.next();
  if (socket === undefined) throw new Error('no connection');
  return { server, loop, socket };
}

test('what was written is not in it', async () => {
  const { server, loop, socket } = await connect();
  socket.send('one');
  await socket.sent('two');
  await until(() => server.subscriptions.length === 2, 'both messages');
  expect(socket.unsent()).toEqual([]);
  await loop.return?.();
});

test('what was sent after the end is in it, in order, with its options', async () => {
  const { loop, socket } = await connect();
  socket.terminate();
  await socket.closed;
  const errors: unknown[] = [];
  const onSent = (error?: Error | null): void => void errors.push(error?.message);
  socket.send('one', onSent);
  socket.send(Buffer.from('two'), { binary: false }, onSent);
  await until(() => errors.length === 2, 'the callbacks');
  expect(errors).toEqual([expect.stringMatching(/not open/), expect.stringMatching(/not open/)]);
  expect(socket.unsent()).toEqual([
    { data: 'one', options: {} },
    { data: Buffer.from('two'), options: { binary: false } },
  ]);
  await loop.return?.();
});

test('what a stalled server did not take is in it', async () => {
  const { server, loop, socket } = await connect();
  server.stall();
  const chunk = Buffer.alloc(1 << 20);
  let sent = 0;
  while (socket.bufferedAmount < 4 << 20 && sent++ < 64) socket.send(chunk);
  socket.send('last');
  socket.terminate();
  await socket.closed;
  expect(socket.unsent().at(-1)).toEqual({ data: 'last', options: {} });
  expect(socket.unsent().length).toBeGreaterThan(1);
  await loop.return?.();
});

test('data that send refuses with an exception is not in it', async () => {
  const { loop, socket } = await connect();
  expect(() => socket.send(Symbol('x') as never)).toThrow(TypeError);
  expect(socket.unsent()).toEqual([]);
  await loop.return?.();
});

test('the class is made once for each class', () => {
  class Other extends WebSocket {}
  expect(withUnsent(WebSocket)).toBe(withUnsent(WebSocket));
  expect(withUnsent(Other)).not.toBe(withUnsent(WebSocket));
  expect(withUnsent(Other).name).toBe('Other');
});
