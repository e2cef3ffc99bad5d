/** The arguments of the constructor, and an object that is not connected. */

import { createServer, type IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useSockets } from '../../support/connections.js';
import { readFrames } from '../../support/frames.js';
import { until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import {
  frameFor,
  memoryServer,
  next,
  ROLES,
  recordEvents,
  serve,
  unconnected,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const { onManualWire } = useSockets(scope);

/** The constructor as programs in JavaScript call it. */
const Any = WebSocket as unknown as new (...args: unknown[]) => WebSocketInstance;

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
    const construct = (): WebSocketInstance => new Any('no URL either', { protocolVersion });
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

describe("the constructor's arguments", () => {
  /** The request that a client makes with these arguments. */
  async function requested(...args: unknown[]): Promise<IncomingMessage> {
    const http = createServer();
    const { connect } = memoryServer(scope(), http);
    void connect;
    const wss = serve(scope(), { server: http });
    const connection = next<[WebSocketInstance, IncomingMessage]>(wss, 'connection');
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
    const events = recordEvents(ws);
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
    const events = recordEvents(ws);
    ws.emitClose();
    expect(ws.readyState).toBe(WebSocket.CLOSED);
    expect(events).toEqual(['close 1006']);
  });

  test('is given up by close() or terminate()', async () => {
    for (const end of ['close', 'terminate'] as const) {
      const ws = unconnected('client');
      const events = recordEvents(ws);
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
