/** Promises and iterations end with the connection, whatever listeners the program removes. */

import { expect, test } from '@jest/globals';
import { text, useConnections } from '../../support/connections.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const openConnection = useConnections(scope);

test('`closed` resolves after removeAllListeners()', async () => {
  const { ws, wire } = await openConnection();
  const promise = ws.closed;
  ws.removeAllListeners();
  wire.destroy();
  expect(await promise).toBe(ws.closeInfo);
});

test('`await using` ends after removeAllListeners()', async () => {
  const { ws, wire } = await openConnection();
  const disposed = ws[Symbol.asyncDispose]();
  ws.removeAllListeners();
  wire.destroy();
  await disposed;
  expect(ws.readyState).toBe(ws.CLOSED);
});

test('a loop that waits ends with its connection after removeAllListeners()', async () => {
  const { ws, wire } = await openConnection();
  const waiting = ws.messages().next();
  ws.removeAllListeners();
  wire.destroy();
  await expect(waiting).rejects.toMatchObject({ code: 'WS_ERR_CLOSED', closeCode: 1006 });
});

test('what waits when the listeners are removed is still iterated', async () => {
  const { ws, wire } = await openConnection();
  const messages = ws.messages();
  wire.arrive(text('server', 'a'));
  await turns();
  ws.removeAllListeners();
  wire.destroy();
  expect(await messages.next()).toMatchObject({ value: { data: 'a' } });
  await expect(messages.next()).rejects.toMatchObject({ code: 'WS_ERR_CLOSED' });
});
