/** RFC 7692 §7.1.1: the window of plaintext. */

import { expect, test } from '@jest/globals';
import { SlidingWindow } from '../../../src/permessage-deflate/window.js';
import { SeededRandom } from '../../support/random.js';

test('there is no dictionary before the first message', () => {
  expect(new SlidingWindow(1024).dictionary).toBeUndefined();
});

test.each([256, 512, 4096, 32_768])('with a window of %i it is always the last bytes', (size) => {
  const random = new SeededRandom(size);
  const window = new SlidingWindow(size);
  let all = Buffer.alloc(0);
  for (let i = 0; i < 60; i++) {
    const message = random.bytes(random.integer(0, i % 10 === 0 ? size * 2 : size / 8));
    window.append(message);
    all = Buffer.concat([all, message]).subarray(-size);
    if (all.length > 0) expect(window.dictionary?.equals(all)).toBe(true);
  }
});

test('a message is copied: what becomes of its memory does not matter', () => {
  const window = new SlidingWindow(256);
  const message = Buffer.from('once');
  window.append(message);
  message.fill(0);
  expect(window.dictionary?.toString()).toBe('once');
});

test('a window takes a quarter more than its size at most, and little while it is little used', () => {
  const window = new SlidingWindow(32_768);
  window.append(Buffer.alloc(100));
  expect(window.dictionary?.buffer.byteLength).toBe(1024);
  for (let i = 0; i < 2000; i++) window.append(Buffer.alloc(100));
  expect(window.dictionary?.buffer.byteLength).toBe(40_960);
});

test('a window that was cleared has no dictionary, and is filled again', () => {
  const window = new SlidingWindow(256);
  window.append(Buffer.from('before'));
  window.clear();
  expect(window.dictionary).toBeUndefined();
  window.append(Buffer.from('after'));
  expect(window.dictionary?.toString()).toBe('after');
});
