/** Heads of a recorded handshake, whole and cut, right and wrong. */

import { describe, expect, test } from '@jest/globals';
import {
  agreesToDeflate,
  fieldsOf,
  fieldValue,
  HeadCollector,
  isInformational,
  statusOf,
} from '../../../src/recording/http-head.js';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('a collector', () => {
  test('finds the end of a head wherever it is cut', () => {
    for (let cut = 1; cut < REQUEST.length; cut++) {
      const collector = new HeadCollector('client');
      expect(collector.add(Buffer.from(REQUEST.slice(0, cut)))).toBe(0);
      expect(collector.add(Buffer.from(`${REQUEST.slice(cut)}rest`))).toBe(REQUEST.length);
      expect(collector.bytes.toString()).toBe(`${REQUEST}rest`);
    }
  });

  test.each([
    ['client', '\x81\x85', undefined],
    ['client', 'G', 0],
    ['client', 'GET\x00', undefined],
    ['server', 'HTT', 0],
    ['server', 'HTTQ', undefined],
    ['server', 'GET /', undefined],
    ['client', `GET /${'a'.repeat(65_536)}`, undefined],
    ['client', `GET /${'a'.repeat(65_536)}\r\n\r\n`, undefined],
  ] as const)('of a %s that sends %j', (from, text, size) => {
    expect(new HeadCollector(from).add(Buffer.from(text, 'latin1'))).toBe(size);
  });
});

test('the status of a response', () => {
  expect(
    ['HTTP/1.1 101 Ok\r\n', 'HTTP/1.1 404', 'HTTP/1.1 1011', 'GET / HTTP/1.1'].map(statusOf),
  ).toEqual([101, 404, 0, 0]);
  expect([99, 100, 101, 103, 200].filter(isInformational)).toEqual([100, 103]);
});

test('fields in their order, and the values of one that comes twice', () => {
  const head = 'GET / HTTP/1.1\r\nA: 1\r\nno field\r\nB:2 \r\na:\t3\r\n\r\n';
  expect(fieldsOf(head)).toEqual([
    ['A', '1'],
    ['B', '2'],
    ['a', '3'],
  ]);
  expect([fieldValue(head, 'a'), fieldValue(head, 'c')]).toEqual(['1, 3', undefined]);
});

test.each([
  ['Sec-WebSocket-Extensions: x, permessage-deflate; server_max_window_bits=10', true],
  ['Sec-WebSocket-Extensions: x-permessage-deflate', false],
  ['Sec-WebSocket-Extensions: ;', false],
  ['Cookie: permessage-deflate', false],
])('%s agrees to compression: %s', (field, agrees) => {
  expect(agreesToDeflate(`HTTP/1.1 101 Ok\r\n${field}\r\n\r\n`)).toBe(agrees);
});
