/** `bufferedAmount` of an open and of a closed connection. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { said, text, useConnections } from '../../support/connections.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { ROLES } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);

describe('bufferedAmount', () => {
  test.each(ROLES)('of a %s is the payload that send got, until the tick ends', async (role) => {
    const { ws } = await openConnection(role);
    expect(ws.bufferedAmount).toBe(0);
    ws.send('foo');
    expect(ws.bufferedAmount).toBe(3);
    ws.send('äöü');
    ws.send(Buffer.alloc(10));
    expect(ws.bufferedAmount).toBe(19);
    await until(() => ws.bufferedAmount === 0, 'everything to be written');
  });

  test.each(ROLES)('of a %s counts what the wire holds, write by write', async (role) => {
    const { ws, wire } = await openConnection(role, {}, { hold: true });
    ws.send('hello');
    await turns(1);
    expect(ws.bufferedAmount).toBe(5);
    ws.send(Buffer.alloc(100));
    ws.send(Buffer.alloc(20));
    ws.send(Buffer.alloc(9000));
    expect(ws.bufferedAmount).toBe(9125);
    await turns(1);
    expect(ws.bufferedAmount).toBe(9125);
    wire.release();
    await turns(1);
    expect(ws.bufferedAmount).toBe(9120);
    ws.send('more');
    expect(ws.bufferedAmount).toBe(9124);
    wire.hold = false;
    wire.release();
    await until(() => ws.bufferedAmount === 0, 'everything to be written');
    expect(said(wire)).toHaveLength(5);
  });

  test.each(ROLES)('of a %s counts no Ping, Pong or Close', async (role) => {
    const { ws } = await openConnection(role, {}, { hold: true });
    ws.ping('ping');
    ws.pong('pong');
    expect(ws.bufferedAmount).toBe(0);
    ws.send('x');
    ws.close(1000, 'reason');
    expect(ws.bufferedAmount).toBe(1);
  });

  test('counts what listeners send while a chunk is read', async () => {
    const { ws, wire } = await openConnection();
    const seen: number[] = [];
    ws.on('message', (data) => {
      ws.send(data);
      seen.push(ws.bufferedAmount);
    });
    wire.arrive(text('server', 'ab'), text('server', 'cde'));
    expect(seen).toEqual([2, 5]);
    await until(() => ws.bufferedAmount === 0, 'everything to be written');
  });

  test('is not deceived by what a program writes to the wire itself', async () => {
    const { ws, wire } = await openConnection('server', {}, { hold: true });
    ws.send('hello');
    wire.write(Buffer.alloc(50));
    ws.send('more');
    await turns(1);
    expect(ws.bufferedAmount).toBe(9);
    wire.hold = false;
    wire.release();
    await until(() => ws.bufferedAmount === 0, 'everything to be written');
  });

  test('grows by what is sent after the connection closed', async () => {
    const { ws, wire } = await openConnection();
    wire.destroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    ws.send('äbc');
    ws.send(Buffer.alloc(10));
    ws.ping('xy');
    expect(ws.bufferedAmount).toBe(16);
  });
});
