/** RFC 6455 §3: what is refused as the address of a WebSocket, and what the exception says. */

import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { readAddress } from '../../../src/client/url.js';
import WebSocket from '../../../src/index.js';
import { clientsIn } from '../../support/memory-client.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const connect = clientsIn(scope);

/** What the constructor throws, as text. */
function thrownFor(address: unknown): string {
  try {
    scope().track(new WebSocket(address as string));
    return 'nothing';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

// RFC 6455 §3: fragment identifiers MUST NOT be used on these URIs.
describe('a fragment is refused', () => {
  test.each([
    'ws://server.example.com/#a',
    'ws://server.example.com/#',
    'ws://server.example.com#',
    'wss://server.example.com/a?b#',
    'http://server.example.com/#',
    'ws+unix:/tmp/server.sock#',
    'ws+unix:/tmp/server.sock:/path#',
  ])('%s', (address) => {
    const message = 'SyntaxError: The URL contains a fragment identifier';
    expect(thrownFor(address)).toBe(message);
    expect(thrownFor(new URL(address))).toBe(message);
    expect(() => readAddress(address, new URL('ws://other.example.com'))).toThrow(SyntaxError);
  });

  // RFC 6455 §3: the character # that begins no fragment is written %23.
  test('an escaped # is none', async () => {
    const { request } = connect('ws://u%23:p%23@server.example.com/%23?%23');
    expect((await request()).startLine).toBe('GET /%23?%23 HTTP/1.1');
  });
});

// RFC 6455 §11.1.2: the same encoding as for ws.
test('wss: the host in ASCII, the path with percent signs', () => {
  const { url, secure, resourceName } = readAddress('wss://räum.example/ä ö?ü');
  expect([secure, url.host, resourceName]).toEqual([
    true,
    'xn--rum-qla.example',
    '/%C3%A4%20%C3%B6?%C3%BC',
  ]);
});

describe('an address that is no URL: the exception says what was meant', () => {
  test.each([
    ['localhost', 'Invalid URL: localhost; did you mean "ws://localhost"?'],
    ['127.0.0.1:3000/a', 'Invalid URL: 127.0.0.1:3000/a; did you mean "ws://127.0.0.1:3000/a"?'],
    ['[::1]:3000', 'Invalid URL: [::1]:3000; did you mean "ws://[::1]:3000"?'],
    [
      '//server.example.com',
      'Invalid URL: //server.example.com; did you mean "ws://server.example.com"?',
    ],
    ['http//x', 'Invalid URL: http//x; did you mean "http://x"?'],
    ['wss//x/y', 'Invalid URL: wss//x/y; did you mean "wss://x/y"?'],
    ['', 'Invalid URL: ; the address is empty, where "ws://localhost:8080/" would be one'],
    ['  ', 'Invalid URL:   ; the address is empty, where "ws://localhost:8080/" would be one'],
    ['/chat', 'Invalid URL: /chat; an address is absolute, such as "ws://localhost:8080/"'],
    ['ws://', 'Invalid URL: ws://; it names no host'],
    ['ws://?a', 'Invalid URL: ws://?a; it names no host'],
    ['ws://a:65536', 'Invalid URL: ws://a:65536; the port is a whole number from 0 to 65535'],
    ['ws://a:3000x/b', 'Invalid URL: ws://a:3000x/b; the port is a whole number from 0 to 65535'],
    ['ws://a b/', 'Invalid URL: ws://a b/'],
    ['ws://[::1', 'Invalid URL: ws://[::1'],
    ['?', 'Invalid URL: ?'],
    [
      undefined,
      'Invalid URL: undefined; an address is a string or a URL, such as "ws://localhost:8080/"',
    ],
    [
      {},
      'Invalid URL: [object Object]; an address is a string or a URL, such as "ws://localhost:8080/"',
    ],
    [8080, 'Invalid URL: 8080; an address is a string or a URL, such as "ws://localhost:8080/"'],
  ])('%p', (address, message) => {
    expect(thrownFor(address)).toBe(`SyntaxError: ${message}`);
  });
});

describe('a scheme that is none of ours', () => {
  const schemes =
    'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"';

  test.each([
    ['localhost:3000', `${schemes}; did you mean "ws://localhost:3000"?`],
    ['server.example.com:80/a?b', `${schemes}; did you mean "ws://server.example.com:80/a?b"?`],
    ['localhost:70000', schemes],
    ['ftp://localhost', schemes],
    ['mailto:2@example.com', schemes],
    ['wss+unix:/tmp/server.sock', schemes],
  ])('%s', (address, message) => {
    expect(thrownFor(address)).toBe(`SyntaxError: ${message}`);
  });
});

test('an address that a server sends gets no advice', () => {
  const base = new URL('ws://server.example.com/');
  expect(() => readAddress('ws://', base)).toThrow(new SyntaxError('Invalid URL: ws://'));
  expect(() => readAddress('localhost:3000', base)).toThrow(/or "ws\+unix:"$/);
});

// jsdom has a URL class of its own, and so has each vm context that a program gives one.
describe('an address of another realm or in a wrapper', () => {
  const text = 'ws://server.example.com/a';

  test.each<[string, unknown]>([
    ['a URL of another class', { href: text, toString: () => text }],
    ['a string of another realm', runInNewContext(`new String('${text}')`)],
    ['a String', new String(text)],
    ['an array of one string', [text]],
    ['a URL that was changed since', Object.assign(new URL('http://x/'), { href: text })],
  ])('%s', async (_, address) => {
    const { ws, request } = connect(address as string);
    expect((await request()).all('host')).toEqual(['server.example.com']);
    expect(ws.url).toBe(text);
  });

  test('a URL object is not changed, and later changes to it have no effect', async () => {
    const url = new URL('http://server.example.com/a');
    const { ws, request } = connect(url);
    expect(url.href).toBe('http://server.example.com/a');
    url.pathname = '/b';
    expect((await request()).startLine).toBe('GET /a HTTP/1.1');
    expect(ws.url).toBe('ws://server.example.com/a');
  });
});
