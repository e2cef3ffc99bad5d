/** `sent` of a WebSocket: when it resolves, and what it rejects with. */

import { describe, expect, test } from '@jest/globals';
import { said, useConnections, useSockets } from '../../support/connections.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { ROLES, unconnected } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);
const { connecting, closed } = useSockets(scope);

/** What became of a promise. */
function watch(promise: Promise<void>): string[] {
  const outcome: string[] = [];
  promise.then(
    () => outcome.push('resolved'),
    (error: Error & { code?: string }) => outcome.push(error.code ?? error.name),
  );
  return outcome;
}

describe.each(ROLES)('sent of a %s', (role) => {
  test('sends as send does, and resolves at once while more may be sent', async () => {
    const { ws, wire } = await openConnection(role, {}, { hold: true });
    expect(await ws.sent('a')).toBeUndefined();
    await ws.sent('b', { binary: true });
    expect(ws.bufferedAmount).toBe(2);
    wire.hold = false;
    while (wire.held > 0) wire.release();
    await turns();
    expect(said(wire)).toEqual(['text a', 'binary b']);
  });

  test('waits until the message is written when no more may be sent', async () => {
    const { ws, wire } = await openConnection(role, {}, { hold: true });
    const outcome = watch(ws.sent(Buffer.alloc(100_000)));
    await turns();
    expect(outcome).toEqual([]);
    wire.hold = false;
    wire.release();
    await turns();
    expect(outcome).toEqual(['resolved']);
  });

  test('rejects when the connection ends before', async () => {
    const { ws, wire } = await openConnection(role, {}, { hold: true });
    const outcome = watch(ws.sent(Buffer.alloc(100_000)));
    wire.destroy();
    await turns();
    expect(outcome).toEqual(['WS_ERR_NOT_SENT']);
  });

  test('rejects when the message is dropped for a slow peer', async () => {
    const settings = { maxBufferedAmount: 150_000, overflow: 'drop-newest' };
    const { ws, wire } = await openConnection(role, settings, { hold: true });
    const first = watch(ws.sent(Buffer.alloc(100_000)));
    const second = watch(ws.sent(Buffer.alloc(100_000)));
    await turns();
    expect([first, second]).toEqual([[], ['WS_ERR_DROPPED']]);
    wire.hold = false;
    wire.release();
    await turns();
    expect(first).toEqual(['resolved']);
  });

  test('rejects when the connection is closing', async () => {
    const { ws } = await openConnection(role);
    ws.close();
    const outcome = watch(ws.sent('late'));
    await turns();
    expect([outcome, ws.bufferedAmount]).toEqual([['WS_ERR_NOT_OPEN'], 0]);
  });
});

test('rejects while connecting, when closed, and for what is no message', async () => {
  const refusal = expect.objectContaining({ code: 'WS_ERR_NOT_OPEN' });
  await expect(connecting().sent('a')).rejects.toEqual(refusal);
  await expect((await closed()).sent('a')).rejects.toEqual(refusal);
  await expect(unconnected('server').sent('a')).rejects.toEqual(refusal);
  const { ws } = await openConnection();
  await expect(ws.sent({} as never)).rejects.toThrow(TypeError);
});

test('waits for the callback where send of a subclass returns nothing', async () => {
  const { ws, wire } = await openConnection('server', {}, { hold: true });
  const { send } = ws;
  ws.send = function sendAsOfWs(this: typeof ws, ...args: unknown[]) {
    Reflect.apply(send, this, args);
  } as typeof send;
  const outcome = watch(ws.sent('a'));
  await turns();
  expect(outcome).toEqual([]);
  wire.release();
  await turns();
  expect(outcome).toEqual(['resolved']);
});
