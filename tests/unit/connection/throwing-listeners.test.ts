/** Listeners that throw while a chunk is read. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { close, ping, said, text, useConnections } from '../../support/connections.js';
import { OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { uncaught } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { frameFor, onWire, ROLES, recordEvents } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);

describe.each(ROLES)('a listener that throws, on a %s', (role) => {
  const mine = new Error('of the program');
  const raise = (): never => {
    throw mine;
  };

  test.each([
    ['message', text(role, 'x')],
    ['ping', ping(role, 'x')],
    ['pong', frameFor(role, { opcode: OPCODE.PONG, payload: 'x' })],
  ] as const)(
    "of '%s': the exception surfaces, what follows is delivered",
    async (event, bytes) => {
      const { ws, wire, events } = await openConnection(role);
      ws.once(event, raise);
      expect(() => wire.arrive(bytes, text(role, 'a'), ping(role, 'b'))).toThrow(mine);
      expect(events).toHaveLength(1);
      await turns();
      expect(events.slice(1)).toEqual(['message a', 'ping b']);
      wire.arrive(text(role, 'c'));
      expect(events.slice(3)).toEqual(['message c']);
      wire.arrive(close(role, 1000));
      await turns();
      expect(said(wire).slice(-2)).toEqual(['pong b', 'close 1000']);
      wire.destroy();
      await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
      expect(events.at(-1)).toBe('close 1000');
    },
  );

  test('each time: the exceptions surface one by one, nothing is lost', async () => {
    const caught = uncaught(scope());
    const { ws, wire, events } = await openConnection(role);
    ws.on('message', raise);
    expect(() => wire.arrive(...['a', 'b', 'c'].map((one) => text(role, one)))).toThrow(mine);
    wire.destroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    expect(events).toEqual(['message a', 'message b', 'message c', 'close 1006']);
    expect(caught).toEqual([mine, mine]);
  });

  test('what it sent before it threw leaves', async () => {
    const { ws, wire } = await openConnection(role);
    ws.once('message', () => {
      ws.send('answer');
      raise();
    });
    expect(() => wire.arrive(ping(role, 'a'), text(role, 'b'))).toThrow(mine);
    expect(said(wire)).toEqual(['pong a', 'text answer']);
  });

  test('in the middle of a cut frame: the rest of that frame is read', async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.once('message', raise);
    const second = text(role, 'second');
    expect(() => wire.arrive(text(role, 'first'), second.subarray(0, 5))).toThrow(mine);
    wire.arrive(second.subarray(5));
    await turns();
    expect(events).toEqual(['message first', 'message second']);
  });

  test("and the peer's Close in the same chunk: 'close' comes with its code", async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.once('message', raise);
    expect(() => wire.arrive(text(role, 'a'), close(role, 1001))).toThrow(mine);
    wire.finish();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    expect(events).toEqual(['message a', 'close 1001']);
  });

  test('and pauses: the rest waits for resume()', async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.once('message', () => {
      ws.pause();
      raise();
    });
    expect(() => wire.arrive(text(role, 'a'), text(role, 'b'))).toThrow(mine);
    await turns();
    expect(events).toEqual(['message a']);
    ws.resume();
    await turns();
    expect(events).toEqual(['message a', 'message b']);
  });

  test('when the connection was paused: all chunks that waited are delivered', async () => {
    const caught = uncaught(scope());
    const { ws, wire, events } = await openConnection(role);
    ws.pause();
    for (const one of ['a', 'b', 'c']) {
      wire.arrive(text(role, one));
      await turns(1);
    }
    ws.once('message', raise);
    ws.resume();
    await turns();
    expect(caught).toEqual([mine]);
    expect(events).toEqual(['message a', 'message b', 'message c']);
  });

  test('on the bytes behind the handshake: the rest is delivered', async () => {
    const caught = uncaught(scope());
    const wire = new ManualWire();
    wire.arrive(text(role, 'c'));
    const ws = onWire(wire, role, { head: Buffer.concat([text(role, 'a'), text(role, 'b')]) });
    scope().track(ws);
    const events = recordEvents(ws);
    ws.once('message', raise);
    await turns();
    expect(caught).toEqual([mine]);
    expect(events).toEqual(['message a', 'message b', 'message c']);
  });

  test("of 'error': the Close that says why leaves, 'close' comes", async () => {
    const { ws, wire, events } = await openConnection(role);
    ws.once('error', raise);
    expect(() => wire.arrive(frameFor(role, { rsv: 2 }))).toThrow(mine);
    expect(said(wire)).toEqual(['close 1002']);
    await until(() => wire.writableFinished, 'our end');
    wire.destroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    expect(events).toHaveLength(2);
    expect(events[1]).toBe('close 1006');
  });

  test("missing for 'error': the error itself surfaces, 'close' comes", async () => {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    await turns(1);
    const codes: number[] = [];
    ws.on('close', (code) => codes.push(code));
    // In jest's realm node wraps it ("Unhandled error."); the error itself is seen in a child above.
    expect(() => wire.arrive(frameFor(role, { rsv: 2 }))).toThrow('RSV2 and RSV3 must be clear');
    expect(said(wire)).toEqual(['close 1002']);
    wire.destroy();
    await until(() => codes.length > 0, "'close'");
    expect(codes).toEqual([1006]);
  });

  test("of 'close': the connection is closed all the same, once", async () => {
    const caught = uncaught(scope());
    const { ws, wire, events } = await openConnection(role);
    ws.on('close', raise);
    wire.destroy();
    await turns();
    expect(caught).toEqual([mine]);
    expect(events).toEqual(['close 1006']);
    expect(ws.readyState).toBe(WebSocket.CLOSED);
  });

  test("of 'open': the exception comes out of setSocket, the connection works", async () => {
    const wire = new ManualWire();
    const ws = scope().track(new WebSocket(null, undefined, { isServer: role === 'server' }));
    const events = recordEvents(ws);
    ws.once('open', raise);
    expect(() => (ws as WebSocket.Unconnected).setSocket(wire, Buffer.alloc(0), {})).toThrow(mine);
    await turns(1);
    wire.arrive(text(role, 'a'));
    ws.send('b');
    await turns(1);
    expect(events).toEqual(['open', 'message a']);
    expect(said(wire)).toEqual(['text b']);
  });
});
