/** The face of one connection: arguments, properties, methods, events. */

import { createServer, type IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import {
  attend,
  type Face,
  frameFor,
  hall,
  type Loose,
  meet,
  next,
  onWire,
  ROLES,
  serve,
  unconnected,
} from '../../support/faces.js';
import { closePayload, OPCODE, readFrames, type SeenFrame } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

/** The constructor as programs in JavaScript call it. */
const Any = WebSocket as unknown as new (...args: unknown[]) => Face;

/** Arguments as programs in JavaScript give them. */
type Call = (...args: unknown[]) => unknown;
const methodOf = (ws: Face, name: 'send' | 'ping' | 'pong' | 'close'): Call =>
  (ws[name] as Call).bind(ws);

/** A client that never gets an answer. */
function connecting(): Face {
  const wire = new ManualWire();
  const ws = new WebSocket('ws://server.example.com/', { createConnection: () => wire });
  return scope().track(ws);
}

async function onManualWire(
  role: 'server' | 'client',
  settings: Loose = {},
): Promise<{ ws: Face; wire: ManualWire; frames: () => SeenFrame[] }> {
  const wire = new ManualWire();
  const ws = scope().track(onWire(wire, role, settings));
  await turns(1);
  return { ws, wire, frames: () => readFrames(wire.sent).frames };
}

async function closed(): Promise<Face> {
  const { ws, wire } = await onManualWire('server');
  wire.destroy();
  await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
  return ws;
}

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

describe('the constructor refuses', () => {
  test.each([
    ['no URL', [], 'Invalid URL: undefined'],
    ['an empty URL', [''], 'Invalid URL: '],
    ['what is no URL', ['foo'], 'Invalid URL: foo'],
    ['a URL without a host', ['ws://'], 'Invalid URL: ws://'],
    ['a port that is none', ['ws://localhost:99999/'], 'Invalid URL: ws://localhost:99999/'],
  ])('%s with a SyntaxError', (_, args, message) => {
    expect(() => new Any(...args)).toThrow(SyntaxError);
    expect(() => new Any(...args)).toThrow(message);
  });

  test.each(['ftp://a/', 'file:///a', 'javascript:a', 'about:blank', 'wsx://a/'])(
    'the scheme of %s with a SyntaxError',
    (url) => {
      const message =
        'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"';
      expect(() => new WebSocket(url)).toThrow(new SyntaxError(message));
    },
  );

  test.each(['ws+unix:', 'ws+unix:?a'])('%s, which has no path, with a SyntaxError', (url) => {
    expect(() => new WebSocket(url)).toThrow(new SyntaxError("The URL's pathname is empty"));
  });

  // RFC 6455 §3: fragment identifiers MUST NOT be used.
  test.each(['ws://a/#b', 'wss://a#b', 'http://a/?#b', 'ws://a/#'])('the fragment of %s', (url) => {
    const message = 'The URL contains a fragment identifier';
    expect(() => new WebSocket(url)).toThrow(new SyntaxError(message));
  });

  test.each([0, 12, 14, '13', 'x'])('protocolVersion %p with a RangeError', (protocolVersion) => {
    const construct = (): Face => new Any('no URL either', { protocolVersion });
    expect(construct).toThrow(RangeError);
    expect(construct).toThrow(
      new RegExp(
        `^Unsupported protocol version: ${protocolVersion} \\(supported versions: .*13\\)`,
      ),
    );
  });

  const SUBPROTOCOLS: [string, unknown][] = [
    ['null', null],
    ['a number', 1],
    ['an empty string', ''],
    ['a blank', 'a b'],
    ['a list in a string', 'a,b'],
    ['a quoted one', '"a"'],
    ['a control character', 'a\x7f'],
    ['another letter', 'ä'],
    ['a line end', 'a\r\nX: y'],
    ['a duplicate', ['a', 'b', 'a']],
    ['a number in a list', ['a', 1]],
    ['an empty one in a list', ['']],
    ['null in a list', [null]],
    ['undefined in a list', [undefined]],
  ];
  test.each(SUBPROTOCOLS)('as a subprotocol: %s, with a SyntaxError', (_, protocols) => {
    const error = new SyntaxError('An invalid or duplicated subprotocol was specified');
    expect(() => new Any('ws://server.example.com/', protocols)).toThrow(error);
    if (protocols !== null) {
      expect(() => new Any('ws://server.example.com/', { protocols })).toThrow(error);
    }
  });
});

function connectingTo(url: string | URL, options: Loose = {}): Face {
  const createConnection = () => new ManualWire();
  return scope().track(new WebSocket(url, { createConnection, ...options }));
}

describe("the constructor's arguments", () => {
  /** The request that a client makes with these arguments. */
  async function requested(...args: unknown[]): Promise<IncomingMessage> {
    const http = createServer();
    const { dial } = hall(scope(), http);
    void dial;
    const wss = serve(scope(), { server: http });
    const connection = next<[Face, IncomingMessage]>(wss, 'connection');
    const [url, ...rest] = args;
    const createConnection = () => {
      const [near, far] = scope().wire();
      http.emit('connection', far);
      return near;
    };
    const given = rest.map((one) =>
      typeof one === 'object' && one !== null && !Array.isArray(one)
        ? { createConnection, ...one }
        : one,
    );
    const ws = scope().track(new Any(url, ...given));
    const [, request] = await connection;
    await until(() => ws.readyState === WebSocket.OPEN, "'open'");
    return request;
  }
  const subprotocols = (request: IncomingMessage): string[] | undefined =>
    request.headers['sec-websocket-protocol']?.split(/, */);
  const URL_OF_SERVER = 'ws://server.example.com/chat?a=b';

  test('are a URL and options', async () => {
    const request = await requested(URL_OF_SERVER, { headers: { 'X-Test': 'y' } });
    expect(request.url).toBe('/chat?a=b');
    expect(request.headers).toMatchObject({ host: 'server.example.com', 'x-test': 'y' });
    expect(subprotocols(request)).toBeUndefined();
  });

  test.each([
    ['a string', 'a', ['a']],
    ['a list', ['a', 'b'], ['a', 'b']],
    ['an empty list', [], undefined],
    ['undefined', undefined, undefined],
  ])('are a URL, %s of subprotocols and options', async (_, protocols, expected) => {
    expect(subprotocols(await requested(URL_OF_SERVER, protocols, {}))).toEqual(expected);
  });

  test('name the subprotocols in the options as well, a string or a list', async () => {
    expect(subprotocols(await requested(URL_OF_SERVER, { protocols: 'a' }))).toEqual(['a']);
    const list = ['b', 'c'];
    expect(subprotocols(await requested(URL_OF_SERVER, { protocols: list }))).toEqual(list);
    const third = await requested(URL_OF_SERVER, undefined, { protocols: ['d'] });
    expect(subprotocols(third)).toEqual(['d']);
  });

  test('prefer the subprotocols in the second place', async () => {
    const request = await requested(URL_OF_SERVER, ['a'], { protocols: ['b'] });
    expect(subprotocols(request)).toEqual(['a']);
    expect(subprotocols(await requested(URL_OF_SERVER, [], { protocols: ['b'] }))).toBeUndefined();
  });

  test('may be a URL object, which stays as it is', async () => {
    const url = new URL('http://user:pass@server.example.com/chat');
    const request = await requested(url, {});
    expect(request.headers.authorization).toBe(`Basic ${btoa('user:pass')}`);
    expect(url.href).toBe('http://user:pass@server.example.com/chat');
  });

  test('may hold undefined in the place of every option', async () => {
    const names = ['headers', 'origin', 'protocols', 'maxPayload', 'maxFragments', 'autoPong'];
    const more = ['closeTimeout', 'handshakeTimeout', 'agent', 'followRedirects', 'maxRedirects'];
    const last = ['perMessageDeflate', 'generateMask', 'finishRequest', 'protocolVersion', 'auth'];
    const nothing = Object.fromEntries(
      [...names, ...more, ...last].map((name) => [name, undefined]),
    );
    const request = await requested(URL_OF_SERVER, undefined, nothing);
    expect(request.headers['sec-websocket-version']).toBe('13');
    expect(request.headers.origin).toBeUndefined();
  });

  test('leave the options of the caller as they are', async () => {
    const options = Object.freeze({ headers: Object.freeze({ A: 'b' }), origin: 'http://a' });
    const before = JSON.stringify(options);
    const request = await requested(URL_OF_SERVER, ['x'], options);
    expect(request.headers.origin).toBe('http://a');
    expect(JSON.stringify(options)).toBe(before);
  });
});

describe('an unconnected object', () => {
  test('is made with null, without options as well', () => {
    for (const ws of [new WebSocket(null), new WebSocket(null, undefined, {})]) {
      expect(ws.readyState).toBe(WebSocket.CONNECTING);
      expect(ws.url).toBeUndefined();
      expect([ws.protocol, ws.extensions, ws.binaryType]).toEqual(['', '', 'nodebuffer']);
      expect([ws.onopen, ws.onmessage, ws.onclose, ws.onerror]).toEqual([null, null, null, null]);
      expect(ws.isPaused).toBe(false);
    }
  });

  test.each(ROLES)('becomes a %s by setSocket, which opens it', async (role) => {
    const wire = new ManualWire();
    const ws = scope().track(unconnected(role));
    const events = attend(ws);
    ws.setSocket(wire, frameFor(role, { payload: 'from the head' }), {
      maxPayload: 0,
      skipUTF8Validation: false,
    });
    expect(ws.readyState).toBe(WebSocket.OPEN);
    expect(events).toEqual(['open']);
    ws.send('x');
    await until(() => events.length > 1, "'message'");
    expect(events).toEqual(['open', 'message from the head']);
    expect(readFrames(wire.sent).frames).toMatchObject([{ masked: role === 'client' }]);
  });

  test('takes the limits that setSocket is given; those left out are off', async () => {
    const { ws, wire } = await onManualWire('server', { maxPayload: 10 });
    const error = next<[Error]>(ws, 'error');
    wire.arrive(frameFor('server', { payload: 'x'.repeat(11) }));
    expect((await error)[0]).toMatchObject({
      message: 'Max payload size exceeded',
      code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    });
  });

  test("emits 'close' by emitClose(), with 1006 when nothing came", () => {
    const ws = unconnected('client');
    const events = attend(ws);
    ws.emitClose();
    expect(ws.readyState).toBe(WebSocket.CLOSED);
    expect(events).toEqual(['close 1006']);
  });

  test('is given up by close() or terminate()', async () => {
    for (const end of ['close', 'terminate'] as const) {
      const ws = unconnected('client');
      const events = attend(ws);
      ws[end]();
      if (process.env['WS6455_SUBJECT'] !== undefined) continue;
      await until(() => events.length > 1, "'close'");
      expect(events).toEqual([
        'error WebSocket was closed before the connection was established',
        'close 1006',
      ]);
    }
  });
});

describe('readyState', () => {
  test('goes from CONNECTING to OPEN, CLOSING and CLOSED', async () => {
    const { http, dial } = hall(scope());
    const wss = serve(scope(), { server: http });
    const seen: number[] = [];
    wss.on('connection', (ws: Face) => ws.on('close', () => seen.push(ws.readyState)));
    const client = dial();
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
    const { ws, client } = await meet(scope(), {}, {}, ['a', 'b']);
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

  async function received(ws: Face, wire: ManualWire, opcode: number): Promise<unknown> {
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
    let ws: Face;
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
    const { ws, client } = await meet(scope());
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

  test("is told on the other end with its bytes; a Ping's answer comes back", async () => {
    const { ws, client } = await meet(scope());
    const server = attend(ws);
    const events = attend(client);
    client[name]('x');
    await until(() => server.length > 0, `'${name}'`);
    await turns();
    expect(server).toEqual([`${name} x`]);
    expect(events).toEqual(name === 'ping' ? ['pong x'] : []);
  });
});

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
    const events = attend(ws);
    methodOf(ws, 'close')(1);
    ws.terminate();
    ws.pause();
    ws.resume();
    await turns();
    expect(events).toEqual([]);
    expect(ws.isPaused).toBe(false);
  });

  test('tells both ends what was said', async () => {
    const { ws, client } = await meet(scope());
    const server = attend(ws);
    const events = attend(client);
    client.close(3001, 'enough');
    await until(() => server.length + events.length === 2, "'close' on both sides");
    expect([server, events]).toEqual([['close 3001 enough'], ['close 3001 enough']]);
    const said = { code: 3001, reason: 'enough' };
    expect(ws.closeInfo).toEqual({ wasClean: true, sent: said, received: said });
    expect(client.closeInfo).toEqual({ wasClean: true, sent: said, received: said });
  });

  test('without a code is 1005 on both ends', async () => {
    const { ws, client } = await meet(scope());
    const server = attend(ws);
    const events = attend(client);
    ws.close();
    await until(() => server.length + events.length === 2, "'close' on both sides");
    expect([server, events]).toEqual([['close 1005'], ['close 1005']]);
    const said = { code: 1005, reason: '' };
    expect(ws.closeInfo).toEqual({ wasClean: true, sent: said, received: said });
  });

  test('on both ends at once ends cleanly', async () => {
    const { ws, client } = await meet(scope());
    const server = attend(ws);
    const events = attend(client);
    client.pause(); // the two Closes cross
    ws.close(1001, 'from the server');
    client.close(1000, 'from the client');
    client.resume();
    await until(() => server.length + events.length === 2, "'close' on both sides");
    expect(server).toEqual(['close 1000 from the client']);
    expect(events).toEqual(['close 1001 from the server']);
  });

  test('hands on the reason of another connection', async () => {
    const { ws, client } = await meet(scope());
    const other = await meet(scope());
    ws.on('close', (code, reason) => other.client.close(code, reason));
    const events = attend(other.ws);
    client.close(4000, 'passed on');
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 4000 passed on']);
  });
});

