/** RFC 6455 §5.3: the masking key and the XOR that applies it. */

import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';

/** Fills all of `bytes` with masking keys. */
export type FillMask = (bytes: Buffer) => void;

const RANDOM_POOL = 8192;

/**
 * Below this size a loop over bytes is faster than words: creating the view of words costs 70 to
 * 100 ns (`tests/bench/micro/unmask.mjs`, Node 20 and 24).
 */
const WORDS_THRESHOLD = 128;

/**
 * From this size on bytes are masked while they are copied. Smaller payloads are in the processor's
 * cache after the copy, so that a second pass costs less than a second view of words.
 */
const ONE_PASS_THRESHOLD = 8192;

const WORD = BigUint64Array.BYTES_PER_ELEMENT;

// A key is a number whose lowest byte comes first. Word operations need memory of the same byte order.
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A source of masking keys. */
export class MaskingKeys {
  private readonly fill: FillMask;
  private readonly pool: Buffer;
  private used: number;

  // RFC 6455 §5.3 MUST: keys come from a strong source of entropy. No key helps to predict the next.
  // Many keys are drawn at once: 1.4 ns per key, not 1.8 µs for one call per key.
  constructor(fill: FillMask = randomFillSync, poolSize = RANDOM_POOL) {
    this.fill = fill;
    this.pool = Buffer.alloc(poolSize);
    this.used = poolSize;
  }

  /**
   * Draws keys if none is left.
   * @throws any exception of the source; the next call tries again
   */
  prepare(): void {
    if (this.used < this.pool.length) return;
    this.fill(this.pool);
    this.used = 0;
  }

  /** A new key, first byte lowest. RFC 6455 §5.3, §10.3 MUST: each frame gets a new key. */
  next(): number {
    this.prepare();
    const key = this.pool.readInt32LE(this.used);
    this.used += 4;
    return key;
  }
}

let randomKeys: MaskingKeys | undefined;

/** The random keys that clients without `generateMask` share. Created for the first one. */
export function randomMaskingKeys(): MaskingKeys {
  randomKeys ??= new MaskingKeys();
  return randomKeys;
}

/** The key for the next byte, after `count` bytes were masked. */
export function advanceKey(key: number, count: number): number {
  const bits = (count & 3) * 8;
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits));
}

/** Masks or unmasks `bytes` from `start` to `end` in place: both are the same XOR. */
export function unmask(bytes: Buffer, start: number, end: number, key: number): void {
  if (key === 0) return;
  if (end - start < WORDS_THRESHOLD || !LITTLE_ENDIAN)
    xorBytes(bytes, start, bytes, start, end, key);
  else xorWords(bytes, start, bytes, start, end, key);
}

/** Returns an unmasked copy of `bytes` from `start` to `end`. */
export function unmaskedCopy(bytes: Buffer, start: number, end: number, key: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start); // a slice of Node's pool would keep the pool alive
  unmaskInto(copy, 0, bytes, start, end, key);
  return copy;
}

/** The size of memory for a masked copy of so many bytes. */
export function sizeOfMaskedCopy(length: number): number {
  return length + WORD - 1;
}

/**
 * Returns a masked copy with the same alignment: one pass copies and masks whole words.
 * @param memory of `sizeOfMaskedCopy` at least, and aligned itself
 */
export function maskedCopy(memory: Buffer, payload: Buffer, key: number): Buffer {
  const offset = payload.byteOffset & (WORD - 1);
  const copy = memory.subarray(offset, offset + payload.length);
  unmaskInto(copy, 0, payload, 0, payload.length, key);
  return copy;
}

