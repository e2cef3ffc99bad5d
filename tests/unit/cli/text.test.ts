/** Texts that commands print: controls, bytes, close codes, line breaks, and similar words. */

import { describe, expect, test } from '@jest/globals';
import { nearest } from '../../../src/cli/nearest.js';
import {
  count,
  describeCloseCode,
  escapeControls,
  hex,
  shorten,
  wrap,
} from '../../../src/cli/text.js';

test('what controls a terminal is written as digits', () => {
  expect(escapeControls('a\x1b[2J\x07\x9b\r\n\tb')).toBe('a\\x1b[2J\\x07\\x9b\\x0d\\n\\tb');
  expect(escapeControls('\u202eabc\u2066')).toBe('\\u202eabc\\u2066');
  expect(escapeControls('Grüße 😀')).toBe('Grüße 😀');
});

test.each([
  [1000, '', '1000 (normal closure)'],
  [1001, 'restart\n', '1001 (going away): restart\\n'],
  [1016, '', '1016 (not assigned)'],
  [3000, '', '3000 (registered by a library or framework)'],
  [4999, '', '4999 (private use of the application)'],
  [5000, '', '5000 (not a close code)'],
])('the close code %i with the reason %j', (code, reason, text) => {
  expect(describeCloseCode(code, reason)).toBe(text);
});

test('bytes, with a limit', () => {
  expect(hex(Buffer.from([0x81, 0x05]))).toBe('81 05');
  expect(hex(Buffer.alloc(5), 2)).toBe('00 00 … (3 more)');
  expect(hex(Buffer.alloc(0))).toBe('');
});

test('numbers with their noun, and texts that are cut', () => {
  expect([0, 1, 2].map((number) => count(number, 'byte'))).toEqual([
    '0 bytes',
    '1 byte',
    '2 bytes',
  ]);
  expect([shorten('abc', 3), shorten('abcd', 3)]).toEqual(['abc', 'ab…']);
});

test('lines are broken at spaces, but not within a section of an RFC', () => {
  expect(wrap('see RFC 6455 §5.2 for it', 8)).toEqual(['see', 'RFC 6455 §5.2', 'for it']);
  expect(wrap('', 8)).toEqual(['']);
});

describe('the word that was meant', () => {
  const WORDS = ['serve', 'connect', 'decode'];
  test.each([
    ['srever', 'serve'],
    ['esrve', 'serve'],
    ['conect', 'connect'],
    ['dec', 'decode'],
    ['xyz', undefined],
  ])('by %s is %s', (given, word) => {
    expect(nearest(given, WORDS)).toBe(word);
  });
});
