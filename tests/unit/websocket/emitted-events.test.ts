/** The events that a WebSocket emits. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useSockets } from '../../support/connections.js';
import { closePayload, OPCODE, readFrames } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import {
  connectPair,
  frameFor,
  memoryServer,
  recordEvents,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const { onManualWire } = useSockets(scope);

describe('events', () => {
  test("'open' comes before messages, on both ends", async () => {
    const opened: string[] = [];
    class Noting extends WebSocket {
      override emit(event: string | symbol, ...args: unknown[]): boolean {
        opened.push(String(event));
        return super.emit(event, ...args);
      }
    }
    const { http, connect } = memoryServer(scope());
    const wss = serve(scope(), { server: http, WebSocket: Noting });
    wss.on('connection', (ws: WebSocketInstance) => {
      opened.push('connection');
      ws.send('welcome');
    });
    const client = connect();
    const events = recordEvents(client);
    await until(() => events.length > 1, "'message'");
    expect(events).toEqual(['open', 'message welcome']);
    expect(opened.slice(0, 2)).toEqual(['open', 'connection']);
  });

  test("'message' gives a Buffer for text too, and says which it is", async () => {
    const { ws, wire } = await onManualWire('server');
    const seen: unknown[][] = [];
    ws.on('message', (...args: unknown[]) => seen.push(args));
    wire.arrive(frameFor('server', { payload: 'ä' }));
    wire.arrive(frameFor('server', { payload: 'b', opcode: OPCODE.BINARY }));
    expect(seen).toEqual([
      [Buffer.from('ä'), false],
      [Buffer.from('b'), true],
    ]);
    expect(seen.every(([data]) => Buffer.isBuffer(data))).toBe(true);
  });

  test('a message that nobody listens to is lost, the connection goes on', async () => {
    const { ws, wire } = await onManualWire('server');
    wire.arrive(frameFor('server', { payload: 'a' }));
    await turns();
    const events = recordEvents(ws);
    wire.arrive(frameFor('server', { payload: 'b' }));
    expect(events).toEqual(['message b']);
  });

  test("'ping' and 'pong' give Buffers", async () => {
    const { ws, wire } = await onManualWire('server');
    const seen: unknown[] = [];
    ws.on('ping', (data) => seen.push(data));
    ws.on('pong', (data) => seen.push(data));
    wire.arrive(frameFor('server', { opcode: OPCODE.PING, payload: 'a' }));
    wire.arrive(frameFor('server', { opcode: OPCODE.PONG }));
    expect(seen).toEqual([Buffer.from('a'), Buffer.alloc(0)]);
    expect(seen.every((data) => Buffer.isBuffer(data))).toBe(true);
  });

  test("'close' gives the code and the reason as a Buffer, once", async () => {
    const { ws, wire } = await onManualWire('server');
    const seen: unknown[][] = [];
    ws.on('close', (...args: unknown[]) => seen.push(args));
    const opcode = OPCODE.CLOSE;
    wire.arrive(frameFor('server', { opcode, payload: closePayload(1001, 'bye') }));
    wire.finish();
    await until(() => seen.length > 0, "'close'");
    (ws as WebSocket.Unconnected).emitClose();
    await turns();
    expect(seen.slice(0, 1)).toEqual([[1001, Buffer.from('bye')]]);
    expect(Buffer.isBuffer(seen[0]?.[1])).toBe(true);
    if (process.env['WS6455_SUBJECT'] === undefined) expect(seen).toHaveLength(1);
  });

  test("'error' comes once, before 'close', which says 1006 although we sent a code", async () => {
    const { ws, wire, frames } = await onManualWire('server');
    const events = recordEvents(ws);
    const errors: Error[] = [];
    ws.on('error', (error) => errors.push(error));
    wire.arrive(frameFor('server', { rsv: 2 }), frameFor('server', { rsv: 2 }));
    wire.arrive(frameFor('server', { opcode: OPCODE.CLOSE, payload: closePayload(1002) }));
    wire.finish();
    await until(() => events.length > 1, "'close'");
    await turns();
    const sentence = 'Invalid WebSocket frame: RSV2 and RSV3 must be clear';
    expect(events).toEqual([`error ${sentence}`, 'close 1006']);
    expect(errors[0]).toBeInstanceOf(RangeError);
    expect(errors[0]).toMatchObject({ code: 'WS_ERR_UNEXPECTED_RSV_2_3' });
    expect(frames().map(({ payload }) => payload.readUInt16BE(0))).toEqual([1002]);
    expect(ws.closeInfo).toMatchObject({
      wasClean: false,
      sent: { code: 1002, reason: expect.any(String) },
      error: errors[0],
    });
  });

  test('closeInfo is undefined until then', async () => {
    const { ws } = await onManualWire('server');
    expect(ws.closeInfo).toBeUndefined();
    const infos: unknown[] = [];
    ws.on('close', () => infos.push(ws.closeInfo));
    ws.terminate();
    await until(() => infos.length > 0, "'close'");
    expect(infos).toMatchObject([{ wasClean: false, by: 'us', cause: 'terminate' }]);
  });

  test('a program may set what it likes on it', async () => {
    const { ws, wire } = await onManualWire('server');
    const mine = { isAlive: true, id: 7, closeInfo: 'mine', emitted: [] as string[] };
    Object.assign(ws, mine);
    ws.setMaxListeners(50);
    wire.destroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    expect(ws).toMatchObject({ isAlive: true, id: 7 });
  });

  test('removeAllListeners() silences it and breaks nothing', async () => {
    const { ws, wire } = await onManualWire('server');
    const events = recordEvents(ws);
    ws.removeAllListeners();
    wire.arrive(frameFor('server', { opcode: OPCODE.PING }));
    wire.arrive(frameFor('server', { opcode: OPCODE.CLOSE }));
    wire.finish();
    await until(() => ws.readyState === WebSocket.CLOSED, 'the end');
    expect(events).toEqual([]);
    expect(readFrames(wire.sent).frames.map(({ opcode }) => opcode)).toEqual([10, 8]);
  });

  test('a WebSocket stays in use after its socket was destroyed by somebody else', async () => {
    const { ws, client, wires } = await connectPair(scope());
    const server = recordEvents(ws);
    const events = recordEvents(client);
    wires[1].destroy();
    ws.send('x');
    await until(() => server.length + events.length === 2, "'close' on both sides");
    expect([server, events]).toEqual([['close 1006'], ['close 1006']]);
  });
});
