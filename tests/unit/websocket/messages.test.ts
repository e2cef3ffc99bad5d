/** `messages()` and `for await` over a WebSocket: order, marks, the end, errors. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import {
  close,
  type OpenConnection,
  said,
  text,
  useConnections,
  useSockets,
} from '../../support/connections.js';
import { OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { SeededRandom } from '../../support/random.js';
import { useScope } from '../../support/scope.js';
import { connectPair, frameFor, ROLES, type Role, unconnected } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);
const { connecting, closed } = useSockets(scope);

const texts = (count: number, from = 0): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => text('server', String(from + i))));
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `${from + i}`);

/** A connection without listeners of 'message'. */
async function open(role: Role = 'server'): Promise<OpenConnection> {
  const connection = await openConnection(role);
  connection.ws.removeAllListeners('message');
  return connection;
}

/** The last bytes come from the peer, and then its end of TCP. */
function arriveLast({ wire }: OpenConnection, ...bytes: Buffer[]): void {
  wire.arrive(...bytes);
  wire.finish();
}

/** What a promise was rejected with, in words. */
const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    (value) => `resolved with ${JSON.stringify(value)}`,
    (error: Error & { code?: string }) => `${error.code ?? error.name}: ${error.message}`,
  );

/** Takes messages until the iteration ends. */
async function takeAll({ ws }: OpenConnection, taken: string[] = []): Promise<string[]> {
  for await (const { data } of ws.messages()) taken.push(String(data));
  return taken;
}

describe.each(ROLES)('the messages of a %s', (role) => {
  test('are text as strings and binary data as Buffers, in order', async () => {
    const { ws, wire } = await open(role);
    const messages = ws.messages();
    const binary = frameFor(role, { payload: 'b', opcode: OPCODE.BINARY });
    wire.arrive(Buffer.concat([text(role, 'a'), binary, text(role, 'c')]));
    expect(await messages.next()).toEqual({ done: false, value: { data: 'a', isBinary: false } });
    const { value } = await messages.next();
    expect(value).toEqual({ data: Buffer.from('b'), isBinary: true });
    expect((await messages.next()).value).toEqual({ data: 'c', isBinary: false });
  });

  test('of `for await (… of socket)` are the data alone', async () => {
    const connection = await open(role);
    const data = connection.ws[Symbol.asyncIterator]();
    const binary = frameFor(role, { payload: 'b', opcode: OPCODE.BINARY });
    arriveLast(connection, text(role, 'a'), binary, close(role, 1000));
    const seen: unknown[] = [];
    for await (const one of data) seen.push(one);
    expect(seen).toEqual(['a', Buffer.from('b')]);
  });

  test.each([[1000], [1001], [undefined]])('end with a Close of %s', async (code) => {
    const connection = await open(role);
    const taken = takeAll(connection);
    arriveLast(connection, text(role, 'a'), text(role, 'b'), close(role, code));
    expect(await taken).toEqual(['a', 'b']);
  });

  test('throw a CloseError after any other end, when all messages were taken', async () => {
    const connection = await open(role);
    const taken: string[] = [];
    const end = takeAll(connection, taken);
    arriveLast(connection, text(role, 'a'), close(role, 4001, 'over'));
    const error = await end.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(taken).toEqual(['a']);
    expect(error).toBeInstanceOf(WebSocket.CloseError);
    expect(error).toMatchObject({ code: 'WS_ERR_CLOSED', closeCode: 4001, reason: 'over' });
    expect((error as { closeInfo: unknown }).closeInfo).toBe(connection.ws.closeInfo);
  });

  test('throw when the wire ends without a Close', async () => {
    const connection = await open(role);
    const end = failure(takeAll(connection));
    connection.wire.destroy();
    expect(await end).toMatch(/^WS_ERR_CLOSED: .*without a Close of the peer \(by wire: end\)/);
  });

  test('have the violation of the peer as the cause of their error', async () => {
    const connection = await open(role);
    connection.ws.removeAllListeners('error');
    const next = connection.ws.messages().next();
    arriveLast(connection, frameFor(role, { opcode: 3 }));
    const reason: unknown = await next.catch((error: unknown) => error);
    expect(reason).toMatchObject({ closeCode: 1006, cause: { code: 'WS_ERR_INVALID_OPCODE' } });
    expect((reason as Error).cause).toBeInstanceOf(WebSocket.ProtocolError);
  });

  test('are those of a closed WebSocket: none, or its error', async () => {
    const connection = await open(role);
    arriveLast(connection, close(role, 1000));
    await until(() => connection.ws.readyState === 3, "'close'");
    expect(await takeAll(connection)).toEqual([]);
    expect(await failure(takeAll({ ...connection, ws: await closed() }))).toMatch(/^WS_ERR_CLOSED/);
  });
});

