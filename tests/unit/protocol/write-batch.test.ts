import { describe, expect, test } from '@jest/globals';
import { WriteBatch } from '../../../src/protocol/write-batch.js';
import { frame, KEY } from '../../support/frames.js';
import { SeededRandom } from '../../support/random.js';

function put(batch: WriteBatch, text: string): void {
  const bytes = Buffer.from(text);
  const offset = batch.reserve(bytes.length);
  bytes.copy(batch.buffer, offset);
}

test('frames of one connection lie side by side, in one part', () => {
  const batch = new WriteBatch();
  for (let i = 0; i < 16; i++) put(batch, `frame ${i};`);
  const parts = batch.takeParts();
  expect(parts).toHaveLength(1);
  expect(parts[0]?.toString()).toMatch(/^frame 0;.*frame 15;$/);
});

test('connections that take turns keep to few parts each, and nothing is mixed up', () => {
  const batches = Array.from({ length: 50 }, () => new WriteBatch());
  for (let i = 0; i < 16; i++) for (const [n, one] of batches.entries()) put(one, `<${n}:${i}>`);
  for (const [n, one] of batches.entries()) {
    const parts = one.takeParts();
    const expected = Array.from({ length: 16 }, (_, i) => `<${n}:${i}>`).join('');
    expect(Buffer.concat(parts).toString()).toBe(expected);
    expect(parts).toHaveLength(1);
  }
});

test('a part that was handed over and not given back is never written again', () => {
  const random = new SeededRandom(61);
  const batches = [new WriteBatch(), new WriteBatch(), new WriteBatch()];
  const handed: { parts: Buffer[]; copy: Buffer }[] = [];
  for (let i = 0; i < 5_000; i++) {
    const turn = random.integer(0, batches.length - 1);
    const batch = batches[turn] ?? new WriteBatch();
    put(batch, 'x'.repeat(random.integer(1, 900)) + i);
    if (random.next() < 0.3) batch.append(Buffer.from(`by reference ${i}`));
    if (random.next() < 0.4) {
      const parts = batch.takeParts();
      batches[turn] = new WriteBatch();
      handed.push({ parts, copy: Buffer.from(Buffer.concat(parts)) });
    }
  }
  const changed = handed.filter(({ parts, copy }) => !Buffer.concat(parts).equals(copy));
  expect(handed.length).toBeGreaterThan(1_000);
  expect(changed).toEqual([]);
});

test('memory that was given back holds the next frames', () => {
  new WriteBatch().reserve(32_768); // all of a slab: the next one is nobody's yet
  const offsets: number[] = [];
  const memories = new Set<Buffer>();
  for (const text of ['one', 'two', 'three']) {
    const batch = new WriteBatch();
    offsets.push(batch.reserve(text.length));
    memories.add(batch.buffer);
    batch.takeParts();
    batch.release();
  }
  expect(offsets).toEqual([0, 0, 0]);
  expect(memories.size).toBe(1);
});

test('as long as the memory of one connection is needed, that of others is not used again', () => {
  const random = new SeededRandom(67);
  const batches = Array.from({ length: 5 }, () => new WriteBatch());
  const kept: { parts: Buffer[]; copy: Buffer }[] = [];
  let again = 0;
  for (let i = 0; i < 20_000; i++) {
    const turn = random.integer(0, batches.length - 1);
    const batch = batches[turn] ?? new WriteBatch();
    put(batch, 'x'.repeat(random.integer(1, 3000)) + i);
    if (random.next() < 0.2) batch.append(Buffer.from(`by reference ${i}`));
    if (random.next() > 0.5) continue;
    const parts = batch.takeParts();
    batches[turn] = new WriteBatch();
    if (random.next() < 0.9) {
      batch.release();
      again++;
    } else kept.push({ parts, copy: Buffer.concat(parts) });
  }
  expect(again).toBeGreaterThan(5_000);
  expect(kept.filter(({ parts, copy }) => !Buffer.concat(parts).equals(copy))).toEqual([]);
});

test('more than a slab holds is two parts', () => {
  const batch = new WriteBatch();
  const texts = ['a'.repeat(20_000), 'b'.repeat(20_000), 'c'.repeat(20_000)];
  for (const text of texts) put(batch, text);
  const parts = batch.takeParts();
  expect(parts.map(String)).toEqual(texts);
  expect(() => batch.release()).not.toThrow();
});

test('byteLength counts what is copied and what goes by reference', () => {
  const batch = new WriteBatch();
  put(batch, 'head');
  batch.append(Buffer.alloc(100));
  put(batch, 'tail');
  expect(batch.byteLength).toBe(108);
  expect(batch.takeParts().map((part) => part.length)).toEqual([4, 100, 4]);
});

test('callbacks are kept in order; without any there is no list', () => {
  const batch = new WriteBatch();
  const called: number[] = [];
  batch.onWritten(() => called.push(1));
  batch.onWritten(() => called.push(2));
  for (const callback of batch.callbacks ?? []) callback();
  expect([called, new WriteBatch().callbacks]).toEqual([[1, 2], undefined]);
});

