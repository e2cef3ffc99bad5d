/** WebSocketStream: the constructor, the opening handshake, and its abort. */

import { describe, expect, test } from '@jest/globals';
import { WebSocketError, WebSocketStream } from '../../../src/standard/index.js';
import type { WireEnd } from '../../support/duplex-pair.js';
import { closePayload, frame, OPCODE } from '../../support/frames.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import type { Loose } from '../../support/websockets.js';

const scope = useScope();
const Any = WebSocketStream as unknown as new (...args: unknown[]) => WebSocketStream;
const URL_OF_SERVER = 'ws://server.example.com/chat';

const errorOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => Promise.reject(new Error('it was resolved')),
    (error) => error,
  );

/** A client whose connection leads to the test. */
function connect(options: Loose = {}) {
  const ends: WireEnd[] = [];
  const createConnection = () => {
    const [near, far] = scope().wire();
    ends.push(far);
    return near;
  };
  const stream = new Any(URL_OF_SERVER, {
    createConnection,
    perMessageDeflate: false,
    concurrentHandshakes: true,
    ...options,
  });
  return { stream, ends };
}

async function requested({ ends }: { ends: WireEnd[] }) {
  await until(() => ends.length === 1, 'the connection');
  const wire = ends[0] as WireEnd; // just seen
  const inbox = new Inbox(wire);
  return { wire, inbox, request: await inbox.message() };
}

describe('the constructor', () => {
  test.each<[string, unknown[], unknown]>([
    ['no URL', [], TypeError],
    ['options that are no object', [URL_OF_SERVER, true], TypeError],
    ['a string as protocols', [URL_OF_SERVER, { protocols: 'hi' }], TypeError],
    ['a signal that is none', [URL_OF_SERVER, { signal: {} }], TypeError],
    ['null as signal', [URL_OF_SERVER, { signal: null }], TypeError],
    ['no valid URL', ['chat'], { name: 'SyntaxError' }],
    ['another scheme', ['ftp://server/'], { name: 'SyntaxError' }],
    ['a fragment', ['ws://server/#x'], { name: 'SyntaxError' }],
    ['a subprotocol twice', [URL_OF_SERVER, { protocols: ['a', 'A'] }], { name: 'SyntaxError' }],
    ['a bad subprotocol', [URL_OF_SERVER, { protocols: ['a b'] }], { name: 'SyntaxError' }],
  ])('%s', (_, args, expected) => {
    let thrown: unknown;
    try {
      new Any(...args);
    } catch (error) {
      thrown = error;
    }
    if (typeof expected === 'function') expect(thrown).toBeInstanceOf(expected);
    else expect(thrown).toMatchObject(expected as object);
  });

  test('the URL is serialised', () => {
    const signal = AbortSignal.abort();
    expect(new WebSocketStream('http://Server.example.com', { signal }).url).toBe(
      'ws://server.example.com/',
    );
    expect(Object.prototype.toString.call(WebSocketStream.prototype)).toBe(
      '[object WebSocketStream]',
    );
    expect(WebSocketStream).toHaveLength(1);
  });
});

describe('the opening handshake', () => {
  test('opened has the streams, the subprotocol and the extensions', async () => {
    const client = connect({ protocols: ['chat', 'other'], headers: { 'X-Token': 't' } });
    const { wire, inbox, request } = await requested(client);
    expect(JSON.stringify(request)).toMatch(/X-Token/);
    const response = upgradeResponse(keyOf(request), 'Sec-WebSocket-Protocol: chat');
    wire.write(Buffer.concat([Buffer.from(response), frame({ payload: 'first' })]));
    const { readable, writable, extensions, protocol } = await client.stream.opened;
    expect([extensions, protocol]).toEqual(['', 'chat']);
    expect([readable, writable]).toEqual([expect.any(ReadableStream), expect.any(WritableStream)]);
    expect((await readable.getReader().read()).value).toBe('first');
    client.stream.close({ closeCode: 4000 });
    await inbox.frame();
    wire.end(frame({ opcode: OPCODE.CLOSE, payload: closePayload(4001, 'peer') }));
    expect(await client.stream.closed).toEqual({ closeCode: 4001, reason: 'peer' });
  });

  test('a refusal is a WebSocketError in both promises', async () => {
    const client = connect();
    const { wire } = await requested(client);
    wire.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    const error = await errorOf(client.stream.opened);
    expect(error.constructor).toBe(WebSocketError);
    expect(error).toMatchObject({ closeCode: 1006, cause: { code: expect.any(String) } });
    expect(await errorOf(client.stream.closed)).toBe(error);
  });

  test('close() during the handshake fails it', async () => {
    const { stream } = connect();
    stream.close();
    expect((await errorOf(stream.opened)).constructor).toBe(WebSocketError);
    expect((await errorOf(stream.closed)).constructor).toBe(WebSocketError);
  });
});

