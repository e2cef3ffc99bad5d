/** RFC 6455 §5.3: the masking key and the XOR that applies it. */

import { randomFillSync } from 'node:crypto';

/** Fills all of `bytes` with what masking keys are to be made of. */
export type FillMask = (bytes: Buffer) => void;

const RANDOM_POOL = 8192;

/**
 * Below this many bytes a plain loop is faster than making a view of words: the view costs about
 * 50 ns. Measured by `tests/bench/micro/unmask.mjs`.
 */
const WORDS_FROM = 96;

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

  /** A fresh key, its first byte lowest. RFC 6455 §5.3: every frame gets its own. */
  next(): number {
    if (this.used === this.pool.length) {
      this.fill(this.pool);
      this.used = 0;
    }
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

/** Masks or unmasks `bytes` from `start` to `end`, in place: the same XOR does both. */
export function unmask(bytes: Buffer, start: number, end: number, key: number): void {
  if (end - start < WORDS_FROM || !LITTLE_ENDIAN) {
    xorBytes(bytes, start, end, key);
    return;
  }
  const aligned = start + (-(bytes.byteOffset + start) & 3);
  const count = (end - aligned) >> 2;
  xorBytes(bytes, start, aligned, key);
  const alignedKey = advanceKey(key, aligned - start);
  xorWords(new Int32Array(bytes.buffer, bytes.byteOffset + aligned, count), alignedKey);
  xorBytes(bytes, aligned + count * 4, end, alignedKey);
}

// RFC 6455 §5.3: octet i of the payload is XORed with octet i modulo 4 of the key.
function xorBytes(bytes: Buffer, start: number, end: number, key: number): void {
  let turning = key;
  for (let i = start; i < end; i++) {
    bytes[i] = (bytes[i] as number) ^ turning; // i < end, which lies inside; stored modulo 256
    turning = (turning >>> 8) | (turning << 24);
  }
}

function xorWords(words: Int32Array, key: number): void {
  for (let i = 0; i < words.length; i++) {
    words[i] = (words[i] as number) ^ key; // i < length
  }
}
