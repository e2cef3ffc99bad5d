/** `closed` of a WebSocket. */

import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useConnections, useSockets } from '../../support/connections.js';
import { useScope } from '../../support/scope.js';
import { connectPair, ROLES, unconnected } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);
const { connecting, closed } = useSockets(scope);

test.each(ROLES)('of a %s resolves with closeInfo, once and for all readers', async (role) => {
  const { ws, wire } = await openConnection(role);
  const promise = ws.closed;
  expect(ws.closed).toBe(promise);
  wire.destroy();
  expect(await promise).toBe(ws.closeInfo);
  expect(await promise).toMatchObject({ by: 'wire', wasClean: false });
});

test('resolves at both ends after a closing handshake', async () => {
  const { client, ws } = await connectPair(scope());
  client.close(4000, 'done');
  expect(await ws.closed).toMatchObject({ received: { code: 4000, reason: 'done' } });
  expect(await client.closed).toMatchObject({ by: 'us', wasClean: true });
});

test('is resolved when it is read after the end', async () => {
  const ws = await closed();
  expect(await ws.closed).toBe(ws.closeInfo);
});

test('is not rejected when the opening handshake fails', async () => {
  const ws = connecting();
  ws.terminate();
  expect(await ws.closed).toMatchObject({ by: 'us', error: { code: 'WS_ERR_CLOSED_EARLY' } });
});

test('does not depend on the listeners of the program', async () => {
  const { ws, wire } = await openConnection();
  ws.on('close', () => {
    throw new Error('listener');
  });
  const promise = ws.closed;
  const { emit } = ws;
  const thrown: unknown[] = [];
  ws.emit = function catching(this: typeof ws, ...args: Parameters<typeof emit>) {
    try {
      return Reflect.apply(emit, this, args);
    } catch (error) {
      thrown.push(error);
      return true;
    }
  } as typeof emit;
  wire.destroy();
  expect(await promise).toBe(ws.closeInfo);
  expect(thrown).toHaveLength(1);
});

test('costs nothing until it is read', () => {
  const ws = unconnected('server');
  expect(Object.keys(ws)).not.toContain('closed');
  expect(ws.listenerCount('close')).toBe(0);
});

test('of the prototype is undefined, and a subclass may have its own', () => {
  expect(Reflect.get(WebSocket.prototype, 'closed', WebSocket.prototype)).toBeUndefined();
  class Own extends WebSocket {
    constructor() {
      super(null);
      Reflect.set(this, 'closed', false);
    }
  }
  expect(new Own()).toMatchObject({ closed: false });
  expect(Object.keys(new Own())).toContain('closed');
});