describe('an iteration', () => {
  test('answers several calls of next in order, and ends all of them', async () => {
    const connection = await open();
    const messages = connection.ws.messages();
    const calls = [messages.next(), messages.next(), messages.next(), messages.next()];
    arriveLast(connection, texts(2), close('server', 4000));
    const results = await Promise.allSettled(calls);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(results[3]).toMatchObject({ value: { done: true } });
    expect(await messages.next()).toEqual({ done: true, value: undefined });
  });

  test('begins before the connection is open, and throws if it never is', async () => {
    const ws = connecting();
    ws.removeAllListeners('error');
    const next = ws.messages().next();
    ws.terminate();
    expect(await failure(next)).toMatch(/^WS_ERR_CLOSED: .*by us: WebSocket was closed before/);
  });

  test('stops reading at highWaterMark and continues at lowWaterMark', async () => {
    const { ws, wire } = await open();
    const messages = ws.messages({ highWaterMark: 4, lowWaterMark: 2 });
    wire.arrive(texts(10));
    await turns();
    const received = () => ws.stats().messages.received;
    expect([received(), wire.isPaused(), ws.isPaused]).toEqual([4, true, false]);
    await messages.next();
    await turns();
    expect(received()).toBe(4);
    await messages.next();
    await turns();
    expect(received()).toBe(6);
  });

  test('holds 16 messages by default, and continues at a quarter', async () => {
    const { ws, wire } = await open();
    const messages = ws.messages();
    wire.arrive(texts(40));
    await turns();
    const received = () => ws.stats().messages.received;
    expect(received()).toBe(16);
    for (let i = 0; i < 11; i++) await messages.next();
    await turns();
    expect(received()).toBe(16);
    await messages.next();
    await turns();
    expect(received()).toBe(28);
  });

  test('stops reading at 256 KiB, whatever highWaterMark is', async () => {
    const { ws, wire } = await open();
    ws.messages({ highWaterMark: 1000 });
    const large = text('server', 'x'.repeat(100_000));
    wire.arrive(Buffer.concat(Array(10).fill(large)));
    await turns();
    expect(ws.stats().messages.received).toBe(3);
  });

  test('is independent of pause() and resume() of the program', async () => {
    const { ws, wire } = await open();
    const messages = ws.messages({ highWaterMark: 1 });
    wire.arrive(texts(3));
    await turns();
    ws.pause();
    expect((await messages.next()).value).toMatchObject({ data: '0' });
    await turns();
    expect(ws.stats().messages.received).toBe(1);
    ws.resume();
    await turns();
    expect(ws.stats().messages.received).toBe(2);
  });

  test('does not keep messages from listeners', async () => {
    const connection = await openConnection();
    const taken = takeAll(connection);
    arriveLast(connection, texts(3), close('server', 1000));
    expect(await taken).toEqual(numbers(3));
    expect(connection.events).toEqual(['message 0', 'message 1', 'message 2', 'close 1000']);
  });

  test('loses no message to a listener that throws', async () => {
    const { ws, wire } = await open();
    const messages = ws.messages();
    const thrown: unknown[] = [];
    ws.on('message', () => {
      throw new Error('listener');
    });
    for (const i of [0, 1]) {
      try {
        wire.arrive(texts(1, i));
      } catch (error) {
        thrown.push(error);
      }
      await turns(2);
    }
    expect(thrown).toHaveLength(2);
    expect([(await messages.next()).value, (await messages.next()).value]).toMatchObject([
      { data: '0' },
      { data: '1' },
    ]);
  });

  test('gives binary data in the form of binaryType at that time', async () => {
    const { ws, wire } = await open();
    const messages = ws.messages<ArrayBuffer | Buffer[]>();
    const binary = frameFor('server', { payload: 'b', opcode: OPCODE.BINARY });
    wire.arrive(Buffer.concat([binary, binary]));
    ws.binaryType = 'arraybuffer';
    expect((await messages.next()).value?.data).toEqual(new Uint8Array([98]).buffer);
    ws.binaryType = 'fragments';
    expect((await messages.next()).value?.data).toEqual([Buffer.from('b')]);
  });

  test('answers the messages of a chunk in one write, as a listener does', async () => {
    const { ws, wire } = await open();
    const loop = (async () => {
      for await (const { data } of ws.messages()) ws.send(data);
    })();
    for (const first of [0, 16]) {
      const before = wire.writes.length;
      wire.arrive(texts(16, first));
      expect(wire.writes).toHaveLength(before);
      await turns(2);
      expect(wire.writes).toHaveLength(before + 1);
    }
    expect(said(wire)).toEqual(numbers(32).map((number) => `text ${number}`));
    wire.arrive(close('server', 1000));
    wire.finish();
    await loop;
  });

  test('works without a connection', async () => {
    const ws = unconnected('server');
    const next = ws.messages().next();
    ws.emit('message', Buffer.from('a'), false);
    expect((await next).value).toEqual({ data: 'a', isBinary: false });
  });
});

