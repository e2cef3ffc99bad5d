import { expect, test } from '@jest/globals';
import { advanceKey, unmask } from '../../../src/protocol/mask.js';
import { Pieces } from '../../../src/protocol/pieces.js';
import { KEY } from '../../support/frames.js';
import { randomCuts, SeededRandom } from '../../support/random.js';

const KEY_NUMBER = KEY.readInt32LE(0);

function add(pieces: Pieces, piece: Buffer): void {
  pieces.add(piece, 0, piece.length, 0, 0);
}

/** Adds `bytes` in pieces of random lengths, as the frame of one masking key. */
function addMasked(pieces: Pieces, bytes: Buffer, random: SeededRandom, longest: number): void {
  let at = 0;
  for (const piece of randomCuts(bytes, random, longest)) {
    const before = random.integer(0, 8);
    const key = advanceKey(KEY_NUMBER, at);
    const chunk = Buffer.concat([random.bytes(before), piece, random.bytes(3)]);
    unmask(chunk, before, before + piece.length, key);
    pieces.add(chunk, before, before + piece.length, key, bytes.length - at - piece.length);
    at += piece.length;
  }
}

test('pieces of any sizes join to what came, in order', () => {
  const random = new SeededRandom(54);
  for (const longest of [1, 3, 700, 5_000, 70_000]) {
    const bytes = random.bytes(100_000);
    const pieces = new Pieces();
    for (const piece of randomCuts(bytes, random, longest)) add(pieces, piece);
    expect(pieces.byteLength).toBe(bytes.length);
    expect(pieces.join().equals(bytes)).toBe(true);
    expect(pieces.byteLength).toBe(0);
  }
});

test('masked pieces of any sizes join, or are handed on, unmasked', () => {
  const random = new SeededRandom(154);
  for (const longest of [3, 5_000, 9_000, 70_000, 200_000]) {
    const bytes = random.bytes(100_000);
    const pieces = new Pieces();
    addMasked(pieces, bytes, random, longest);
    expect(pieces.join().equals(bytes)).toBe(true);
    addMasked(pieces, bytes, random, longest);
    expect(Buffer.concat(pieces.take()).equals(bytes)).toBe(true);
  }
});

test('a masked piece that would hold far more memory than it has is kept as a copy', () => {
  const pieces = new Pieces();
  const chunk = Buffer.alloc(65_536, 7);
  const whole = Buffer.alloc(5_000, 7);
  pieces.add(chunk, 100, 5_100, KEY_NUMBER, 0);
  const [piece = Buffer.alloc(0)] = pieces.take();
  unmask(piece, 0, piece.length, KEY_NUMBER);
  expect(piece.equals(whole)).toBe(true);
  expect(piece.buffer.byteLength).toBeLessThan(6_000);
});

test('what is joined begins its memory, wherever its first piece lay', () => {
  const pieces = new Pieces();
  const chunk = Buffer.alloc(20_000);
  pieces.add(chunk, 6, 10_000, KEY_NUMBER, 0);
  pieces.add(chunk, 10_000, 20_000, KEY_NUMBER, 0);
  expect(pieces.join().byteOffset).toBe(0);
});

test('a large piece alone is handed on as it is, without a copy', () => {
  const pieces = new Pieces();
  const large = Buffer.alloc(4_096);
  add(pieces, large);
  const { buffer, byteOffset, length } = pieces.join();
  expect([byteOffset, length]).toEqual([large.byteOffset, large.length]);
  expect(buffer).toBe(large.buffer);
});

test('a small piece does not keep the chunk it came with', () => {
  const pieces = new Pieces();
  const chunk = Buffer.alloc(65_536, 7);
  pieces.add(chunk, 100, 120, 0, 0);
  const joined = pieces.join();
  expect(joined.equals(Buffer.alloc(20, 7))).toBe(true);
  expect(joined.buffer.byteLength).toBeLessThan(1_000);
});

test('one-byte pieces take about twice their bytes at most', () => {
  const pieces = new Pieces();
  for (let i = 0; i < 40_000; i++) add(pieces, Buffer.from([i & 0xff]));
  const list = pieces.take();
  const held = list.reduce((sum, piece) => sum + piece.buffer.byteLength, 0);
  expect(held).toBeLessThanOrEqual(2 * 40_000);
  expect(Buffer.concat(list)).toHaveLength(40_000);
});

test('what was joined is not written again by the next message', () => {
  const pieces = new Pieces();
  add(pieces, Buffer.from('first'));
  const first = pieces.join();
  add(pieces, Buffer.from('other'));
  pieces.join();
  expect(first.toString()).toBe('first');
});
