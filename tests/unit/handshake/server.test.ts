import { describe, expect, test } from '@jest/globals';
import { HandshakeError } from '../../../src/handshake/errors.js';
import {
  acceptLines,
  asksForOtherProtocol,
  fieldLines,
  formatMessage,
  pathOf,
  refusalFields,
  requestWithoutUpgrade,
  validateOptional,
  validateRequest,
} from '../../../src/handshake/server.js';

const headers = {
  host: 'server.example.com',
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
};
const request = {
  method: 'GET',
  httpVersion: '1.1',
  url: '/chat',
  headers,
  rawHeaders: ['Host', 'server.example.com'],
};

test('a valid request is accepted with what it asks for', () => {
  const verdict = validateRequest({
    ...request,
    headers: { ...headers, 'sec-websocket-protocol': 'b, a' },
  });
  expect(verdict).toEqual({
    key: 'dGhlIHNhbXBsZSBub25jZQ==',
    subprotocols: new Set(['b', 'a']),
    extensions: [],
  });
});

test.each([
  [{ method: 'POST' }, 'WS_ERR_INVALID_METHOD', 405],
  [{ httpVersion: '1.0' }, 'WS_ERR_INVALID_HTTP_VERSION', 505],
  [{ httpVersion: '0.9' }, 'WS_ERR_INVALID_HTTP_VERSION', 505],
  [{ url: '*' }, 'WS_ERR_INVALID_REQUEST_TARGET', 400],
])('the request line %p is refused with %s, %d', (change, code, status) => {
  expect(validateRequest({ ...request, ...change })).toMatchObject({ code, status });
});

test.each([
  [{ host: undefined }, 'WS_ERR_INVALID_HOST', 400],
  [{ host: '' }, 'WS_ERR_INVALID_HOST', 400],
  [{ host: 'a b' }, 'WS_ERR_INVALID_HOST', 400],
  [{ upgrade: undefined }, 'WS_ERR_INVALID_UPGRADE', 400],
  [{ upgrade: 'xwebsocket' }, 'WS_ERR_INVALID_UPGRADE', 400],
  [{ connection: 'close' }, 'WS_ERR_INVALID_CONNECTION', 400],
  [{ 'sec-websocket-key': undefined }, 'WS_ERR_INVALID_KEY', 400],
  [{ 'sec-websocket-version': undefined }, 'WS_ERR_INVALID_VERSION', 426],
  [{ 'sec-websocket-version': '8' }, 'WS_ERR_INVALID_VERSION', 426],
  [{ 'sec-websocket-version': '013' }, 'WS_ERR_INVALID_VERSION', 426],
  [{ 'sec-websocket-version': '13, 13' }, 'WS_ERR_INVALID_VERSION', 426],
  [{ 'sec-websocket-protocol': 'a,a' }, 'WS_ERR_INVALID_SUBPROTOCOLS', 400],
  [{ 'sec-websocket-extensions': 'a;;' }, 'WS_ERR_INVALID_EXTENSIONS', 400],
  [{ 'content-length': '1' }, 'WS_ERR_UNEXPECTED_BODY', 400],
  [{ 'transfer-encoding': 'chunked' }, 'WS_ERR_UNEXPECTED_BODY', 400],
])('the fields %p are refused with %s, %d', (change, code, status) => {
  const verdict = validateRequest({ ...request, headers: { ...headers, ...change } });
  expect(verdict).toBeInstanceOf(HandshakeError);
  expect(verdict).toMatchObject({ code, status });
});

test('RFC 9112 §3.2: two Host fields are refused, even if they say the same', () => {
  const rawHeaders = ['Host', 'server.example.com', 'HOST', 'server.example.com'];
  expect(validateRequest({ ...request, rawHeaders })).toMatchObject({
    code: 'WS_ERR_INVALID_HOST',
  });
});

test('RFC 6455 §9.1: extensions are listed as they are offered, known or not', () => {
  const offers = { ...headers, 'sec-websocket-extensions': 'x-unknown; a=1, y' };
  expect(validateRequest({ ...request, headers: offers })).toMatchObject({
    extensions: [
      { name: 'x-unknown', parameters: [['a', '1']] },
      { name: 'y', parameters: [] },
    ],
  });
});

test('a request that a program made may lack Host and give the version as a number', () => {
  const { host, ...others } = headers;
  const made = { method: 'GET', headers: { ...others, 'sec-websocket-version': 13 as never } };
  expect(host).toBeDefined();
  expect(validateRequest(made)).not.toBeInstanceOf(HandshakeError);
});

