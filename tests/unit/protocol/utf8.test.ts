import { isUtf8 } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { Utf8Check } from '../../../src/protocol/utf8.js';
import { SeededRandom } from '../../support/random.js';

/** Whether the check takes the bytes, cut at these places. */
function accepts(bytes: Buffer, cuts: readonly number[] = []): boolean {
  const check = new Utf8Check();
  const ends = [...cuts, bytes.length];
  let start = 0;
  for (const end of ends) {
    if (!check.push(bytes.subarray(start, end))) return false;
    start = end;
  }
  return check.complete;
}

/** How many bytes, given one by one, the check takes before it fails. */
function failsAfter(bytes: Buffer): number {
  const check = new Utf8Check();
  for (let i = 0; i < bytes.length; i++) {
    if (!check.push(bytes.subarray(i, i + 1))) return i + 1;
  }
  return -1;
}

describe('agrees with Node on whether text is UTF-8', () => {
  test('for every pair of bytes, whole and cut', () => {
    const wrong: string[] = [];
    for (let word = 0; word < 65_536; word++) {
      const bytes = Buffer.from([word >> 8, word & 0xff]);
      const valid = isUtf8(bytes);
      if (accepts(bytes) !== valid || accepts(bytes, [1]) !== valid) wrong.push(`${word}`);
    }
    expect(wrong).toEqual([]);
  });

  test('for sequences of three and four bytes around every bound', () => {
    const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
    let seen = 0;
    for (let lead = 0xc0; lead <= 0xff; lead++) {
      for (const b of edges) {
        for (const c of edges) {
          for (const d of edges) {
            const bytes = Buffer.from([0x61, lead, b, c, d]);
            const valid = isUtf8(bytes);
            for (const cuts of [[], [1], [2], [3], [4], [1, 2, 3, 4]]) {
              if (accepts(bytes, cuts) !== valid) throw new Error(bytes.toString('hex'));
              seen++;
            }
          }
        }
      }
    }
    expect(seen).toBe(64 * 1000 * 6);
  });

  test('for random text, cut anywhere', () => {
    const random = new SeededRandom(81);
    const text = Buffer.from('κόσμε 𠜎 aß水 \u{10ffff}\ufffd'.repeat(5));
    for (let i = 0; i < 3_000; i++) {
      const bytes = Buffer.from(text);
      if (i % 2 === 1) bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      const cuts = [random.integer(0, bytes.length), random.integer(0, bytes.length)];
      cuts.sort((a, b) => a - b);
      if (accepts(bytes, cuts) !== isUtf8(bytes)) throw new Error(bytes.toString('hex'));
    }
    expect(accepts(text)).toBe(true);
  });
});

test.each([
  ['c0', 1],
  ['80', 1],
  ['f5', 1],
  ['e080', 2],
  ['eda0', 2],
  ['f08f', 2],
  ['f490', 2],
  ['c241', 2],
  ['e28241', 3],
  ['f0a4ad41', 4],
])('RFC 6455 §8.1: %s fails at byte %d, the first that can no longer be valid', (hex, at) => {
  expect(failsAfter(Buffer.from(hex, 'hex'))).toBe(at);
});

test('a cut character fails in the same piece when its second byte already rules it out', () => {
  const check = new Utf8Check();
  expect(check.push(Buffer.from('6162f490', 'hex'))).toBe(false);
});

test('an unfinished character is not complete, and reset forgets it', () => {
  const check = new Utf8Check();
  expect([check.push(Buffer.from('e282', 'hex')), check.complete]).toEqual([true, false]);
  check.reset();
  expect([check.push(Buffer.from('a')), check.complete]).toEqual([true, true]);
});