describe('a frame', () => {
  const KEY_NUMBER = KEY.readInt32LE(0);

  test.each([
    ['text', 'zwölf'],
    ['bytes', Buffer.from('zwölf')],
  ])('of %s is written behind its header, masked or not', (_what, payload) => {
    for (const mask of [undefined, KEY]) {
      const batch = new WriteBatch();
      const isMasked = mask !== undefined;
      const byReference = batch.addFrame(0x81, payload, 6, isMasked, isMasked ? KEY_NUMBER : 0);
      expect([byReference, Buffer.concat(batch.takeParts())]).toEqual([
        false,
        frame({ payload, mask }),
      ]);
    }
  });

  test.each([
    ['text', 'x'.repeat(4097)],
    ['bytes', Buffer.alloc(4097, 'x')],
  ])('of more than 4 KiB of %s goes by reference, masked or not', (_what, payload) => {
    for (const mask of [undefined, KEY]) {
      const batch = new WriteBatch();
      const isMasked = mask !== undefined;
      const byReference = batch.addFrame(0x82, payload, 4097, isMasked, isMasked ? KEY_NUMBER : 0);
      const parts = batch.takeParts();
      expect([byReference, parts.length]).toEqual([true, 2]);
      expect(Buffer.concat(parts)).toEqual(frame({ opcode: 2, payload, mask }));
      expect(parts[1] === payload).toBe(!isMasked && typeof payload !== 'string');
    }
  });

  test('RFC 6455 §10.3: data of the program is never changed', () => {
    for (const size of [100, 4096, 4097, 10_000]) {
      const payload = Buffer.alloc(size, 'x');
      const batch = new WriteBatch();
      batch.addFrame(0x82, payload, size, true, KEY_NUMBER);
      expect(payload).toEqual(Buffer.alloc(size, 'x'));
    }
  });

  test('counts what the program gave for messages, not for control frames', () => {
    const batch = new WriteBatch();
    batch.addFrame(0x81, 'abc', 100, false, 0);
    batch.addFrame(0x89, 'ping', 4, false, 0);
    expect([batch.givenLength, batch.byteLength]).toEqual([100, 11]);
  });
});

test.each([
  [4096, false],
  [4097, true],
])('%i framed bytes go by reference: %s', (size, byReference) => {
  const batch = new WriteBatch();
  const bytes = Buffer.alloc(size, 'x');
  expect(batch.addFramed(bytes)).toBe(byReference);
  const [part] = batch.takeParts();
  expect([part === bytes, part?.equals(bytes)]).toEqual([byReference, true]);
});

test('an empty batch has no parts, and nothing to release', () => {
  const batch = new WriteBatch();
  expect(batch.takeParts()).toEqual([]);
  expect(() => batch.release()).not.toThrow();
});

describe('the memory of a masked payload', () => {
  const KEY_NUMBER = KEY.readInt32LE(0);

  /** Masks a payload. @returns the masked bytes, as they are written */
  function masked(payload: Buffer, batch = new WriteBatch()): { batch: WriteBatch; bytes: Buffer } {
    expect(batch.addFrame(0x82, payload, payload.length, true, KEY_NUMBER)).toBe(true);
    return { batch, bytes: batch.takeParts()[1] ?? Buffer.alloc(0) };
  }

  const unmasked = (bytes: Buffer): Buffer =>
    Buffer.from(bytes.map((byte, i) => byte ^ (KEY[i % 4] ?? 0)));

  test('is used again when it was written', () => {
    const one = masked(Buffer.alloc(60_000, 1));
    one.batch.release();
    const other = masked(Buffer.alloc(60_000, 2));
    expect(other.bytes.buffer).toBe(one.bytes.buffer);
    expect(unmasked(other.bytes)).toEqual(Buffer.alloc(60_000, 2));
  });

  test('is not used again before, and by one frame at a time', () => {
    masked(Buffer.alloc(60_000)).batch.release();
    const one = masked(Buffer.alloc(60_000, 1));
    const other = masked(Buffer.alloc(60_000, 2));
    expect(other.bytes.buffer).not.toBe(one.bytes.buffer);
    expect(unmasked(one.bytes)).toEqual(Buffer.alloc(60_000, 1));
    expect(unmasked(other.bytes)).toEqual(Buffer.alloc(60_000, 2));
  });

  test('is not kept by a short payload, nor after a long one', () => {
    const { batch, bytes } = masked(Buffer.alloc(200_000));
    batch.release();
    expect(masked(Buffer.alloc(5_000)).bytes.buffer.byteLength).toBeLessThan(6_000);
    masked(Buffer.alloc(1_000_000)).batch.release();
    expect(masked(Buffer.alloc(199_000)).bytes.buffer).toBe(bytes.buffer);
  });
});
