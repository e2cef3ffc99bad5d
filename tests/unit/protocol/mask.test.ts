import { describe, expect, test } from '@jest/globals';
import {
  advanceKey,
  MaskingKeys,
  maskedCopy,
  randomMaskingKeys,
  sizeOfMaskedCopy,
  unmask,
  unmaskedCopy,
  unmaskInto,
} from '../../../src/protocol/mask.js';
import { KEY } from '../../support/frames.js';
import { SeededRandom } from '../../support/random.js';

const KEY_NUMBER = KEY.readInt32LE(0);

function xorByHand(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, i) => byte ^ KEY.readUInt8(i % 4)));
}

describe('unmask', () => {
  const random = new SeededRandom(53);
  const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 95, 127, 128, 129, 135, 136, 137, 1023, 1024, 65_537];

  test.each(lengths)('XORs %d bytes with the key in turn, at every alignment', (length) => {
    const plain = random.bytes(length);
    for (let offset = 0; offset < 9; offset++) {
      const bytes = Buffer.concat([Buffer.alloc(offset, 1), plain, Buffer.alloc(5, 2)]);
      unmask(bytes, offset, offset + length, KEY_NUMBER);
      expect(bytes.subarray(offset, offset + length).equals(xorByHand(plain))).toBe(true);
      expect(bytes.subarray(0, offset).every((byte) => byte === 1)).toBe(true);
      expect(bytes.subarray(offset + length).every((byte) => byte === 2)).toBe(true);
    }
  });

  test('a payload unmasked in pieces is the same as unmasked whole', () => {
    const plain = random.bytes(500);
    for (let cut = 0; cut <= plain.length; cut += 7) {
      const bytes = xorByHand(plain);
      unmask(bytes, 0, cut, KEY_NUMBER);
      unmask(bytes, cut, bytes.length, advanceKey(KEY_NUMBER, cut));
      expect(bytes.equals(plain)).toBe(true);
    }
  });
});

describe('on the way to elsewhere', () => {
  const random = new SeededRandom(59);
  const lengths = [0, 1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 127, 128, 129, 131, 135, 136, 8_200];

  test.each(lengths)('a copy of %d bytes is unmasked, and what it was made of is not', (length) => {
    const masked = random.bytes(length + 9);
    const before = Buffer.from(masked);
    for (let start = 0; start < 9; start++) {
      const copy = unmaskedCopy(masked, start, start + length, KEY_NUMBER);
      expect(copy.equals(xorByHand(before.subarray(start, start + length)))).toBe(true);
    }
    expect(masked.equals(before)).toBe(true);
    expect(unmaskedCopy(masked, 3, 3 + length, 0).equals(masked.subarray(3, 3 + length))).toBe(
      true,
    );
  });

  test.each(lengths)(
    '%d bytes are masked into their place, from and to any alignment',
    (length) => {
      const payload = random.bytes(length + 9);
      const before = Buffer.from(payload);
      for (let from = 0; from < 9; from++) {
        const plain = before.subarray(from, from + length);
        for (let start = 0; start < 9; start++) {
          const bytes = Buffer.alloc(start + length + 5, 1);
          unmaskInto(bytes, start, payload, from, from + length, KEY_NUMBER);
          expect(bytes.subarray(start, start + length).equals(xorByHand(plain))).toBe(true);
          expect(bytes.subarray(0, start).every((byte) => byte === 1)).toBe(true);
          expect(bytes.subarray(start + length).every((byte) => byte === 1)).toBe(true);
          unmaskInto(bytes, start, payload, from, from + length, 0);
          expect(bytes.subarray(start, start + length).equals(plain)).toBe(true);
        }
      }
      expect(payload.equals(before)).toBe(true);
    },
  );
});

test('a masked copy lies in the same place of a word as the payload, which stays as it is', () => {
  const payload = new SeededRandom(61).bytes(9_000);
  const before = Buffer.from(payload);
  for (let start = 0; start < 9; start++) {
    const memory = Buffer.allocUnsafeSlow(sizeOfMaskedCopy(payload.length - start));
    const copy = maskedCopy(memory, payload.subarray(start), KEY_NUMBER);
    expect(copy.equals(xorByHand(before.subarray(start)))).toBe(true);
    expect((copy.byteOffset - payload.byteOffset - start) & 7).toBe(0);
  }
  expect(payload.equals(before)).toBe(true);
});

describe('MaskingKeys', () => {
  test('RFC 6455 §5.3: every key is drawn anew, also past the end of the pool', () => {
    const keys = randomMaskingKeys();
    const drawn = new Set(Array.from({ length: 10_000 }, () => keys.next()));
    expect(drawn.size).toBeGreaterThan(9_990);
  });

  test('a source of the program is asked for each key', () => {
    let calls = 0;
    const keys = new MaskingKeys((bytes) => {
      calls++;
      KEY.copy(bytes);
    }, 4);
    expect([keys.next(), keys.next(), calls]).toEqual([KEY_NUMBER, KEY_NUMBER, 2]);
  });
});

test.each([127, 128, 8_192])('all %d bytes of a buffer are copied, masked or not', (length) => {
  const payload = new SeededRandom(67).bytes(length);
  const copy = Buffer.alloc(length);
  unmaskInto(copy, 0, payload, 0, length, 0);
  expect(copy.equals(payload)).toBe(true);
  unmaskInto(copy, 0, payload, 0, length, KEY_NUMBER);
  expect(copy.equals(xorByHand(payload))).toBe(true);
});

test('the key 0 changes nothing', () => {
  const bytes = Buffer.from('unchanged');
  unmask(bytes, 0, bytes.length, 0);
  expect(String(bytes)).toBe('unchanged');
});