/** Copies `from` from `start` to `end` to `to` at offset `at`, and masks or unmasks the copy. */
export function unmaskInto(
  to: Buffer,
  at: number,
  from: Buffer,
  start: number,
  end: number,
  key: number,
): void {
  const length = end - start;
  if (length < WORDS_THRESHOLD) xorBytes(to, at, from, start, end, key);
  else if (length >= ONE_PASS_THRESHOLD && key !== 0 && areAlignedAlike(to, at, from, start)) {
    xorWords(to, at, from, start, end, key);
  } else {
    if (length === from.length) to.set(from, at);
    else from.copy(to, at, start, end);
    unmask(to, at, at + length, key);
  }
}

/** Whether source and target have the same alignment, which word operations need. */
function areAlignedAlike(to: Buffer, at: number, from: Buffer, start: number): boolean {
  const distance = to.byteOffset + at - (from.byteOffset + start);
  return LITTLE_ENDIAN && (distance & (WORD - 1)) === 0;
}

// RFC 6455 §5.3: byte i of the payload is XORed with byte i modulo 4 of the key.

/** XORs byte by byte. Source and target may be the same memory. */
function xorBytes(
  to: Buffer,
  at: number,
  from: Buffer,
  start: number,
  end: number,
  key: number,
): void {
  const key1 = key >> 8;
  const key2 = key >> 16;
  const key3 = key >> 24;
  let i = start;
  let o = at;
  // Four bytes per iteration: 1.5 times as fast as one, on Node 20 and 24. A store keeps 8 bits.
  for (; i + 3 < end; i += 4, o += 4) {
    to[o] = byteAt(from, i) ^ key;
    to[o + 1] = byteAt(from, i + 1) ^ key1;
    to[o + 2] = byteAt(from, i + 2) ^ key2;
    to[o + 3] = byteAt(from, i + 3) ^ key3;
  }
  if (i < end) to[o] = byteAt(from, i) ^ key;
  if (i + 1 < end) to[o + 1] = byteAt(from, i + 1) ^ key1;
  if (i + 2 < end) to[o + 2] = byteAt(from, i + 2) ^ key2;
}

function byteAt(bytes: Buffer, i: number): number {
  return bytes[i] as number; // the caller has checked the range
}

/** XORs the aligned words as words, and the bytes before and after them one by one. */
function xorWords(
  to: Buffer,
  at: number,
  from: Buffer,
  start: number,
  end: number,
  key: number,
): void {
  const aligned = start + (-(from.byteOffset + start) & (WORD - 1));
  const count = (end - aligned) >> 3;
  const rest = aligned + count * WORD;
  const shift = at - start; // from an offset in `from` to the offset in `to`
  xorBytes(to, at, from, start, aligned, key);
  const alignedKey = advanceKey(key, aligned - start);
  const source = wordsOf(from, aligned, count);
  const target = to === from ? source : wordsOf(to, aligned + shift, count);
  xorEachWord(target, source, alignedKey);
  xorBytes(to, rest + shift, from, rest, end, alignedKey);
}

function wordsOf(bytes: Buffer, start: number, count: number): BigUint64Array {
  return new BigUint64Array(bytes.buffer, bytes.byteOffset + start, count);
}

/** The key twice, as one word of 64 bits. Shifting a BigInt would allocate three of them. */
const KEY_TWICE = new Uint32Array(2);
const KEY_WORD = new BigUint64Array(KEY_TWICE.buffer);

// Four words per iteration: on Node 20 twice as fast as one word, or as words of 32 bits.
function xorEachWord(to: BigUint64Array, from: BigUint64Array, key: number): void {
  KEY_TWICE.fill(key);
  const word = KEY_WORD[0] as bigint; // the array has one element
  let i = 0;
  for (; i + 3 < to.length; i += 4) {
    to[i] = wordAt(from, i) ^ word;
    to[i + 1] = wordAt(from, i + 1) ^ word;
    to[i + 2] = wordAt(from, i + 2) ^ word;
    to[i + 3] = wordAt(from, i + 3) ^ word;
  }
  for (; i < to.length; i++) to[i] = wordAt(from, i) ^ word;
}

function wordAt(words: BigUint64Array, i: number): bigint {
  return words[i] as bigint; // both arrays have the same length
}
