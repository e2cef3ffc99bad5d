/** RFC 6455 §5.3: a source of masking keys that throws costs one call or one connection, nothing more. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { closePayload, frame, OPCODE, readFrames } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import { onWire, recordEvents, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const broken = new Error('no entropy');

interface OpenConnection {
  ws: WebSocketInstance;
  wire: ManualWire;
  events: string[];
  /** From here on the source throws, or does not. */
  fail(fails: boolean): void;
}

async function openConnection(): Promise<OpenConnection> {
  let fails = false;
  const wire = new ManualWire();
  const generateMask = (key: Buffer): void => {
    if (fails) throw broken;
    key.fill(7);
  };
  const ws = onWire(wire, 'client', { generateMask, closeTimeout: 1000 });
  scope().track(ws);
  await turns(1);
  const fail = (value: boolean): void => {
    fails = value;
  };
  return { ws, wire, events: recordEvents(ws), fail };
}

const opcodes = (wire: ManualWire): number[] =>
  readFrames(wire.sent).frames.map(({ opcode }) => opcode);

describe('a call for which generateMask throws', () => {
  const calls: [string, (ws: WebSocketInstance) => void][] = [
    ['send', (ws) => ws.send('x')],
    ['send of a large message', (ws) => ws.send(Buffer.alloc(100_000))],
    ['send of a fragment', (ws) => ws.send('x', { fin: false })],
    ['send of a prepared message', (ws) => ws.send(WebSocket.prepareMessage('x') as never)],
    ['ping', (ws) => ws.ping('x')],
    ['pong', (ws) => ws.pong('x')],
    ['close', (ws) => ws.close(1000)],
  ];

  test.each(calls)('%s throws, and nothing is changed', async (_name, call) => {
    const { ws, wire, events, fail } = await openConnection();
    fail(true);
    expect(() => call(ws)).toThrow(broken);
    expect([ws.readyState, ws.bufferedAmount]).toEqual([WebSocket.OPEN, 0]);
    fail(false);
    ws.send('whole');
    ws.close(1000);
    expect(opcodes(wire)).toEqual([OPCODE.TEXT, OPCODE.CLOSE]);
    wire.arrive(frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000) }));
    wire.finish();
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 1000']);
  });

  test('terminate() drops the connection', async () => {
    const { ws, events, fail } = await openConnection();
    fail(true);
    expect(() => ws.send('x')).toThrow(broken);
    ws.terminate();
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 1006']);
  });

  test('the time limit of a closing handshake drops the connection', async () => {
    clock.stop();
    const { ws, events, fail } = await openConnection();
    ws.close();
    fail(true);
    await turns();
    clock.advance(1000);
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 1006']);
  });
});

describe('a frame of our own for which generateMask throws', () => {
  const frames: [string, Buffer, string[]][] = [
    ['a Pong', frame({ opcode: OPCODE.PING, payload: 'x' }), ['error no entropy', 'ping x']],
    [
      'the answer to a Close',
      frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000) }),
      ['error no entropy'],
    ],
  ];

  test.each(frames)('%s fails the connection', async (_name, bytes, settled) => {
    const { ws, wire, events, fail } = await openConnection();
    fail(true);
    wire.arrive(bytes);
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    expect(events.slice(0, -1)).toEqual(settled);
    expect(ws.closeInfo?.error).toBe(broken);
  });

  test('the Close of a violation: the connection is dropped, the violation is reported', async () => {
    const { ws, wire, events, fail } = await openConnection();
    fail(true);
    wire.arrive(frame({ opcode: 3, payload: '' }));
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    expect(events).toEqual(['error Invalid WebSocket frame: invalid opcode 3', 'close 1006']);
  });

  test('a message that waited for its Blob: the one that has no key yet', async () => {
    const { ws, events, fail } = await openConnection();
    const errors: unknown[] = [];
    for (const one of ['a', 'b']) ws.send(new Blob([one]), (error) => errors.push(error));
    fail(true);
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    expect(events).toEqual(['error no entropy', 'close 1006']);
    expect(errors).toEqual([undefined, broken]);
  });
});
