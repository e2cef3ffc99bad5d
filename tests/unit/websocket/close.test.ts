/** `close`, `terminate`, `pause` and `resume`. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { type Call, methodOf, useSockets } from '../../support/connections.js';
import { closePayload } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import {
  connectPair,
  memoryServer,
  recordEvents,
  serve,
  unconnected,
} from '../../support/websockets.js';

const scope = useScope();
const { connecting, onManualWire, closed } = useSockets(scope);

describe('close()', () => {
  test.each([
    ['nothing', [], Buffer.alloc(0)],
    ['undefined', [undefined, 'ignored'], Buffer.alloc(0)],
    ['a code', [1000], closePayload(1000)],
    ['a code and an empty reason', [1000, ''], closePayload(1000)],
    ['a code and undefined', [1000, undefined], closePayload(1000)],
    ['a code and a number', [1000, 5], closePayload(1000)],
    ['a code and a text', [1001, 'bye ä'], closePayload(1001, 'bye ä')],
    ['a code and bytes', [3000, Buffer.from('bye')], closePayload(3000, 'bye')],
    ['a code and a Uint8Array', [4999, new Uint8Array([65])], closePayload(4999, 'A')],
    ['the longest reason', [1000, 'x'.repeat(123)], closePayload(1000, 'x'.repeat(123))],
  ])('with %s', async (_, args, payload) => {
    const { ws, frames } = await onManualWire('server');
    methodOf(ws, 'close')(...args);
    await turns(1);
    expect(ws.readyState).toBe(WebSocket.CLOSING);
    expect(frames()).toEqual([{ fin: true, rsv: 0, opcode: 8, masked: false, payload }]);
  });

  // RFC 6455 §7.4.1, §7.4.2: what a Close may carry.
  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])(
    'sends code %i',
    async (code) => {
      const { ws, frames } = await onManualWire('server');
      ws.close(code);
      await turns(1);
      expect(frames()[0]?.payload.equals(closePayload(code))).toBe(true);
    },
  );

  const CODES = [
    0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535, -1, 1000.5,
  ];
  test.each([...CODES, Number.NaN, '1000', null, true, {}, [1000]])(
    'refuses code %p with a TypeError and stays open',
    async (code) => {
      const { ws, wire } = await onManualWire('server');
      const error = new TypeError('First argument must be a valid error code number');
      expect(() => methodOf(ws, 'close')(code)).toThrow(error);
      await turns(1);
      expect(ws.readyState).toBe(WebSocket.OPEN);
      expect(wire.writes).toHaveLength(0);
    },
  );

  test.each(['x'.repeat(124), 'ä'.repeat(62), Buffer.alloc(124)])(
    'refuses a reason above 123 bytes with a RangeError and stays open',
    async (reason) => {
      const { ws, wire } = await onManualWire('server');
      const error = new RangeError('The message must not be greater than 123 bytes');
      expect(() => ws.close(1000, reason)).toThrow(error);
      await turns(1);
      expect(ws.readyState).toBe(WebSocket.OPEN);
      expect(wire.writes).toHaveLength(0);
      ws.close(1000, 'short');
      expect(ws.readyState).toBe(WebSocket.CLOSING);
    },
  );

  test('refuses another kind of reason with a TypeError and stays open', async () => {
    const { ws, wire } = await onManualWire('server');
    const close = methodOf(ws, 'close');
    const error = new TypeError('Second argument must be a string or a Uint8Array');
    expect(() => close(1000, new Float32Array(20))).toThrow(error);
    expect(() => close(1000, new Uint16Array(2))).toThrow(error);
    expect(() => close(1000, ['a'])).toThrow(expect.objectContaining({ name: 'TypeError' }));
    await turns(1);
    expect(ws.readyState).toBe(WebSocket.OPEN);
    expect(wire.writes).toHaveLength(0);
  });

  test('a second time changes nothing, whatever its arguments are', async () => {
    const { ws, frames } = await onManualWire('server');
    ws.close(1001);
    ws.close(1002);
    methodOf(ws, 'close')(1);
    await turns(1);
    expect(frames().map(({ payload }) => payload.readUInt16BE(0))).toEqual([1001]);
  });

  test('of a closed one does nothing', async () => {
    const ws = await closed();
    const events = recordEvents(ws);
    methodOf(ws, 'close')(1);
    ws.terminate();
    ws.pause();
    ws.resume();
    await turns();
    expect(events).toEqual([]);
    expect(ws.isPaused).toBe(false);
  });

  test('gives code and reason to both ends', async () => {
    const { ws, client } = await connectPair(scope());
    const server = recordEvents(ws);
    const events = recordEvents(client);
    client.close(3001, 'enough');
    await until(() => server.length + events.length === 2, "'close' on both sides");
    expect([server, events]).toEqual([['close 3001 enough'], ['close 3001 enough']]);
    const said = { code: 3001, reason: 'enough' };
    expect(ws.closeInfo).toMatchObject({ wasClean: true, sent: said, received: said });
    expect(client.closeInfo).toMatchObject({ wasClean: true, sent: said, received: said });
  });

  test('without a code is 1005 on both ends', async () => {
    const { ws, client } = await connectPair(scope());
    const server = recordEvents(ws);
    const events = recordEvents(client);
    ws.close();
    await until(() => server.length + events.length === 2, "'close' on both sides");
    expect([server, events]).toEqual([['close 1005'], ['close 1005']]);
    const said = { code: 1005, reason: '' };
    expect(ws.closeInfo).toMatchObject({ wasClean: true, sent: said, received: said });
  });

  test('on both ends at once ends cleanly', async () => {
    const { ws, client } = await connectPair(scope());
    const server = recordEvents(ws);
    const events = recordEvents(client);
    client.pause(); // the two Closes cross
    ws.close(1001, 'from the server');
    client.close(1000, 'from the client');
    client.resume();
    await until(() => server.length + events.length === 2, "'close' on both sides");
    expect(server).toEqual(['close 1000 from the client']);
    expect(events).toEqual(['close 1001 from the server']);
  });

  test('hands on the reason of another connection', async () => {
    const { ws, client } = await connectPair(scope());
    const other = await connectPair(scope());
    ws.on('close', (code, reason) => other.client.close(code, reason));
    const events = recordEvents(other.ws);
    client.close(4000, 'passed on');
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 4000 passed on']);
  });
});

describe.each(['close', 'terminate'] as const)('%s() while connecting', (name) => {
  test("emits 'error', then 'close' 1006, in a later tick", async () => {
    const ws = connecting();
    const events = recordEvents(ws);
    const states: number[] = [];
    ws.on('error', () => states.push(ws.readyState));
    ws[name]();
    expect(ws.readyState).toBe(WebSocket.CLOSING);
    ws[name]();
    ws.close();
    ws.terminate();
    expect(events).toEqual([]);
    await until(() => events.length > 1, "'close'");
    await turns();
    expect(events).toEqual([
      'error WebSocket was closed before the connection was established',
      'close 1006',
    ]);
    expect(states).toEqual([2]);
  });

  test('ignores its arguments', async () => {
    const ws = connecting();
    const events = recordEvents(ws);
    (ws[name] as Call).call(ws, 1, {});
    await until(() => events.length > 1, "'close'");
    expect(events[1]).toBe('close 1006');
  });

  test("is honoured in the 'upgrade' event", async () => {
    const { http, connect } = memoryServer(scope());
    serve(scope(), { server: http });
    const client = connect();
    const events = recordEvents(client);
    client.on('upgrade', () => client[name]());
    await until(() => events.includes('close 1006'), "'close'");
    expect(events).toEqual([
      'error WebSocket was closed before the connection was established',
      'close 1006',
    ]);
  });
});

describe('pause() and resume() while connecting', () => {
  test('do nothing', () => {
    const ws = connecting();
    ws.pause();
    expect(ws.isPaused).toBe(false);
    ws.resume();
    expect(ws.isPaused).toBe(false);
    unconnected('client').pause();
  });
});

describe('terminate()', () => {
  test("drops the connection: 'close' 1006 on both ends, no 'error'", async () => {
    const { ws, client } = await connectPair(scope());
    const server = recordEvents(ws);
    const events = recordEvents(client);
    ws.terminate();
    expect(ws.readyState).toBe(WebSocket.CLOSING);
    await until(() => server.length + events.length === 2, "'close' on both sides");
    expect([server, events]).toEqual([['close 1006'], ['close 1006']]);
    expect(ws.closeInfo).toMatchObject({ wasClean: false });
  });
});

test('a handshake that fails behind emitClose() does not close a second time', async () => {
  const wire = new ManualWire();
  const ws = scope().track(
    new WebSocket('ws://server.example.com/', { createConnection: () => wire }),
  );
  const seen: string[] = [];
  ws.on('close', () => seen.push('close'));
  ws.on('error', () => seen.push('error'));
  (ws as WebSocket.Unconnected).emitClose();
  wire.destroy(new Error('gone'));
  await until(() => seen.includes('error'), "'error'");
  await turns(2);
  expect([seen, ws.readyState]).toEqual([['close', 'error'], WebSocket.CLOSED]);
});
