/** The environment variables that name a proxy, as curl reads them. */

import { expect, test } from '@jest/globals';
import { type Environment, proxyFromEnvironment } from '../../../src/proxy/environment.js';

const proxyFor = (secure: boolean, environment: Environment, host = 'example.com') =>
  proxyFromEnvironment({ host, port: secure ? 443 : 80, secure }, environment);

const WS = ['ws_proxy', 'WS_PROXY', 'http_proxy', 'all_proxy', 'ALL_PROXY'];
const WSS = ['wss_proxy', 'WSS_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
const ALL = [...new Set([...WS, ...WSS, 'HTTP_PROXY'])];

test.each([
  ['ws:', false, WS],
  ['wss:', true, WSS],
])('%s reads its variables in their order', (_scheme, secure, names) => {
  const environment: Record<string, string> = Object.fromEntries(ALL.map((name) => [name, name]));
  for (const name of names) {
    expect(proxyFor(secure, environment)).toEqual({ variable: name, url: name });
    delete environment[name];
  }
  expect(proxyFor(secure, environment)).toBeUndefined();
});

test('HTTP_PROXY is not read: a client of a CGI program sets it', () => {
  expect(proxyFor(false, { HTTP_PROXY: 'http://proxy.test' })).toBeUndefined();
});

test('a variable that is empty counts as absent', () => {
  const environment = { wss_proxy: '', https_proxy: '', ALL_PROXY: 'socks5://proxy.test' };
  expect(proxyFor(true, environment)?.variable).toBe('ALL_PROXY');
});

test.each<[Environment, boolean]>([
  [{ no_proxy: 'example.com' }, true],
  [{ NO_PROXY: 'example.com' }, true],
  [{ no_proxy: 'other.test', NO_PROXY: 'example.com' }, false],
  [{ no_proxy: '', NO_PROXY: 'example.com' }, true],
  [{ no_proxy: '*' }, true],
  [{}, false],
])('%j excludes example.com: %p', (excluded, expected) => {
  const found = proxyFor(true, { https_proxy: 'http://proxy.test', ...excluded });
  expect(found === undefined).toBe(expected);
});