describe('a second iteration', () => {
  test('is refused while the first is in use', async () => {
    const { ws, wire } = await open();
    const first = ws.messages();
    const refusal = expect.objectContaining({ code: 'WS_ERR_LOCKED' });
    expect(() => ws.messages()).toThrow(refusal);
    expect(() => ws[Symbol.asyncIterator]()).toThrow(WebSocket.WebSocketError);
    wire.arrive(texts(1));
    expect((await first.next()).value).toEqual({ data: '0', isBinary: false });
  });

  test('is accepted after the first', async () => {
    const { ws, wire } = await open();
    const first = ws.messages();
    wire.arrive(texts(2));
    await first.next();
    await first.return?.();
    expect((await ws.messages().next()).value).toMatchObject({ data: '1' });
    expect(await first.next()).toEqual({ done: true, value: undefined });
  });
});

describe('a signal', () => {
  test('ends the iteration with an AbortError whose cause is its reason', async () => {
    const { ws, wire } = await open();
    const controller = new AbortController();
    const messages = ws.messages({ signal: controller.signal });
    const next = messages.next();
    controller.abort(new Error('enough'));
    await expect(next).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      cause: { message: 'enough' },
    });
    expect(await messages.next()).toMatchObject({ done: true });
    wire.arrive(texts(1));
    expect((await ws.messages().next()).value).toMatchObject({ data: '0' });
  });

  test('ends it before messages that wait; they are held', async () => {
    const { ws, wire } = await open();
    const controller = new AbortController();
    const messages = ws.messages({ signal: controller.signal });
    wire.arrive(texts(2));
    controller.abort();
    expect(await failure(messages.next())).toBe('ABORT_ERR: The operation was aborted');
    expect((await ws.messages().next()).value).toMatchObject({ data: '0' });
  });

  test('that is aborted before begins nothing', async () => {
    const { ws, wire } = await open();
    const listeners = ws.eventNames();
    const aborted = ws.messages({ signal: AbortSignal.abort() });
    expect(await failure(aborted.next())).toMatch(/^ABORT_ERR/);
    expect(ws.eventNames()).toEqual(listeners);
    const messages = ws.messages();
    wire.arrive(texts(1));
    expect((await messages.next()).value).toMatchObject({ data: '0' });
  });
});

describe('options', () => {
  test.each([
    [{ highWaterMark: 0 }, RangeError, /highWaterMark must be a whole number .* 0 was given/],
    [{ highWaterMark: 1.5 }, RangeError, /1.5 was given/],
    [{ highWaterMark: 'many' }, TypeError, /'many' was given/],
    [{ lowWaterMark: -1 }, RangeError, /lowWaterMark must be a whole number/],
    [{ lowWaterMark: 16 }, RangeError, /must be less than highWaterMark: 16 and 16/],
    [{ signal: {} }, TypeError, /must be an AbortSignal/],
  ])('%j are refused', async (options, ErrorClass, message) => {
    const { ws } = await open();
    expect(() => ws.messages(options as object)).toThrow(ErrorClass);
    expect(() => ws.messages(options as object)).toThrow(message);
    expect(() => ws.messages({ highWaterMark: undefined, signal: undefined })).not.toThrow();
  });
});

test('random pauses lose no message and keep the order', async () => {
  const random = new SeededRandom(16);
  for (let round = 0; round < 20; round++) {
    const { client, ws } = await connectPair(scope());
    const total = random.integer(1, 300);
    const highWaterMark = random.integer(1, 20);
    const messages = ws.messages({ highWaterMark });
    for (let i = 0; i < total; i++) client.send(String(i).padEnd(random.integer(1, 3000)));
    client.close(1000);
    const taken: number[] = [];
    let iterator = messages;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      taken.push(Number(next.value.data));
      if (random.integer(1, 4) === 1) await turns(random.integer(1, 3));
      if (random.integer(1, 10) === 1) {
        await iterator.return?.();
        if (random.integer(1, 2) === 1) await turns(2);
        iterator = ws.messages({ highWaterMark: random.integer(1, 20) });
      }
    }
    expect(taken).toEqual(Array.from({ length: total }, (_, i) => i));
  }
});