describe('pathOf', () => {
  test.each([
    ['/', '/'],
    ['/a/b?c=/d', '/a/b'],
    ['//x', '//x'],
    ['/%zz', '/%zz'],
    ['ws://localhost:3000/ws/chat', '/ws/chat'],
    ['WSS://h/a?b', '/a'],
    ['http://[::1]:80', '/'],
    ['http://h?a', '/'],
    [undefined, '/'],
    ['', '/'],
  ])('of %s is %s', (target, path) => {
    expect(pathOf(target)).toBe(path);
  });

  test.each(['*', 'h:80', 'ftp://h/a', 'ws:///a', 'a'])('of %s is none', (target) => {
    expect(pathOf(target)).toBeUndefined();
  });
});

test('RFC 6455 §4.2.1: several faults are reported in the order of the request', () => {
  const broken = { method: 'POST', httpVersion: '1.0', url: '*', headers: {} };
  expect(validateRequest(broken)).toMatchObject({ code: 'WS_ERR_INVALID_METHOD' });
  expect(validateRequest({ ...broken, method: 'GET' })).toMatchObject({
    code: 'WS_ERR_INVALID_HTTP_VERSION',
  });
});

test.each(['0', '000'])('a Content-Length of %s is no body', (length) => {
  const all = { ...headers, 'content-length': length };
  expect(validateRequest({ ...request, headers: all })).not.toBeInstanceOf(HandshakeError);
});

test('what an optional part asks for can be read without the required fields', () => {
  expect(validateOptional({ headers: {} })).toEqual({
    key: '',
    subprotocols: new Set(),
    extensions: [],
  });
});

test.each([
  [{ upgrade: 'h2c' }, true],
  [{}, true],
  [{ upgrade: 'h2c, WebSocket' }, false],
  [{ upgrade: 'h2c', 'sec-websocket-key': 'x' }, false],
])('whether %p asks for another protocol: %s', (fields, asks) => {
  expect(asksForOtherProtocol({ headers: fields })).toBe(asks);
});

describe('RFC 9110 §7.8: a request without its upgrade', () => {
  const h2c = {
    method: 'GET',
    url: '/a?b',
    httpVersion: '1.1',
    headers: {},
    rawHeaders: [
      ...['Host', 'h', 'Connection', 'Upgrade, HTTP2-Settings,, keep-alive', 'Upgrade', 'h2c'],
      ...['HTTP2-Settings', 'AAMAAABk', 'X-A', ''],
    ],
  };

  test('keeps the other fields and the other options of Connection', () => {
    expect(requestWithoutUpgrade(h2c, true)).toBe(
      'GET /a?b HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nX-A: \r\n\r\n',
    );
  });

  test('has no Connection if nothing of it is left, and may close', () => {
    const rawHeaders = ['CONNECTION', 'upgrade', 'upgrade', 'h2c', 'Odd'];
    expect(requestWithoutUpgrade({ ...h2c, rawHeaders }, true)).toBe(
      'GET /a?b HTTP/1.1\r\nOdd: \r\n\r\n',
    );
    expect(requestWithoutUpgrade({ ...h2c, rawHeaders: undefined }, false)).toBe(
      'GET /a?b HTTP/1.1\r\nConnection: close\r\n\r\n',
    );
  });
});

test('a response without a subprotocol, with an extension and a body', () => {
  const lines = acceptLines('dGhlIHNhbXBsZSBub25jZQ==', false, 'x; a=1');
  expect(lines.slice(4)).toEqual(['Sec-WebSocket-Extensions: x; a=1']);
  expect(formatMessage(['HTTP/1.1 400 Bad Request'], 'why')).toBe(
    'HTTP/1.1 400 Bad Request\r\n\r\nwhy',
  );
});

test('RFC 6455 §1.3: the response to the sample request', () => {
  const lines = acceptLines('dGhlIHNhbXBsZSBub25jZQ==', 'chat', '');
  expect(formatMessage(lines)).toBe(
    'HTTP/1.1 101 Switching Protocols\r\n' +
      'Upgrade: websocket\r\n' +
      'Connection: Upgrade\r\n' +
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n' +
      'Sec-WebSocket-Protocol: chat\r\n\r\n',
  );
});

test('header fields of a program: lists give a line each, undefined none', () => {
  const fields = { 'Set-Cookie': ['a=1', 'b=2'], 'Retry-After': 5, 'X-None': undefined };
  expect(fieldLines(fields)).toEqual([
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['Retry-After', '5'],
  ]);
});

test('RFC 6455 §4.4: 426 names the version, 405 the method', () => {
  expect(Object.fromEntries(refusalFields(426))).toMatchObject({ 'Sec-WebSocket-Version': '13' });
  expect(Object.fromEntries(refusalFields(405))).toEqual({ Allow: 'GET' });
  expect(refusalFields(400)).toEqual([]);
});