describe.each(['close', 'terminate'] as const)('%s() while connecting', (name) => {
  test("is told by 'error', then 'close' 1006, in a later tick", async () => {
    const ws = connecting();
    const events = attend(ws);
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
    const events = attend(ws);
    (ws[name] as Call).call(ws, 1, {});
    await until(() => events.length > 1, "'close'");
    expect(events[1]).toBe('close 1006');
  });

  test("is honoured in the 'upgrade' event", async () => {
    const { http, dial } = hall(scope());
    serve(scope(), { server: http });
    const client = dial();
    const events = attend(client);
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
    const { ws, client } = await meet(scope());
    const server = attend(ws);
    const events = attend(client);
    ws.terminate();
    expect(ws.readyState).toBe(WebSocket.CLOSING);
    await until(() => server.length + events.length === 2, "'close' on both sides");
    expect([server, events]).toEqual([['close 1006'], ['close 1006']]);
    expect(ws.closeInfo).toEqual({ wasClean: false });
  });
});

describe('events', () => {
  test("'open' comes before messages; it is told on both ends", async () => {
    const opened: string[] = [];
    class Noting extends WebSocket {
      override emit(event: string | symbol, ...args: unknown[]): boolean {
        opened.push(String(event));
        return super.emit(event, ...args);
      }
    }
    const { http, dial } = hall(scope());
    const wss = serve(scope(), { server: http, WebSocket: Noting });
    wss.on('connection', (ws: Face) => {
      opened.push('connection');
      ws.send('welcome');
    });
    const client = dial();
    const events = attend(client);
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
    const events = attend(ws);
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
    const events = attend(ws);
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
    expect(ws.closeInfo).toEqual({
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
    expect(infos).toEqual([{ wasClean: false }]);
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
    const events = attend(ws);
    ws.removeAllListeners();
    wire.arrive(frameFor('server', { opcode: OPCODE.PING }));
    wire.arrive(frameFor('server', { opcode: OPCODE.CLOSE }));
    wire.finish();
    await until(() => ws.readyState === WebSocket.CLOSED, 'the end');
    expect(events).toEqual([]);
    expect(readFrames(wire.sent).frames.map(({ opcode }) => opcode)).toEqual([10, 8]);
  });

  test('a WebSocket stays in use after its socket was destroyed by somebody else', async () => {
    const { ws, client, wires } = await meet(scope());
    const server = attend(ws);
    const events = attend(client);
    wires[1].destroy();
    ws.send('x');
    await until(() => server.length + events.length === 2, "'close' on both sides");
    expect([server, events]).toEqual([['close 1006'], ['close 1006']]);
  });
});
