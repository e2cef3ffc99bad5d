/** Properties: `readyState`, `binaryType` and the others. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useSockets } from '../../support/connections.js';
import { OPCODE } from '../../support/frames.js';
import { until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import {
  connectPair,
  frameFor,
  type Loose,
  memoryServer,
  next,
  serve,
  unconnected,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const { onManualWire } = useSockets(scope);

function connectingTo(url: string | URL, options: Loose = {}): WebSocketInstance {
  const createConnection = () => new ManualWire();
  return scope().track(new WebSocket(url, { createConnection, ...options }));
}

describe('readyState', () => {
  test('goes from CONNECTING to OPEN, CLOSING and CLOSED', async () => {
    const { http, connect } = memoryServer(scope());
    const wss = serve(scope(), { server: http });
    const seen: number[] = [];
    wss.on('connection', (ws: WebSocketInstance) => ws.on('close', () => seen.push(ws.readyState)));
    const client = connect();
    expect(client.readyState).toBe(0);
    client.on('close', () => seen.push(client.readyState));
    await next(client, 'open');
    expect(client.readyState).toBe(1);
    client.close();
    expect(client.readyState).toBe(2);
    await until(() => seen.length === 2, "'close' on both sides");
    expect(seen).toEqual([3, 3]);
  });

  test.each(['readyState', 'url', 'protocol', 'extensions', 'bufferedAmount', 'isPaused'])(
    '%s cannot be assigned',
    (name) => {
      const ws = unconnected('client');
      const before = Reflect.get(ws, name);
      expect(() => Object.assign(ws, { [name]: 3 })).toThrow(TypeError);
      expect(Reflect.get(ws, name)).toBe(before);
    },
  );

  test('is CLOSING in an error that ends the connection', async () => {
    const { ws, wire } = await onManualWire('server');
    const states: number[] = [];
    ws.on('error', () => states.push(ws.readyState));
    wire.arrive(frameFor('server', { rsv: 1 }));
    expect(states).toEqual([2]);
  });
});

describe('the properties', () => {
  test.each([
    ['ws://server.example.com', 'ws://server.example.com/'],
    ['WS://SERVER.example.com:80/a?b', 'ws://server.example.com/a?b'],
    ['http://server.example.com/', 'ws://server.example.com/'],
    ['http://server.example.com:8080/', 'ws://server.example.com:8080/'],
    ['ws://[::1]:8080/', 'ws://[::1]:8080/'],
    ['ws+unix:/tmp/x.sock:/a?b', 'ws+unix:/tmp/x.sock:/a?b'],
  ])('url of %s is %s', (given, url) => {
    expect(connectingTo(given).url).toBe(url);
  });

  test('url of https: is wss:', () => {
    expect(connectingTo('https://server.example.com/a').url).toBe('wss://server.example.com/a');
  });

  test('of both ends of a connection', async () => {
    const { ws, client } = await connectPair(scope(), {}, {}, ['a', 'b']);
    expect(client.url).toBe('ws://server.example.com/');
    expect(ws.url).toBeUndefined();
    expect([client.protocol, ws.protocol]).toEqual(['a', 'a']);
    expect([client.extensions, ws.extensions]).toEqual(['', '']);
    expect([client.bufferedAmount, ws.bufferedAmount]).toEqual([0, 0]);
  });

  test('are enumerable accessors of the prototype', () => {
    const names = ['binaryType', 'bufferedAmount', 'extensions', 'isPaused', 'onclose', 'onerror'];
    const more = ['onmessage', 'onopen', 'protocol', 'readyState', 'url'];
    for (const name of [...names, ...more]) {
      const descriptor = Object.getOwnPropertyDescriptor(WebSocket.prototype, name);
      expect(descriptor).toMatchObject({ enumerable: true, get: expect.any(Function) });
    }
  });
});

describe('binaryType', () => {
  test.each(['nodebuffer', 'arraybuffer', 'fragments', 'blob'] as const)('can be %s', (type) => {
    const ws = unconnected('client');
    ws.binaryType = type;
    expect(ws.binaryType).toBe(type);
  });

  test.each([undefined, null, 'x', '', 1, 'NODEBUFFER'])('ignores %p', (type) => {
    const ws = unconnected('client');
    ws.binaryType = 'arraybuffer';
    Object.assign(ws, { binaryType: type });
    expect(ws.binaryType).toBe('arraybuffer');
  });

  async function received(
    ws: WebSocketInstance,
    wire: ManualWire,
    opcode: number,
  ): Promise<unknown> {
    const message = next<[unknown, boolean]>(ws, 'message');
    const first = frameFor('server', { fin: false, opcode, payload: 'ab' });
    wire.arrive(first, frameFor('server', { opcode: OPCODE.CONTINUATION, payload: 'cd' }));
    return (await message)[0];
  }

  test('says in which form binary messages come, from then on', async () => {
    const { ws, wire } = await onManualWire('server');
    const first = await received(ws, wire, OPCODE.BINARY);
    expect(first).toBeInstanceOf(Buffer);
    expect(String(first)).toBe('abcd');
    ws.binaryType = 'arraybuffer';
    const second = (await received(ws, wire, OPCODE.BINARY)) as ArrayBuffer;
    expect(Object.prototype.toString.call(second)).toBe('[object ArrayBuffer]');
    expect(Buffer.from(second).toString()).toBe('abcd');
    ws.binaryType = 'fragments';
    const third = (await received(ws, wire, OPCODE.BINARY)) as Buffer[];
    expect(Array.isArray(third)).toBe(true);
    expect(third.every((one) => Buffer.isBuffer(one))).toBe(true);
    expect(Buffer.concat(third).toString()).toBe('abcd');
    ws.binaryType = 'blob';
    const fourth = (await received(ws, wire, OPCODE.BINARY)) as Blob;
    expect(Object.prototype.toString.call(fourth)).toBe('[object Blob]');
    expect(await fourth.text()).toBe('abcd');
    ws.binaryType = 'nodebuffer';
    expect(await received(ws, wire, OPCODE.BINARY)).toBeInstanceOf(Buffer);
  });

  test.each(['nodebuffer', 'arraybuffer', 'fragments', 'blob'] as const)(
    '%s leaves text alone',
    async (type) => {
      const { ws, wire } = await onManualWire('server');
      ws.binaryType = type;
      const text = await received(ws, wire, OPCODE.TEXT);
      expect(Buffer.isBuffer(text)).toBe(true);
      expect(String(text)).toBe('abcd');
    },
  );

  test.each(['nodebuffer', 'arraybuffer', 'fragments', 'blob'] as const)(
    '%s delivers an empty message',
    async (type) => {
      const { ws, wire } = await onManualWire('server');
      ws.binaryType = type;
      const message = next<[{ length?: number; byteLength?: number; size?: number }]>(
        ws,
        'message',
      );
      wire.arrive(frameFor('server', { opcode: OPCODE.BINARY }));
      const [data] = await message;
      if (Array.isArray(data)) expect(Buffer.concat(data as Buffer[])).toHaveLength(0);
      else expect(data.size ?? data.byteLength).toBe(0);
    },
  );
});
