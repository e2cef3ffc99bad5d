/** WebSocketStream.from() in both roles: the end, in every way, and backpressure. */

import { describe, expect, test } from '@jest/globals';
import { WebSocketError, WebSocketStream } from '../../../src/standard/index.js';
import {
  close,
  framesOf,
  type OpenConnection,
  said,
  text,
  useConnections,
} from '../../support/connections.js';
import { OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import type { ManualWireOptions } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import { frameFor, ROLES, type Role } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);

async function open(role: Role, options: ManualWireOptions = {}) {
  const connection = await openConnection(role, { closeTimeout: 1000 }, options);
  const stream = WebSocketStream.from(connection.ws);
  const { readable, writable, extensions, protocol } = await stream.opened;
  const reader = readable.getReader();
  return { ...connection, stream, readable, writable, reader, extensions, protocol };
}

/** The peer answers our Close, and ends TCP. */
async function answer({ wire }: OpenConnection, role: Role, code?: number): Promise<void> {
  await turns();
  wire.arrive(close(role, code));
  wire.finish();
}

const errorOf = (promise: Promise<unknown>): Promise<WebSocketError> =>
  promise.then(
    () => Promise.reject(new Error('it was resolved')),
    (error) => error,
  );

describe.each(ROLES)('as a %s', (role) => {
  test('text is a string, binary data a Uint8Array with memory of its own', async () => {
    const { wire, reader, extensions, protocol } = await open(role);
    const binary = frameFor(role, { payload: Buffer.from([1, 2]), opcode: OPCODE.BINARY });
    wire.arrive(text(role, 'é'), binary);
    expect(await reader.read()).toEqual({ done: false, value: 'é' });
    const { value } = await reader.read();
    expect(value).toStrictEqual(new Uint8Array([1, 2]));
    expect((value as Uint8Array).buffer.byteLength).toBe(2);
    expect([extensions, protocol]).toEqual(['', '']);
  });

  test('writes strings as text, bytes as binary, and other values as text', async () => {
    const { wire, writable } = await open(role);
    const writer = writable.getWriter();
    const bytes = new Uint8Array([104, 105, 33]);
    const chunks = ['a', bytes, bytes.buffer, new DataView(bytes.buffer, 1, 1), undefined, 7];
    for (const chunk of chunks) await writer.write(chunk as string);
    await turns();
    expect(said(wire)).toEqual([
      'text a',
      'binary hi!',
      'binary hi!',
      'binary i',
      'text undefined',
      'text 7',
    ]);
  });

  test('bytes are copied when they are written', async () => {
    const { wire, writable } = await open(role, { hold: true });
    const writer = writable.getWriter();
    const bytes = new Uint8Array(100_000).fill(1);
    const written = writer.write(bytes);
    await turns();
    bytes.fill(2);
    wire.hold = false;
    wire.release();
    await written;
    await until(() => framesOf(wire).length === 1, 'the frame');
    expect(framesOf(wire)[0]?.payload.equals(Buffer.alloc(100_000, 1))).toBe(true);
  });

  const throwing = {
    toString() {
      throw new TypeError('no text');
    },
  };
  const itself = {
    toString() {
      return this;
    },
  };
  test.each([
    ['a view of shared memory', new Uint8Array(new SharedArrayBuffer(2))],
    ['a symbol', Symbol('x')],
    ['a toString that throws', throwing],
    ['a toString that returns an object', itself],
  ])('%s is a TypeError, and errors the stream', async (_, chunk) => {
    const { writable } = await open(role);
    const writer = writable.getWriter();
    expect(await errorOf(writer.write(chunk as never))).toBeInstanceOf(TypeError);
    expect(await errorOf(writer.write('x'))).toBeInstanceOf(TypeError);
  });

  test.each([
    [4222, 'bye', { closeCode: 4222, reason: 'bye' }],
    [undefined, undefined, { closeCode: 1005, reason: '' }],
    [1000, 'ロボット', { closeCode: 1000, reason: 'ロボット' }],
  ])('a Close of the peer with %p is a clean end', async (code, reason, expected) => {
    const { wire, stream, reader, writable } = await open(role);
    wire.arrive(text(role, 'last'), close(role, code, reason));
    wire.finish();
    expect(await stream.closed).toEqual(expected);
    expect(await reader.read()).toEqual({ done: false, value: 'last' });
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    expect(await errorOf(writable.getWriter().ready)).toMatchObject({ name: 'InvalidStateError' });
  });

  test('an end without a Close gives one error everywhere', async () => {
    const { wire, stream, reader, writable } = await open(role);
    wire.destroy();
    const error = await errorOf(stream.closed);
    expect(error.constructor).toBe(WebSocketError);
    expect(error).toMatchObject({ name: 'WebSocketError', closeCode: 1006, reason: '' });
    expect(await errorOf(reader.read())).toBe(error);
    expect(await errorOf(writable.getWriter().ready)).toBe(error);
  });

  test('a Close of the peer while a write waits is not clean', async () => {
    const { wire, stream, writable } = await open(role, { hold: true });
    const writer = writable.getWriter();
    const written = errorOf(writer.write(new Uint8Array(1_000_000)));
    await turns();
    wire.arrive(close(role, 4567, 'late'));
    await turns();
    wire.hold = false;
    wire.release();
    wire.finish();
    expect(await errorOf(stream.closed)).toMatchObject({ closeCode: 4567, reason: 'late' });
    const error = await written;
    expect(error).toMatchObject({ name: 'InvalidStateError' });
    expect(await errorOf(writer.write('x'))).toBe(error);
  });

  test.each([
    [{}, 'close', 1005],
    [{ closeCode: 3456, reason: 'x' }, 'close 3456', 3456],
    [{ reason: 'only' }, 'close 1000', 1000],
    [{ closeCode: null as never }, undefined, 0],
  ])('close(%p)', async (info, expected, code) => {
    const connection = await open(role);
    const { wire, stream } = connection;
    if (expected === undefined) {
      expect(() => stream.close(info)).toThrow(DOMException);
      return;
    }
    stream.close(info);
    stream.close(info);
    wire.arrive(text(role, 'late')); // dropped
    await answer(connection, role, code === 1005 ? undefined : code);
    expect((await stream.closed).closeCode).toBe(code);
    expect(said(wire)).toEqual([expected]);
    expect((await connection.reader.read()).done).toBe(true);
  });

  test('the promise of writer.close() waits for the end', async () => {
    const connection = await open(role);
    let isClosed = false;
    const closing = connection.writable.close().then(() => {
      isClosed = true;
    });
    await turns();
    expect([isClosed, said(connection.wire)]).toEqual([false, ['close']]);
    await answer(connection, role);
    await closing;
    expect(await connection.stream.closed).toEqual({ closeCode: 1005, reason: '' });
  });

  const init = { closeCode: 3333, reason: 'set' };
  describe.each(['abort', 'cancel'] as const)('%s', (method) => {
    test.each([
      ['a WebSocketError', new WebSocketError('', init), 'close 3333'],
      [
        'a WebSocketError with a reason only',
        new WebSocketError('', { reason: 'a' }),
        'close 1000',
      ],
      ['an object', init, 'close'],
      ['a DOMException', Object.assign(new DOMException('x'), init), 'close'],
      ['nothing', undefined, 'close'],
    ])('with %s', async (_, reason, expected) => {
      const connection = await open(role);
      const { wire, stream, writable, reader } = connection;
      await (method === 'abort' ? writable.abort(reason) : reader.cancel(reason));
      wire.arrive(...Array.from({ length: 40 }, () => text(role, 'late'))); // read, and dropped
      await answer(connection, role);
      expect(said(wire)).toEqual([expected]);
      expect(await stream.closed).toMatchObject({ closeCode: 1005 });
    });
  });

  test('reading stops while 16 messages wait, and continues', async () => {
    const { wire, reader } = await open(role);
    const all = Array.from({ length: 40 }, (_, i) => String(i));
    for (const one of all) wire.arrive(text(role, one));
    await turns(60);
    expect(wire.isPaused()).toBe(true);
    for (const one of all) expect((await reader.read()).value).toBe(one);
    expect(wire.isPaused()).toBe(false);
  });

  test('a write waits while the wire is full; a small one does not', async () => {
    const { wire, writable } = await open(role, { hold: true });
    const writer = writable.getWriter();
    let count = 0;
    void writer.write('small').then(() => count++);
    await turns();
    expect(count).toBe(1);
    void writer.write(new Uint8Array(1_000_000)).then(() => count++);
    await turns();
    expect(count).toBe(1);
    wire.hold = false;
    wire.release();
    await until(() => count === 2, 'the write');
    await writer.ready;
  });
});

test('from() refuses other objects, and a second consumer', async () => {
  expect(() => WebSocketStream.from({} as never)).toThrow(TypeError);
  const { ws } = await open('server');
  expect(() => WebSocketStream.from(ws)).toThrow(
    expect.objectContaining({ code: 'WS_ERR_LOCKED' }),
  );
  expect(() => ws.messages()).toThrow(expect.objectContaining({ code: 'WS_ERR_LOCKED' }));
});