describe('the signal', () => {
  test('aborted before: no connection', async () => {
    const { stream, ends } = connect({ signal: AbortSignal.abort() });
    expect(await errorOf(stream.opened)).toMatchObject({ name: 'AbortError' });
    expect(await errorOf(stream.closed)).toMatchObject({ name: 'AbortError' });
    await turns();
    expect(ends).toEqual([]);
  });

  test('aborted during the handshake: its reason rejects both promises', async () => {
    const controller = new AbortController();
    const client = connect({ signal: controller.signal });
    const { wire } = await requested(client);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await errorOf(client.stream.opened)).toBe(reason);
    expect(await errorOf(client.stream.closed)).toBe(reason);
    await until(() => wire.destroyed || wire.readableEnded, 'the end of the connection');
  });

  test('aborted when open: nothing', async () => {
    const controller = new AbortController();
    const client = connect({ signal: controller.signal });
    const { wire, request } = await requested(client);
    wire.write(upgradeResponse(keyOf(request)));
    const { readable } = await client.stream.opened;
    controller.abort();
    wire.write(frame({ payload: 'still open' }));
    expect((await readable.getReader().read()).value).toBe('still open');
    wire.destroy();
    await errorOf(client.stream.closed);
  });
});

test('a failure that nobody awaits is no unhandled rejection', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  scope().later(async () => void process.off('unhandledRejection', note));
  connect().stream.close();
  const client = connect();
  const { wire, request } = await requested(client);
  wire.write(upgradeResponse(keyOf(request)));
  const { writable } = await client.stream.opened;
  await writable.getWriter().write('x');
  wire.destroy();
  await turns(30);
  expect(unhandled).toEqual([]);
});

describe('close()', () => {
  test.each<[unknown, unknown]>([
    [true, TypeError],
    ['x', TypeError],
    [{ closeCode: 65_536 }, TypeError],
    [{ closeCode: Number.NaN }, TypeError],
    [{ closeCode: 999 }, { name: 'InvalidAccessError' }],
    [{ closeCode: 1001 }, { name: 'InvalidAccessError' }],
    [{ closeCode: 2999 }, { name: 'InvalidAccessError' }],
    [{ closeCode: 5000 }, { name: 'InvalidAccessError' }],
    [{ reason: 'x'.repeat(124) }, { name: 'SyntaxError' }],
    [{ reason: '🔌'.repeat(32) }, { name: 'SyntaxError' }],
  ])('%p is refused, as in a WebSocketError', async (info, expected) => {
    const { stream } = connect();
    const matcher =
      typeof expected === 'function' ? expected : expect.objectContaining(expected as object);
    expect(() => (stream.close as (info: unknown) => void)(info)).toThrow(matcher as never);
    expect(() => new WebSocketError('', info as object)).toThrow(matcher as never);
    stream.close();
    await errorOf(stream.closed);
  });
});

describe('WebSocketError', () => {
  test('is a DOMException with a code and a reason', () => {
    const empty = new WebSocketError();
    expect(empty).toBeInstanceOf(DOMException);
    const { name, code, message, closeCode, reason } = empty;
    expect({ name, code, message, closeCode, reason }).toEqual({
      name: 'WebSocketError',
      code: 0,
      message: '',
      closeCode: null,
      reason: '',
    });
    const error = new WebSocketError('text', { reason: 'why' });
    expect([error.message, error.closeCode, error.reason]).toEqual(['text', 1000, 'why']);
    expect(WebSocketError).toHaveLength(0);
  });
});
