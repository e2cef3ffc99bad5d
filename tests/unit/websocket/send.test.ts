/** `send`, `ping` and `pong`. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { methodOf, useSockets } from '../../support/connections.js';
import { OPCODE, readFrames } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import {
  connectPair,
  ROLES,
  recordEvents,
  unconnected,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const { connecting, onManualWire, closed } = useSockets(scope);

describe.each(['send', 'ping', 'pong'] as const)('%s()', (name) => {
  test('throws while connecting', () => {
    const ws = connecting();
    const call = methodOf(ws, name);
    const message = 'WebSocket is not open: readyState 0 (CONNECTING)';
    for (const args of [[], ['x'], ['x', () => {}], [Buffer.alloc(200)]]) {
      expect(() => call(...args)).toThrow(new Error(message));
    }
    expect(() => methodOf(unconnected('server'), name)('x')).toThrow(new Error(message));
  });

  test.each([
    ['CLOSING', 2],
    ['CLOSED', 3],
  ])('does not throw when %s: the callback gets the error, later', async (state, number) => {
    let ws: WebSocketInstance;
    if (state === 'CLOSED') ws = await closed();
    else {
      ws = (await onManualWire('server')).ws;
      ws.close();
      await turns(1);
    }
    const call = methodOf(ws, name);
    const before = ws.bufferedAmount;
    const errors: unknown[] = [];
    const note = (error: unknown) => errors.push(error);
    expect(call('abc')).not.toBe(true);
    call('abc', note);
    call('abc', undefined, note);
    call('abc', undefined, undefined);
    call('abc', null, null);
    call('abc', name === 'send' ? {} : true, note);
    expect(errors).toEqual([]);
    await turns(1);
    const message = `WebSocket is not open: readyState ${number} (${state})`;
    expect(errors).toEqual([new Error(message), new Error(message), new Error(message)]);
    expect(ws.bufferedAmount - before).toBe(18);
  });

  const opcode = { send: OPCODE.BINARY, ping: OPCODE.PING, pong: OPCODE.PONG }[name];
  const text = { send: OPCODE.TEXT, ping: OPCODE.PING, pong: OPCODE.PONG }[name];
  const bytes = new Uint8Array([1, 2, 3, 4, 5, 6]);

  test.each([
    ['a string', 'aä', text, Buffer.from('aä')],
    ['an empty string', '', text, Buffer.alloc(0)],
    ['a number', 12.5, text, Buffer.from('12.5')],
    ['zero', 0, text, Buffer.from('0')],
    ['NaN', Number.NaN, text, Buffer.from('NaN')],
    ['null', null, opcode, Buffer.alloc(0)],
    ['undefined', undefined, opcode, Buffer.alloc(0)],
    ['a Buffer', Buffer.from(bytes), opcode, bytes],
    ['a Uint8Array', bytes.subarray(1, 4), opcode, [2, 3, 4]],
    ['a Uint16Array', new Uint16Array(bytes.buffer, 2, 2), opcode, [3, 4, 5, 6]],
    ['a DataView', new DataView(bytes.buffer, 1, 2), opcode, [2, 3]],
    ['an ArrayBuffer', bytes.buffer, opcode, bytes],
    ['a SharedArrayBuffer', new SharedArrayBuffer(2), opcode, [0, 0]],
    ['an array', [1, 2, 300], opcode, [1, 2, 44]],
    ['an array-like object', { length: 2, 0: 5, 1: 6 }, opcode, [5, 6]],
    ['what becomes a string', { valueOf: (): string => 'ab' }, opcode, Buffer.from('ab')],
  ] as const)('sends %s', async (_, data, kind, expected) => {
    const { ws, frames } = await onManualWire('server');
    methodOf(ws, name)(data);
    await turns(1);
    expect(frames()).toEqual([
      { fin: true, rsv: 0, opcode: kind, masked: false, payload: Buffer.from(expected) },
    ]);
  });

  test.each([
    ['an object', {}],
    ['true', true],
    ['a symbol', Symbol('x')],
    ['a bigint', 1n],
  ])('throws a TypeError for %s, and sends nothing', async (_, data) => {
    const { ws, wire } = await onManualWire('server');
    // The error comes from node itself, whose TypeError is not that of jest's realm.
    expect(() => methodOf(ws, name)(data)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }),
    );
    await turns(1);
    expect(wire.writes).toHaveLength(0);
    expect(ws.readyState).toBe(WebSocket.OPEN);
    ws.send('x');
    await turns(1);
    expect(readFrames(wire.sent).frames).toHaveLength(1);
  });

  test('masks as a client, never as a server', async () => {
    for (const role of ROLES) {
      const { ws, frames } = await onManualWire(role);
      methodOf(ws, name)('abc');
      await turns(1);
      expect(frames()).toMatchObject([{ masked: role === 'client', payload: Buffer.from('abc') }]);
    }
  });

  test('does not need its arguments to stay after it', async () => {
    const { ws, frames } = await onManualWire('client');
    const data = Buffer.from('abc');
    methodOf(ws, name)(data);
    data.fill(0);
    await turns(1);
    expect(frames()).toMatchObject([{ payload: Buffer.from('abc') }]);
  });
});

describe('send()', () => {
  test('takes options, which undefined leaves as they are', async () => {
    const { ws, frames } = await onManualWire('server');
    ws.send('a', { binary: true });
    ws.send(Buffer.from('b'), { binary: false });
    ws.send('c', { binary: undefined, fin: undefined, compress: undefined, mask: undefined });
    ws.send(Buffer.from('d'), {});
    ws.send(Buffer.from('e'), undefined);
    ws.send('f', { compress: true });
    await turns(1);
    expect(frames().map(({ opcode, fin, payload }) => [opcode, fin, `${payload}`])).toEqual([
      [OPCODE.BINARY, true, 'a'],
      [OPCODE.TEXT, true, 'b'],
      [OPCODE.TEXT, true, 'c'],
      [OPCODE.BINARY, true, 'd'],
      [OPCODE.BINARY, true, 'e'],
      [OPCODE.TEXT, true, 'f'],
    ]);
  });

  test('takes the callback in the second or third place', async () => {
    const { ws } = await onManualWire('server');
    const calls: string[] = [];
    ws.send('a', () => calls.push('second'));
    ws.send('a', {}, () => calls.push('third'));
    ws.send('a', undefined, () => calls.push('behind undefined'));
    methodOf(ws, 'send')('a', null, () => calls.push('behind null'));
    methodOf(ws, 'send')('a', {}, null);
    await until(() => calls.length === 4, 'the callbacks');
    expect(calls).toEqual(['second', 'third', 'behind undefined', 'behind null']);
  });

  // RFC 6455 §5.4: the first fragment says what the message is; control frames may come between.
  test('sends fragments; Pings may come between them', async () => {
    const { ws, frames } = await onManualWire('server');
    ws.send('a', { fin: false });
    ws.ping('p');
    ws.send('b', { fin: false });
    ws.send(Buffer.from('c'), { fin: true });
    ws.send(Buffer.from('d'), { fin: false });
    ws.send('', { fin: true });
    ws.send('e');
    await turns(1);
    expect(frames().map(({ opcode, fin, payload }) => [opcode, fin, `${payload}`])).toEqual([
      [OPCODE.TEXT, false, 'a'],
      [OPCODE.PING, true, 'p'],
      [OPCODE.CONTINUATION, false, 'b'],
      [OPCODE.CONTINUATION, true, 'c'],
      [OPCODE.BINARY, false, 'd'],
      [OPCODE.CONTINUATION, true, ''],
      [OPCODE.TEXT, true, 'e'],
    ]);
  });

  test('uses generateMask for every frame of a client', async () => {
    const keys: Buffer[] = [];
    const { ws, wire } = await onManualWire('client', {
      generateMask: (key: Buffer) => {
        key.fill(keys.length + 1);
        keys.push(Buffer.from(key));
      },
    });
    ws.send('a');
    ws.ping('b');
    await turns(1);
    ws.close();
    await turns(1);
    expect(keys.map((key) => key.length)).toEqual([4, 4, 4]);
    expect(readFrames(wire.sent).frames.map(({ payload }) => `${payload}`)).toEqual(['a', 'b', '']);
    expect(wire.sent.subarray(2, 6).equals(Buffer.alloc(4, 1))).toBe(true);
  });

  test('carries what both ends exchange', async () => {
    const { ws, client } = await connectPair(scope());
    const seen: [string, boolean][] = [];
    ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }));
    client.on('message', (data, isBinary) => seen.push([String(data), isBinary]));
    client.send('text äöü');
    client.send(Buffer.from('bytes'));
    client.send(42);
    client.send('');
    await until(() => seen.length === 4, 'the echoes');
    expect(seen).toEqual([
      ['text äöü', false],
      ['bytes', true],
      ['42', false],
      ['', false],
    ]);
  });
});

describe.each(['ping', 'pong'] as const)('%s()', (name) => {
  test('takes its callback in any place', async () => {
    const { ws, frames } = await onManualWire('server');
    const calls: string[] = [];
    const call = methodOf(ws, name);
    call(() => calls.push('first'));
    call('a', () => calls.push('second'));
    call('b', true, () => calls.push('third'));
    call('c', undefined, () => calls.push('behind undefined'));
    await until(() => calls.length === 4, 'the callbacks');
    expect(calls).toEqual(['first', 'second', 'third', 'behind undefined']);
    expect(frames().map(({ payload }) => `${payload}`)).toEqual(['', 'a', 'b', 'c']);
  });

  // RFC 6455 §5.5: a control frame carries at most 125 bytes.
  test('carries 125 bytes at most, else throws a RangeError and changes nothing', async () => {
    const { ws, frames } = await onManualWire('server');
    const call = methodOf(ws, name);
    const error = new RangeError('The data size must not be greater than 125 bytes');
    for (const data of [Buffer.alloc(126), 'x'.repeat(126), 'ä'.repeat(63)]) {
      expect(() => call(data)).toThrow(error);
    }
    call(Buffer.alloc(125));
    call('ä'.repeat(62));
    await turns(1);
    expect(ws.readyState).toBe(WebSocket.OPEN);
    expect(frames().map(({ payload }) => payload.length)).toEqual([125, 124]);
  });

  test('is an event of the other end with its bytes; a Pong answers a Ping', async () => {
    const { ws, client } = await connectPair(scope());
    const server = recordEvents(ws);
    const events = recordEvents(client);
    client[name]('x');
    await until(() => server.length > 0, `'${name}'`);
    await turns();
    expect(server).toEqual([`${name} x`]);
    expect(events).toEqual(name === 'ping' ? ['pong x'] : []);
  });
});
