/** RFC 6455 §5.3: the masking key and the XOR that applies it. */

import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';

/** Fills all of `bytes` with what masking keys are to be made of. */
export type FillMask = (bytes: Buffer) => void;

const RANDOM_POOL = 8192;

/**
 * Below this many bytes a loop over bytes is faster than a view of words, whose making costs
 * 70 to 100 ns. `tests/bench/micro/unmask.mjs` compares them on Node 20 and 24.
 */
const WORDS_THRESHOLD = 128;

/**
 * From here on bytes are masked while they are copied: the memory they go to is new, and each pass over
 * it costs. Fewer stay in the processor's cache, where a second pass costs less than a second view.
 */
const ONE_PASS_THRESHOLD = 8192;

const WORD = BigUint64Array.BYTES_PER_ELEMENT;

// A key is kept with its first byte lowest; where memory is not, words must not be used.
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A source of masking keys. */
export class MaskingKeys {
  private readonly fill: FillMask;
  private readonly pool: Buffer;
  private used: number;

  // RFC 6455 §5.3: keys MUST come from a strong source of entropy and not be predictable.
  // They are drawn many at a time, 1.4 ns a key against 1.8 µs for a call each.
  constructor(fill: FillMask = randomFillSync, poolSize = RANDOM_POOL) {
    this.fill = fill;
    this.pool = Buffer.alloc(poolSize);
    this.used = poolSize;
  }

  /**
   * Makes sure that the next key is there.
   * @throws what the source of the keys throws; the next call asks it again
   */
  prepare(): void {
    if (this.used < this.pool.length) return;
    this.fill(this.pool);
    this.used = 0;
  }

  /** A fresh key, its first byte lowest. RFC 6455 §5.3: every frame gets its own. */
  next(): number {
    this.prepare();
    const key = this.pool.readInt32LE(this.used);
    this.used += 4;
    return key;
  }
}

let randomKeys: MaskingKeys | undefined;

/** The keys of every client that brings no source of its own; made when the first one asks. */
export function randomMaskingKeys(): MaskingKeys {
  randomKeys ??= new MaskingKeys();
  return randomKeys;
}

/** The key as it stands after `count` bytes were masked with it. */
export function advanceKey(key: number, count: number): number {
  const bits = (count & 3) * 8;
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits));
}

/**
 * Masks or unmasks `bytes` from `start` to `end`, in place: the same XOR does both. The key 0 leaves
 * them as they are.
 */
export function unmask(bytes: Buffer, start: number, end: number, key: number): void {
  if (key === 0) return;
  if (end - start < WORDS_THRESHOLD || !LITTLE_ENDIAN)
    xorBytes(bytes, start, bytes, start, end, key);
  else xorWords(bytes, start, bytes, start, end, key);
}

/** A copy of `bytes` from `start` to `end`, unmasked; the key 0 leaves it as it is. */
export function unmaskedCopy(bytes: Buffer, start: number, end: number, key: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start); // out of no pool that it would keep alive
  unmaskInto(copy, 0, bytes, start, end, key);
  return copy;
}

/** A masked copy of a payload, in the same place of a word as that: it is masked on the way. */
export function maskedCopy(payload: Buffer, key: number): Buffer {
  const offset = payload.byteOffset & (WORD - 1);
  const copy = Buffer.allocUnsafeSlow(offset + payload.length).subarray(offset);
  unmaskInto(copy, 0, payload, 0, payload.length, key);
  return copy;
}

/** Masks or unmasks the bytes `from` `start` to `end` on their way to `at`; `from` stays as it is. */
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
  else if (length >= ONE_PASS_THRESHOLD && key !== 0 && areWordsAlike(to, at, from, start)) {
    xorWords(to, at, from, start, end, key);
  } else {
    if (length === from.length) to.set(from, at);
    else from.copy(to, at, start, end);
    unmask(to, at, at + length, key);
  }
}

/** Whether what lies here and there can be read and written word by word, both at once. */
function areWordsAlike(to: Buffer, at: number, from: Buffer, start: number): boolean {
  const distance = to.byteOffset + at - (from.byteOffset + start);
  return LITTLE_ENDIAN && (distance & (WORD - 1)) === 0;
}

// RFC 6455 §5.3: octet i of the payload is XORed with octet i modulo 4 of the key.

/** The bytes `from` `start` to `end`, XORed on their way to `at`; that may be where they are. */
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
  // Four a turn: 1.5 times as fast as one, on Node 20 and 24. What is stored is stored modulo 256.
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
  return bytes[i] as number; // i lies inside, by the caller's word
}

/** The same word by word, where both lie alike: only what lies before and behind whole words is not. */
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
  const shift = at - start; // from a place in `from` to its place in `to`
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

/** A key twice over, as a word; to shift and join BigInts would make three on the way. */
const KEY_TWICE = new Uint32Array(2);
const KEY_WORD = new BigUint64Array(KEY_TWICE.buffer);

// Words of 64 bits, four a turn: on Node 20 twice as fast as one, and as words of 32 bits.
function xorEachWord(to: BigUint64Array, from: BigUint64Array, key: number): void {
  KEY_TWICE.fill(key);
  const whole = KEY_WORD[0] as bigint; // it has one word
  let i = 0;
  for (; i + 3 < to.length; i += 4) {
    to[i] = wordAt(from, i) ^ whole;
    to[i + 1] = wordAt(from, i + 1) ^ whole;
    to[i + 2] = wordAt(from, i + 2) ^ whole;
    to[i + 3] = wordAt(from, i + 3) ^ whole;
  }
  for (; i < to.length; i++) to[i] = wordAt(from, i) ^ whole;
}

function wordAt(words: BigUint64Array, i: number): bigint {
  return words[i] as bigint; // both are as long
}
