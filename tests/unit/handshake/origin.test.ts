/** RFC 6454: which origins and hosts a server accepts. */

import { describe, expect, test } from '@jest/globals';
import {
  hasForeignOrigin,
  isHostAllowed,
  isHostPattern,
  isOriginAllowed,
  isOriginPattern,
  type OriginPolicy,
} from '../../../src/handshake/origin.js';
import type { HandshakeRequest } from '../../../src/handshake/server.js';

/** @param host undefined leaves the field out */
function request(origin: string | undefined, host: string | undefined): HandshakeRequest {
  return { headers: { origin, host } };
}

const isAllowed = (
  policy: OriginPolicy<HandshakeRequest>,
  origin: string | undefined,
  host = 'example.com',
  isSecure = false,
): boolean => isOriginAllowed(policy, request(origin, host), isSecure);

describe("origins: 'same'", () => {
  test.each<[origin: string | undefined, host: string]>([
    [undefined, 'example.com'],
    ['http://example.com', 'example.com'],
    ['https://example.com', 'example.com'], // a proxy may have ended TLS
    ['http://example.com', 'example.com:80'],
    ['https://example.com', 'example.com:443'],
    ['http://example.com:80', 'example.com'],
    ['https://example.com:443', 'example.com'],
    ['http://example.com', 'example.com:'],
    ['http://example.com:8080', 'example.com:8080'],
    ['http://example.com:8080', 'example.com:08080'],
    ['HTTP://EXAMPLE.com', 'example.COM'],
    ['http://xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['http://xn--bcher-kva.example', 'bücher.example'],
    ['http://BÜCHER.example', 'xn--bcher-kva.example'],
    ['http://[::1]', '[::1]'],
    ['http://[::1]:3000', '[::1]:3000'],
    ['http://[::1]', '[0:0:0:0:0:0:0:1]'],
    ['http://[2001:DB8::A]', '[2001:db8::a]'],
    ['http://127.0.0.1:80', '127.0.0.1'],
    ['http://example.com.', 'example.com'],
    ['http://example.com', 'example.com.'],
    ['http://example.com.:8080', 'example.com:8080'],
    ['http://localhost:5173', 'localhost:5173'],
  ])('accepts %s at %s', (origin, host) => {
    expect(isAllowed('same', origin, host)).toBe(true);
    expect(hasForeignOrigin(request(origin, host), false)).toBe(false);
  });

  test.each<[origin: string, host: string]>([
    ['null', 'example.com'],
    ['null', 'null'],
    ['', 'example.com'],
    ['http://attacker.example', 'example.com'],
    ['http://www.example.com', 'example.com'],
    ['http://example.com', 'www.example.com'],
    ['http://example.com.attacker.example', 'example.com'],
    ['http://attackerexample.com', 'example.com'],
    ['http://example.com:8080', 'example.com'],
    ['http://example.com', 'example.com:8080'],
    ['http://example.com', 'example.com:443'],
    ['https://example.com', 'example.com:80'],
    ['http://example.com:65536', 'example.com:65536'],
    ['http://example.com..', 'example.com'],
    ['http://example.com, http://example.com', 'example.com'], // two lines
    ['http://example.com http://example.com', 'example.com'],
    ['http://example.com/', 'example.com'],
    ['http://example.com/path', 'example.com'],
    ['http://user@example.com', 'example.com'],
    ['http://example.com@attacker.example', 'example.com'],
    ['http://attacker.example#example.com', 'example.com'],
    ['http://attacker.example\\@example.com', 'example.com'],
    ['http://ex%61mple.com', 'example.com'],
    ['//example.com', 'example.com'],
    ['example.com', 'example.com'],
    ['http:example.com', 'example.com'],
    ['ftp://example.com', 'example.com'],
    ['chrome-extension://example.com', 'example.com'],
    ['file://', 'example.com'],
    ['http://[::1]', '[::2]'],
    ['http://[::1', '[::1'],
    ['http://[::ffff:127.0.0.1]', '127.0.0.1'],
    ['http://', ''],
    ['http://.', '.'],
    ['http://example.com', ''],
    ['http://a b', 'a b'],
    ['http://a<b', 'a<b'],
    ['http://1.2.3.4.5', '1.2.3.4.5'],
    ['http://[1::2::3]', '[1::2::3]'],
  ])('refuses %s at %s', (origin, host) => {
    expect(isAllowed('same', origin, host)).toBe(false);
    expect(hasForeignOrigin(request(origin, host), false)).toBe(true);
  });

  test('refuses a page without TLS on a connection with TLS', () => {
    expect(isAllowed('same', 'http://example.com', 'example.com', true)).toBe(false);
    expect(isAllowed('same', 'https://example.com', 'example.com', true)).toBe(true);
  });

  test('accepts the longest domain name, and refuses a longer one', () => {
    const label = (length: number) => 'a'.repeat(length);
    const name = [label(63), label(63), label(63), label(61)].join('.');
    expect(isAllowed('same', `http://${name}:8080`, `${name}:8080`)).toBe(true);
    const longer = `${name}.${label(10)}`;
    expect(isAllowed('same', `http://${longer}`, longer)).toBe(false);
  });

  test('gives the same answer after any number of other hosts', () => {
    for (let i = 0; i < 3000; i++) isAllowed('same', `http://a${i}`, `b${i}`);
    expect(isAllowed('same', 'http://a1', 'a1')).toBe(true);
    expect(isAllowed('same', 'http://a1', 'b1')).toBe(false);
  });

  test('refuses an Origin where there is no Host', () => {
    expect(isOriginAllowed('same', request('http://a', undefined), false)).toBe(false);
    expect(isOriginAllowed('same', request(undefined, undefined), false)).toBe(true);
  });

  test('compares :authority over HTTP/2', () => {
    const headers = { ':authority': 'example.com', origin: 'https://example.com' };
    expect(isOriginAllowed('same', { headers }, true)).toBe(true);
    expect(isOriginAllowed('same', { headers: { ...headers, ':authority': 'b' } }, true)).toBe(
      false,
    );
  });
});

describe('a list of origins', () => {
  test.each<[entry: string | RegExp, origin: string]>([
    ['https://example.com', 'https://example.com'],
    ['https://example.com', 'https://example.com:443'],
    ['https://example.com:443', 'https://example.com'],
    ['HTTPS://Example.COM', 'https://example.com'],
    ['https://example.com:8443', 'https://example.com:8443'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https://*.example.com', 'https://www.example.com'],
    ['https://*.example.com', 'https://a.b.example.com'],
    ['*.example.com', 'http://www.example.com'],
    ['example.com', 'http://example.com'],
    ['example.com', 'https://example.com'],
    ['example.com:*', 'http://example.com:8080'],
    ['localhost:*', 'http://localhost'],
    ['localhost:5173', 'http://localhost:5173'],
    ['[::1]:3000', 'http://[::1]:3000'],
    ['[::1]:*', 'http://[0::1]:3000'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
    ['null', 'null'],
    [/https:\/\/[a-z]+\.example\.com/, 'https://www.example.com'],
    [/^https:\/\/www\.example\.com$/, 'https://www.example.com'],
    [/http:\/\/(a|ab)/, 'http://ab'],
    [/http:\/\/localhost:\d+/, 'http://localhost:5173'],
    [/chrome-extension:\/\/[a-p]+/, 'chrome-extension://abc'],
    [/http:\/\/EXAMPLE\.com/i, 'http://example.com'],
    [/http:\/\/example\.com/, 'http://EXAMPLE.com:80'],
  ])('with %s accepts %s', (entry, origin) => {
    expect(isAllowed(['https://other.example', entry], origin)).toBe(true);
  });

  test.each<[entry: string | RegExp, origin: string]>([
    ['https://example.com', 'http://example.com'],
    ['https://example.com', 'https://example.com:8443'],
    ['https://example.com:8443', 'https://example.com'],
    ['https://*.example.com', 'https://example.com'],
    ['https://*.example.com', 'https://attackerexample.com'],
    ['https://*.example.com', 'https://example.com.attacker.example'],
    ['*.example.com', 'chrome-extension://www.example.com'],
    ['example.com', 'http://example.com:8080'],
    ['example.com', 'null'],
    ['example.com', 'https://example.com, https://example.com'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdee'],
    [/https:\/\/www\.example\.com/, 'https://www.example.com.attacker.example'],
    [/example\.com/, 'https://example.com'],
    [/^http:\/\/a|b$/, 'http://attacker.example/b'],
    [/.*/, 'null'],
  ])('with %s refuses %s', (entry, origin) => {
    expect(isAllowed([entry], origin)).toBe(false);
  });

  test('accepts a request without Origin, and refuses every Origin when it is empty', () => {
    expect(isAllowed(['https://example.com'], undefined)).toBe(true);
    expect(isAllowed([], undefined)).toBe(true);
    expect(isAllowed([], 'http://example.com')).toBe(false);
  });

  test('gives the same answer each time for an expression with the flag g or y', () => {
    for (const entry of [/http:\/\/a/g, /http:\/\/a/y]) {
      const answers = [1, 2, 3].map(() => isAllowed([entry], 'http://a'));
      expect(answers).toEqual([true, true, true]);
    }
  });

  test('may have more entries than are kept parsed', () => {
    const list = Array.from({ length: 1500 }, (_, i) => `https://a${i}.example`);
    expect(isAllowed(list, 'https://a1499.example')).toBe(true);
    expect(isAllowed(list, 'https://a0.example')).toBe(true);
    expect(isAllowed(list, 'https://a1500.example')).toBe(false);
  });
});

describe('the other policies', () => {
  test("'*' accepts everything", () => {
    for (const origin of ['http://a', 'null', 'http://a, http://b', undefined]) {
      expect(isAllowed('*', origin)).toBe(true);
    }
  });

  test('a function gets the field and the request', () => {
    const given = request('http://A', 'b');
    const calls: unknown[] = [];
    const policy = (...args: unknown[]) => calls.push(args) === 1;
    expect(isOriginAllowed(policy, given, false)).toBe(true);
    expect(isAllowed(policy, undefined)).toBe(false);
    expect(calls).toEqual([
      ['http://A', given],
      [undefined, request(undefined, 'example.com')],
    ]);
  });

  test.each([1, 'yes', undefined, Promise.resolve(true)])(
    'a function must not return %p',
    (answer) => {
      expect(() => isAllowed((() => answer) as never, 'http://a')).toThrow(
        'The function origins must return true or false, and is not awaited',
      );
    },
  );
});

describe('hosts', () => {
  test.each<[pattern: string, host: string]>([
    ['example.com', 'example.com'],
    ['example.com', 'EXAMPLE.com:8080'],
    ['example.com', 'example.com.'],
    ['*.example.com', 'www.example.com:1'],
    ['example.com:8080', 'example.com:8080'],
    ['example.com:443', 'example.com'],
    ['example.com:80', 'example.com'],
    ['example.com:*', 'example.com:1'],
    ['[::1]', '[0::1]:8080'],
    ['127.0.0.1', '127.0.0.1:8080'],
  ])('%s has %s', (pattern, host) => {
    expect(isHostAllowed(['other.example', pattern], request(undefined, host))).toBe(true);
  });

  test.each<[pattern: string, host: string | undefined]>([
    ['example.com', 'attacker.example'],
    ['example.com', 'example.com.attacker.example'],
    ['example.com', 'www.example.com'],
    ['*.example.com', 'example.com'],
    ['example.com:8080', 'example.com:8081'],
    ['example.com:8080', 'example.com'],
    ['example.com', ''],
    ['example.com', 'example.com@attacker.example'],
    ['example.com', undefined],
  ])('%s does not have %s', (pattern, host) => {
    expect(isHostAllowed([pattern], request(undefined, host))).toBe(false);
  });
});

describe('patterns', () => {
  test.each([
    '',
    '*',
    '*.',
    'http://',
    'http://*',
    'a/b',
    'http://a/',
    'a:b',
    'a:1:*',
    'a b',
    'a*b',
    '**.a',
    'a:99999',
  ])('%p is none', (text) => {
    expect(isOriginPattern(text)).toBe(false);
    expect(isHostPattern(text)).toBe(false);
  });

  test('a host has no scheme', () => {
    expect(isHostPattern('http://example.com')).toBe(false);
    expect(isHostPattern('example.com')).toBe(true);
    expect(isOriginPattern('null')).toBe(true);
  });
});
