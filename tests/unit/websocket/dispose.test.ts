/** Symbol.asyncDispose of a WebSocket, in each state of the connection. */

import { expect, test } from '@jest/globals';
import { useClock } from '../../support/clock.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { MemoryClient } from '../../support/memory-client.js';
import { useScope } from '../../support/scope.js';
import {
  connectPair,
  onWire,
  recordEvents,
  unconnected,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

/** Disposes of a WebSocket. @returns whether that has ended */
function dispose(ws: WebSocketInstance): () => boolean {
  let hasEnded = false;
  void ws[Symbol.asyncDispose]().then(() => {
    hasEnded = true;
  });
  return () => hasEnded;
}

test.each(['client', 'ws'] as const)('%s: closes with 1000 and waits for close', async (end) => {
  const pair = await connectPair(scope());
  const { [end]: ws } = pair;
  const events = recordEvents(end === 'ws' ? pair.client : pair.ws);
  ws.send('last');
  const hasEnded = dispose(ws);
  expect(ws.readyState).toBe(2);
  await until(hasEnded, 'the end');
  expect(ws.readyState).toBe(3);
  await until(() => events.length === 2, 'both events');
  expect(events).toEqual(['message last', 'close 1000']);
});

test('a paused connection is read again, so that the handshake ends', async () => {
  const { client, ws } = await connectPair(scope());
  ws.pause();
  await until(dispose(ws), 'the end');
  expect(ws.closeInfo).toMatchObject({ wasClean: true, by: 'us' });
  await until(() => client.readyState === 3, 'the client to close');
});

test('a paused connection whose closing handshake has begun is read again too', async () => {
  const { client, ws } = await connectPair(scope());
  ws.pause();
  ws.close(4000);
  await until(dispose(ws), 'the end');
  expect(ws.closeInfo).toMatchObject({ wasClean: true, received: { code: 4000 } });
  await until(() => client.readyState === 3, 'the client to close');
});

test('while connecting it aborts the handshake, and no error ends the process', async () => {
  const { ws } = new MemoryClient(scope());
  ws.removeAllListeners('error');
  await until(dispose(ws), 'the end');
  expect(ws.readyState).toBe(3);
});

test('an unconnected WebSocket ends too', async () => {
  const ws = unconnected('server');
  await until(dispose(ws), 'the end');
  expect(ws.readyState).toBe(3);
});

test('a peer that does not answer is dropped after closeTimeout', async () => {
  clock.stop();
  const wire = new ManualWire();
  const ws = onWire(wire, 'server', { closeTimeout: 500 });
  const hasEnded = dispose(ws);
  await turns();
  expect(hasEnded()).toBe(false);
  clock.advance(500);
  await until(hasEnded, 'the end');
});

test('a closing handshake in progress keeps its code; a second disposal waits too', async () => {
  const { client, ws } = await connectPair(scope());
  const events = recordEvents(client);
  ws.close(4000);
  const ends = [dispose(ws), dispose(ws)];
  await until(() => ends.every((hasEnded) => hasEnded()), 'both ends');
  await until(() => events.length > 0, "'close'");
  expect(events).toEqual(['close 4000']);
});

test('a closed WebSocket is disposed of at once', async () => {
  const { ws } = await connectPair(scope());
  await until(dispose(ws), 'the end');
  const hasEnded = dispose(ws);
  await Promise.resolve();
  await Promise.resolve();
  expect(hasEnded()).toBe(true);
});
