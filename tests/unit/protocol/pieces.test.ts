import { expect, test } from '@jest/globals';
import { Pieces } from '../../../src/protocol/pieces.js';
import { randomCuts, SeededRandom } from '../../support/random.js';

test('pieces of any sizes join to what came, in order', () => {
  const random = new SeededRandom(54);
  for (const longest of [1, 3, 700, 5_000, 70_000]) {
    const bytes = random.bytes(100_000);
    const pieces = new Pieces();
    for (const piece of randomCuts(bytes, random, longest)) pieces.add(piece, 0);
    expect(pieces.byteLength).toBe(bytes.length);
    expect(pieces.join().equals(bytes)).toBe(true);
    expect(pieces.byteLength).toBe(0);
  }
});

test('a large piece alone is handed on as it is, without a copy', () => {
  const pieces = new Pieces();
  const large = Buffer.alloc(4_096);
  pieces.add(large, 0);
  expect(pieces.join()).toBe(large);
});

test('a small piece does not keep the chunk it came with', () => {
  const pieces = new Pieces();
  const chunk = Buffer.alloc(65_536, 7);
  pieces.add(chunk.subarray(100, 120), 0);
  const joined = pieces.join();
  expect(joined.equals(Buffer.alloc(20, 7))).toBe(true);
  expect(joined.buffer.byteLength).toBeLessThan(1_000);
});

test('one-byte pieces take about twice their bytes at most', () => {
  const pieces = new Pieces();
  for (let i = 0; i < 40_000; i++) pieces.add(Buffer.from([i & 0xff]), 0);
  const list = pieces.take();
  const held = list.reduce((sum, piece) => sum + piece.buffer.byteLength, 0);
  expect(held).toBeLessThanOrEqual(2 * 40_000);
  expect(Buffer.concat(list)).toHaveLength(40_000);
});

test('what was joined is not written again by the next message', () => {
  const pieces = new Pieces();
  pieces.add(Buffer.from('first'), 0);
  const first = pieces.join();
  pieces.add(Buffer.from('other'), 0);
  pieces.join();
  expect(first.toString()).toBe('first');
});
