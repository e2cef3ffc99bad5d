/** The head of an HTTP message, read without `node:http`: RFC 9112 §2, §5. */

import { describe, expect, test } from '@jest/globals';
import { readHead } from '../../../src/handshake/http-head.js';

const read = (text: string) => readHead(Buffer.from(text, 'latin1'));

test('start line, fields and the bytes behind them', () => {
  const head = read('HTTP/1.1 200 OK\r\nUpgrade:  websocket \r\nX-A: 1\r\nx-a:2\r\n\r\nrest\xff');
  expect(head).toEqual({
    startLine: 'HTTP/1.1 200 OK',
    headers: expect.objectContaining({ upgrade: 'websocket', 'x-a': '1, 2' }),
    rawHeaders: ['Upgrade', 'websocket', 'X-A', '1', 'x-a', '2'],
    rest: Buffer.from('rest\xff', 'latin1'),
  });
});

test('a head without fields', () => {
  expect(read('GET / HTTP/1.1\r\n\r\n')).toMatchObject({ rawHeaders: [], rest: Buffer.alloc(0) });
});

test('names of fields are no members of Object', () => {
  expect(read('a\r\n__proto__: x\r\nconstructor: y\r\n\r\n')?.headers).toMatchObject({
    constructor: 'y',
  });
});

test.each(['', 'HTTP/1.1 200 OK', 'HTTP/1.1 200 OK\r\nA: b\r\n', 'a\r\n\r'])(
  '%j is not complete',
  (text) => {
    expect(read(text)).toBeUndefined();
  },
);

describe('refused', () => {
  test.each([
    ['no colon', 'a\r\nb\r\n\r\n'],
    ['no name', 'a\r\n: b\r\n\r\n'],
    ['a space before the colon', 'a\r\nb : c\r\n\r\n'],
    ['a folded line', 'a\r\nb: c\r\n d\r\n\r\n'],
    ['a control character', 'a\r\nb: c\0\r\n\r\n'],
    ['a bare line feed', 'a\r\nb: c\nd: e\r\n\r\n'],
  ])('%s', (_, text) => {
    expect(() => read(text)).toThrow(SyntaxError);
  });

  test.each([
    ['that is complete', `a\r\nb: ${'x'.repeat(16_384)}\r\n\r\n`],
    ['that has no end yet', 'x'.repeat(16_389)],
  ])('a head of more than 16 KiB %s', (_, text) => {
    expect(() => read(text)).toThrow(/more than 16384 bytes/);
  });

  test('and none of 16 KiB, whole or not', () => {
    const line = `a\r\nb: ${'x'.repeat(16_384 - 6)}`;
    expect(read(`${line}\r\n\r\n`)?.rawHeaders[1]).toHaveLength(16_384 - 6);
    expect(read('x'.repeat(16_388))).toBeUndefined();
  });
});
