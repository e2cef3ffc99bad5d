/** The option proxy: which values it takes, and what it says about the others. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import type { Environment } from '../../../src/proxy/environment.js';
import { chooseProxy, copyProxy, type ProxyOption } from '../../../src/proxy/options.js';
import type { Loose } from '../../support/websockets.js';

const TARGET = { host: 'example.com', port: 443, secure: true };

function proxyFor(option: ProxyOption, environment: Environment = {}, target = TARGET) {
  return chooseProxy(copyProxy(option), target, environment);
}

describe('a URL', () => {
  test.each<[string, Loose]>([
    ['http://proxy.test:3128', { protocol: 'http', host: 'proxy.test', port: 3128, secure: false }],
    ['http://proxy.test', { protocol: 'http', port: 80 }],
    ['https://proxy.test', { protocol: 'http', port: 443, secure: true }],
    ['proxy.test:3128', { protocol: 'http', host: 'proxy.test', port: 3128 }],
    [' proxy.test ', { protocol: 'http', host: 'proxy.test', port: 80 }],
    ['user:pw@proxy.test:3128', { credentials: { user: 'user', password: 'pw' } }],
    ['http://[::1]:3128/ignored', { host: '::1', port: 3128 }],
    ['socks5://proxy.test', { protocol: 'socks5', port: 1080, looksUp: true, secure: false }],
    ['socks5h://proxy.test:9050', { protocol: 'socks5', port: 9050, looksUp: false }],
    ['SOCKS5H://[::1]', { protocol: 'socks5', host: '::1', port: 1080 }],
    ['http://us%40er:p%3Aw%2f@proxy.test', { credentials: { user: 'us@er', password: 'p:w/' } }],
    ['http://user@proxy.test', { credentials: { user: 'user', password: '' } }],
    ['socks5://a%3Ab:c@proxy.test', { credentials: { user: 'a:b', password: 'c' } }],
    ['http://100%:x@proxy.test', { credentials: { user: '100%', password: 'x' } }],
  ])('%s', (url, expected) => {
    expect(proxyFor(url)).toMatchObject(expected);
    expect(proxyFor({ url })).toMatchObject(expected);
  });

  test('may be an object of the class URL', () => {
    expect(proxyFor(new URL('http://proxy.test:1'))).toMatchObject({ port: 1 });
  });
});

describe("'env'", () => {
  test('takes the proxy of the environment, with the options beside it', () => {
    const found = proxyFor({ url: 'env', headers: { A: 1 } }, { https_proxy: 'proxy.test:1' });
    expect(found).toMatchObject({ host: 'proxy.test', port: 1, fields: [['A', '1']] });
  });

  test('is no proxy without a variable, and for an excluded server', () => {
    expect(proxyFor('env')).toBeUndefined();
    const environment = { all_proxy: 'proxy.test:1', no_proxy: 'example.com' };
    expect(proxyFor('env', environment)).toBeUndefined();
  });

  test('a wrong variable is named, without credentials', () => {
    const choose = () => proxyFor('env', { https_proxy: 'ftp://user:secret@proxy.test' });
    expect(choose).toThrow(SyntaxError);
    expect(choose).toThrow(
      /^The variable https_proxy must have a URL with the scheme http:.*'ftp:'/,
    );
    expect(choose).not.toThrow(/secret/);
  });
});

describe('header fields', () => {
  test('each value is a field, undefined is none', () => {
    const headers = { A: ['1', '2'], B: 3, C: undefined };
    expect(proxyFor({ url: 'proxy.test', headers })?.fields).toEqual([
      ['A', '1'],
      ['A', '2'],
      ['B', '3'],
    ]);
  });

  test.each<[Loose, RegExp]>([
    [{ 'A\r\nB': 'c' }, /must not have the field/],
    [{ 'A b': 'c' }, /must not have the field/],
    [{ Host: 'evil.test' }, /must not have the field 'Host'/],
    [{ 'content-length': 5 }, /must not have the field/],
    [{ A: 'secret\r\nB: c' }, /that of A is not/],
    [{ A: ['b', 'secret\nc'] }, /that of A is not/],
    [{ A: 'secret\0' }, /that of A is not/],
    [{ A: 'secret€' }, /that of A is not/],
  ])('%j is refused, and no secret is told', (headers, message) => {
    const copy = () => copyProxy({ url: 'proxy.test', headers } as ProxyOption);
    expect(copy).toThrow(TypeError);
    expect(copy).toThrow(message);
    expect(copy).not.toThrow(/secret/);
  });
});

test.each<[unknown, RegExp]>([
  ['http://', /URL of a proxy/],
  ['http://user:secret@:80', /URL of a proxy/],
  ['user:secret@proxy.test:99999', /'proxy.test:99999' was given/],
  ['http://user:sec@secret@proxy.test:99999', /'http:\/\/proxy.test:99999' was given/],
  ['socks5://', /URL of a proxy/],
  ['socks4://proxy.test', /scheme http:, https:, socks5: or socks5h:.*'socks4:' was given/],
  ['ws://proxy.test', /'ws:' was given/],
  [42, /'env', the URL of a proxy.*42 was given/],
  [true, /true was given/],
  [() => 'secret', /a function was given|function/],
  [{}, /proxy.url must be a string or a URL: undefined was given/],
  [{ host: 'proxy.test', url: { href: 'secret' } }, /object was given/],
  ['http://us%0d%0aer:secret@proxy.test', /control character/],
  ['http://user:secret%00@proxy.test', /control character/],
  ['http://us%3Aer:secret@proxy.test', /colon/],
  [`socks5://user:${'s'.repeat(256)}@proxy.test`, /more than 255 bytes/],
])('%j is refused, and no secret is told', (given, message) => {
  const connect = () => new WebSocket('ws://127.0.0.1', { proxy: given as ProxyOption });
  expect(connect).toThrow(message);
  expect(connect).not.toThrow(/secret/);
});

test('SOCKS5 cannot name a long host', () => {
  const host = `${'a'.repeat(255)}.test`;
  const choose = () => proxyFor('socks5h://proxy.test', {}, { ...TARGET, host });
  expect(choose).toThrow(RangeError);
});

test.each(['agent', 'createConnection'])('proxy and %s exclude each other', (name) => {
  const options = { proxy: 'env', [name]: () => null } as Loose;
  expect(() => new WebSocket('ws://127.0.0.1', options)).toThrow(
    `The options proxy and ${name} exclude each other: each of them says how to connect`,
  );
});
