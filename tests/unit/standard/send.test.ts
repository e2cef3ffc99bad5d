/** WHATWG WebSockets §3.3: `send` and `bufferedAmount`. */

import { describe, expect, test } from '@jest/globals';
import { WebSocket } from '../../../src/standard/index.js';
import { OPCODE, type SeenFrame } from '../../support/frames.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { StandardClient } from '../../support/standard-client.js';

const scope = useScope();

async function opened(options = {}): Promise<StandardClient> {
  const client = new StandardClient(scope(), options);
  await client.accept();
  return client;
}

function send(ws: WebSocket, ...args: unknown[]): void {
  (ws.send as (...args: unknown[]) => void).apply(ws, args);
}

async function frameOf(data: unknown): Promise<SeenFrame> {
  const client = await opened();
  send(client.ws, data);
  return (await client.farEnd()).inbox.frame();
}

describe('text', () => {
  test.each([
    ['a string', 'h\u00e9', 'h\u00e9'],
    ['an empty string', '', ''],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 1.5, '1.5'],
    ['an object', {}, '[object Object]'],
    ['a list', [1, 2], '1,2'],
    ['lone surrogates', 'a\ud800b', 'a\ufffdb'],
    ['a SharedArrayBuffer', new SharedArrayBuffer(4), '[object SharedArrayBuffer]'],
  ])('is %s', async (_, data, text) => {
    const { opcode, payload } = await frameOf(data);
    expect([opcode, payload.toString()]).toEqual([OPCODE.TEXT, text]);
  });
});

describe('binary', () => {
  const bytes = Buffer.from('abcdef');
  const memory = new Uint8Array(bytes).buffer;

  test.each([
    ['an ArrayBuffer', memory, 'abcdef'],
    ['a view', new Uint8Array(memory, 1, 3), 'bcd'],
    ['a DataView', new DataView(memory, 4), 'ef'],
    ['a Uint16Array', new Uint16Array(memory, 2, 1), 'cd'],
    ['a Buffer', Buffer.from('xy'), 'xy'],
    ['a Blob', new Blob(['blob']), 'blob'],
    ['an empty view', new Uint8Array(0), ''],
  ])('is %s', async (_, data, text) => {
    const { opcode, payload } = await frameOf(data);
    expect([opcode, payload.toString()]).toEqual([OPCODE.BINARY, text]);
  });

  test.each([false, true])('has the bytes of the call; behind a Blob: %p', async (isBehind) => {
    const client = await opened();
    const { inbox } = await client.farEnd();
    const data = Buffer.alloc(10_000, 'a');
    if (isBehind) client.ws.send(new Blob(['first']));
    client.ws.send(data);
    data.fill('b');
    if (isBehind) await inbox.frame();
    expect((await inbox.frame()).payload.equals(Buffer.alloc(10_000, 'a'))).toBe(true);
  });
});

describe('send refuses', () => {
  test('no argument, a symbol, and a foreign object', async () => {
    const { ws } = await opened();
    expect(() => send(ws)).toThrow(TypeError);
    expect(() => send(ws, Symbol('a'))).toThrow(TypeError);
    expect(() => WebSocket.prototype.send.call({} as WebSocket, 'a')).toThrow(TypeError);
  });

  test('memory that is shared or can be resized', async () => {
    const { ws } = await opened();
    expect(() => ws.send(new Uint8Array(new SharedArrayBuffer(4)))).toThrow(TypeError);
    const Resizable = ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer;
    const memory = new Resizable(4, { maxByteLength: 8 });
    expect(() => ws.send(memory)).toThrow(TypeError);
    expect(() => ws.send(new Uint8Array(memory))).toThrow(TypeError);
  });

  test('in the state CONNECTING, after the argument was converted', async () => {
    const { ws } = new StandardClient(scope());
    expect(() => ws.send('a')).toThrow(expect.objectContaining({ name: 'InvalidStateError' }));
    expect(() => send(ws, Symbol('a'))).toThrow(TypeError);
    expect(ws.bufferedAmount).toBe(0);
  });
});

describe('bufferedAmount', () => {
  test('counts payloads, not frames, until the end of the task', async () => {
    const { ws } = await opened();
    ws.send('h\u00e9');
    ws.send(new Uint8Array(1000));
    expect(ws.bufferedAmount).toBe(1003);
    await turns();
    expect(ws.bufferedAmount).toBe(0);
  });

  test('goes on counting after close()', async () => {
    const client = await opened();
    client.ws.close();
    client.ws.send('abc');
    client.ws.send(new Blob(['defg']));
    expect(client.ws.bufferedAmount).toBe(7);
    (await client.farEnd()).wire.destroy();
    await client.seen('close');
    client.ws.send('h');
    expect(client.ws.bufferedAmount).toBe(8);
  });

  test('keeps what was not sent when the connection ends', async () => {
    const client = await opened();
    const { wire } = await client.farEnd();
    wire.pause();
    for (let i = 0; i < 4; i++) client.ws.send(new Uint8Array(100_000));
    client.ws.send('tail');
    wire.destroy();
    await client.seen('close');
    const lost = client.ws.bufferedAmount;
    expect(lost).toBeGreaterThanOrEqual(4);
    expect((lost - 4) % 100_000).toBe(0);
    client.ws.send('x');
    expect(client.ws.bufferedAmount).toBe(lost + 1);
  });
});

describe('bufferedAmount with a limit', () => {
  const options = { maxBufferedAmount: 150_000, overflow: 'drop-oldest' };

  async function full(): Promise<StandardClient> {
    const client = await opened(options);
    (await client.farEnd()).wire.pause();
    for (let i = 0; i < 10; i++) client.ws.send(new Uint8Array(50_000));
    return client;
  }

  test('does not count what was dropped', async () => {
    const { ws } = await full();
    await turns();
    expect(ws.bufferedAmount).toBeGreaterThan(0);
    expect(ws.bufferedAmount).toBeLessThan(300_000);
  });

  test('keeps what waited when the connection ends', async () => {
    const client = await full();
    await turns();
    const before = client.ws.bufferedAmount;
    (await client.farEnd()).wire.destroy();
    await client.seen('close');
    await turns();
    expect(client.ws.bufferedAmount).toBeGreaterThanOrEqual(50_000);
    expect(client.ws.bufferedAmount).toBeLessThanOrEqual(before);
  });
});

describe('with options that browsers do not have', () => {
  test('maxBufferedAmount closes the connection of a server that does not read', async () => {
    const client = await opened({ maxBufferedAmount: 100_000 });
    (await client.farEnd()).wire.pause();
    for (let i = 0; i < 20; i++) client.ws.send(new Uint8Array(50_000));
    expect(client.ws.readyState).toBe(WebSocket.CLOSING);
  });

  test('maxPayload fails the connection', async () => {
    const client = await opened({ maxPayload: 3 });
    await client.write(OPCODE.TEXT, 'abcd');
    (await client.farEnd()).wire.end();
    expect(await client.seen('error')).toMatchObject({ error: { closeCode: 1009 } });
  });

  test('messageRate drops messages', async () => {
    const client = await opened({ messageRate: { perSecond: 1, burst: 1, policy: () => 'drop' } });
    await client.write(OPCODE.TEXT, 'one');
    await client.write(OPCODE.TEXT, 'two');
    expect(client.events).toEqual(['open in 1', 'message one in 1']);
  });

  test('Pings are answered', async () => {
    const client = await opened();
    await client.write(OPCODE.PING, 'p');
    const { opcode, payload } = await (await client.farEnd()).inbox.frame();
    expect([opcode, payload.toString()]).toEqual([OPCODE.PONG, 'p']);
  });
});
