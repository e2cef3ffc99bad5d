/** Which servers the variable no_proxy excludes. tests/interop compares the same table with curl. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isExcluded } from '../../../src/proxy/no-proxy.js';

/** The rows that curl reads in the same way. */
const TABLE = join(__dirname, '../../interop/support/no-proxy.json');
const rows = JSON.parse(readFileSync(TABLE, 'utf8')) as [string, string, boolean][];

test.each(rows)('%j, %s: %p', (list, host, expected) => {
  expect(isExcluded({ host: host.replace(/^\[|\]$/g, ''), port: 80 }, list)).toBe(expected);
});

test.each<[list: string, host: string, port: number, expected: boolean]>([
  ['example.com:8080', 'example.com', 8080, true],
  ['example.com:8080', 'www.example.com', 8080, true],
  ['example.com:8080', 'example.com', 80, false],
  ['example.com:', 'example.com', 80, false],
  ['127.0.0.1:8080', '127.0.0.1', 8080, true],
  ['127.0.0.1:8080', '127.0.0.1', 80, false],
  ['[::1]', '::1', 80, true],
  ['[::1]:8080', '::1', 8080, true],
  ['[::1]:8080', '::1', 80, false],
  ['::1:8080', '::1', 8080, false],
  ['other.test, *', 'example.com', 80, true],
  ['*.example.com', 'www.example.com', 80, true],
  ['*.example.com', 'example.com', 80, true],
  ['*.example.com', 'badexample.com', 80, false],
  ['*', '::1', 80, true],
  ['0:0:0:0:0:0:0:1', '::1', 80, true],
  ['2001:db8::/32', '2001:db8::1', 80, true],
  ['0.0.0.0/0', '127.0.0.1', 80, true],
  ['0.0.0.0/0', 'example.com', 80, false],
  ['::/0', '::1', 80, true],
  ['2001:db8::/33', '2001:db8:7fff::1', 80, true],
  ['2001:db8::/33', '2001:db8:8000::1', 80, false],
])('a form that curl 7.88 does not know: %j, %s port %d: %p', (list, host, port, expected) => {
  expect(isExcluded({ host, port }, list)).toBe(expected);
});
