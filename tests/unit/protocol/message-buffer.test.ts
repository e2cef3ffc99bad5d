import { expect, test } from '@jest/globals';
import { advanceKey, unmask } from '../../../src/protocol/mask.js';
import { MessageBuffer } from '../../../src/protocol/message-buffer.js';
import { KEY } from '../../support/frames.js';
import { randomCuts, SeededRandom } from '../../support/random.js';

const KEY_NUMBER = KEY.readInt32LE(0);

function add(pieces: MessageBuffer, piece: Buffer): void {
  pieces.add(piece, 0, piece.length, 0, 0);
}

/** The pieces as they are held: what they cost is what these tests are about. */
function heldPieces(buffer: MessageBuffer): Buffer[] {
  buffer['closeTail']();
  return buffer['pieces'];
}

/** Adds `bytes` in pieces of random lengths, as the frame of one masking key. */
function addMasked(
  pieces: MessageBuffer,
  bytes: Buffer,
  random: SeededRandom,
  longest: number,
): void {
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
    const pieces = new MessageBuffer();
    for (const piece of randomCuts(bytes, random, longest)) add(pieces, piece);
    expect(pieces.byteLength).toBe(bytes.length);
    expect(pieces.join().equals(bytes)).toBe(true);
    expect(pieces.byteLength).toBe(0);
  }
});

test('masked pieces of any sizes join unmasked', () => {
  const random = new SeededRandom(154);
  for (const longest of [3, 5_000, 9_000, 70_000, 200_000]) {
    const bytes = random.bytes(100_000);
    const pieces = new MessageBuffer();
    addMasked(pieces, bytes, random, longest);
    expect(pieces.join().equals(bytes)).toBe(true);
  }
});

test('a masked piece that would hold far more memory than it has is kept as a copy', () => {
  const pieces = new MessageBuffer();
  const chunk = Buffer.alloc(65_536, 7);
  const whole = Buffer.alloc(5_000, 7);
  pieces.add(chunk, 100, 5_100, KEY_NUMBER, 0);
  const [piece = Buffer.alloc(0)] = heldPieces(pieces);
  unmask(piece, 0, piece.length, KEY_NUMBER);
  expect(piece.equals(whole)).toBe(true);
  expect(piece.buffer.byteLength).toBeLessThan(6_000);
});

test('what is joined begins its memory, wherever its first piece lay', () => {
  const pieces = new MessageBuffer();
  const chunk = Buffer.alloc(20_000);
  pieces.add(chunk, 6, 10_000, KEY_NUMBER, 0);
  pieces.add(chunk, 10_000, 20_000, KEY_NUMBER, 0);
  expect(pieces.join().byteOffset).toBe(0);
});

/** What `pieces` holds after each chunk of a frame of `size` bytes, by its part that has come. */
function heldInOneFrame(
  size: number,
  chunkSize: number,
): { part: number; count: number; held: number }[] {
  const ends = Array.from({ length: size / chunkSize }, (_, i) => (i + 1) * chunkSize);
  return ends.map((end) => {
    const pieces = new MessageBuffer();
    for (let at = 0; at < end; at += chunkSize) {
      pieces.add(Buffer.alloc(chunkSize, 7), 0, chunkSize, KEY_NUMBER, size - at - chunkSize);
    }
    const list = heldPieces(pieces);
    const held = new Set(list.map(({ buffer }) => buffer));
    const bytes = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0);
    return { part: end / size, count: list.length, held: bytes / end };
  });
}

test('from a quarter of a frame on its chunks are not kept but copied, and no more is held than came fourfold', () => {
  const all = heldInOneFrame(1_048_576, 65_536);
  const [early, late] = [
    all.filter(({ part }) => part < 0.25),
    all.filter(({ part }) => part >= 0.25),
  ];
  expect(early.map(({ count }) => count)).toEqual([1, 2, 3]);
  expect(late.map(({ count }) => count)).toEqual(late.map(() => 1));
  expect(Math.max(...all.map(({ held }) => held))).toBe(4);
});

test('frames in chunks join to what came, also those that begin behind small ones', () => {
  const random = new SeededRandom(254);
  for (const longest of [3_000, 9_000, 70_000]) {
    const pieces = new MessageBuffer();
    const frames = [10, 40_000, 0, 5_000, 150_000, 1, 30_000].map((size) => random.bytes(size));
    for (const frame of frames) addMasked(pieces, frame, random, longest);
    expect(pieces.join().equals(Buffer.concat(frames))).toBe(true);
  }
});

test('a frame is copied once more at most, however many large ones there are', () => {
  const pieces = new MessageBuffer();
  for (let i = 0; i < 50; i++) {
    for (let left = 100_000; left > 0; left -= 20_000) {
      pieces.add(Buffer.alloc(20_000), 0, 20_000, 0, left - 20_000);
    }
  }
  const list = heldPieces(pieces);
  expect(list.map(({ length }) => length)).toEqual(list.map(() => 100_000));
  expect(list).toHaveLength(50);
});

test('a large piece alone is handed on as it is, without a copy', () => {
  const pieces = new MessageBuffer();
  const large = Buffer.alloc(4_096);
  add(pieces, large);
  const { buffer, byteOffset, length } = pieces.join();
  expect([byteOffset, length]).toEqual([large.byteOffset, large.length]);
  expect(buffer).toBe(large.buffer);
});

test('a small piece does not keep the chunk it came with', () => {
  const pieces = new MessageBuffer();
  const chunk = Buffer.alloc(65_536, 7);
  pieces.add(chunk, 100, 120, 0, 0);
  const joined = pieces.join();
  expect(joined.equals(Buffer.alloc(20, 7))).toBe(true);
  expect(joined.buffer.byteLength).toBeLessThan(1_000);
});

test('one-byte pieces take about twice their bytes at most', () => {
  const pieces = new MessageBuffer();
  for (let i = 0; i < 40_000; i++) add(pieces, Buffer.from([i & 0xff]));
  const list = heldPieces(pieces);
  const held = list.reduce((sum, piece) => sum + piece.buffer.byteLength, 0);
  expect(held).toBeLessThanOrEqual(2 * 40_000);
  expect(Buffer.concat(list)).toHaveLength(40_000);
});

test('what was joined is not written again by the next message', () => {
  const pieces = new MessageBuffer();
  add(pieces, Buffer.from('first'));
  const first = pieces.join();
  add(pieces, Buffer.from('other'));
  pieces.join();
  expect(first.toString()).toBe('first');
});

test('a message without a byte is empty', () => {
  const pieces = new MessageBuffer();
  add(pieces, Buffer.alloc(0));
  expect(pieces.join()).toHaveLength(0);
  expect(pieces.join()).toHaveLength(0);
});
