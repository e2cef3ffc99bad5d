/**
 * (a) How to unmask in place: a loop over bytes, or over 32-bit or 64-bit words, with a view made
 * for the call or a view on the whole chunk that the frames of the chunk share.
 */
import { digits } from '../statistics.mjs';
import { table } from '../table.mjs';
import { compare, heading } from './harness.mjs';

const KEY = [0x9d, 0x37, 0xe2, 0x5b];

function byteIndexed(bytes, start, end, key) {
  for (let i = start, k = 0; i < end; i++, k++) bytes[i] ^= key[k & 3];
}

/** The key as one number that turns by a byte each time. */
function byteTurning(bytes, start, end, key) {
  let turning = key;
  for (let i = start; i < end; i++) {
    bytes[i] ^= turning;
    turning = (turning >>> 8) | (turning << 24);
  }
}

/** The key as one number, shifted by what the place asks for. */
function byteShifted(bytes, start, end, key) {
  for (let i = start, shift = 0; i < end; i++, shift = (shift + 8) & 31) {
    bytes[i] ^= key >>> shift;
  }
}

/** Four bytes a turn, the key taken apart once. */
function byteScalar(bytes, start, end, k0, k1, k2, k3) {
  let i = start;
  for (const stop = end - 3; i < stop; i += 4) {
    bytes[i] ^= k0;
    bytes[i + 1] ^= k1;
    bytes[i + 2] ^= k2;
    bytes[i + 3] ^= k3;
  }
  if (i < end) bytes[i] ^= k0;
  if (i + 1 < end) bytes[i + 1] ^= k1;
  if (i + 2 < end) bytes[i + 2] ^= k2;
}

/** The key as one word, as it lies in memory when the word starts `phase` bytes in. */
function wordAt(phase, k0, k1, k2, k3) {
  const word = k0 | (k1 << 8) | (k2 << 16) | (k3 << 24);
  const turn = (phase & 3) << 3;
  return turn === 0 ? word : (word >>> turn) | (word << (32 - turn));
}

/** The bytes before the first whole word, and those behind the last one. */
function edges(bytes, start, head, tail, end, k0, k1, k2, k3) {
  let word = wordAt(0, k0, k1, k2, k3);
  for (let i = start; i < head; i++) {
    bytes[i] ^= word;
    word = (word >>> 8) | (word << 24);
  }
  word = wordAt(tail - start, k0, k1, k2, k3);
  for (let i = tail; i < end; i++) {
    bytes[i] ^= word;
    word = (word >>> 8) | (word << 24);
  }
}

function ownInt32(bytes, start, end, k0, k1, k2, k3) {
  const base = bytes.byteOffset;
  const head = start + (-(base + start) & 3);
  const count = (end - head) >>> 2;
  const view = new Int32Array(bytes.buffer, base + head, count);
  const word = wordAt(head - start, k0, k1, k2, k3);
  for (let i = 0; i < count; i++) view[i] ^= word;
  edges(bytes, start, head, head + (count << 2), end, k0, k1, k2, k3);
}

/** Four words a turn. */
function ownInt32x4(bytes, start, end, k0, k1, k2, k3) {
  const base = bytes.byteOffset;
  const head = start + (-(base + start) & 3);
  const count = (end - head) >>> 2;
  const view = new Int32Array(bytes.buffer, base + head, count);
  const word = wordAt(head - start, k0, k1, k2, k3);
  let i = 0;
  for (const stop = count - 3; i < stop; i += 4) {
    view[i] ^= word;
    view[i + 1] ^= word;
    view[i + 2] ^= word;
    view[i + 3] ^= word;
  }
  for (; i < count; i++) view[i] ^= word;
  edges(bytes, start, head, head + (count << 2), end, k0, k1, k2, k3);
}

function ownUint32(bytes, start, end, k0, k1, k2, k3) {
  const base = bytes.byteOffset;
  const head = start + (-(base + start) & 3);
  const count = (end - head) >>> 2;
  const view = new Uint32Array(bytes.buffer, base + head, count);
  const word = wordAt(head - start, k0, k1, k2, k3);
  for (let i = 0; i < count; i++) view[i] ^= word;
  edges(bytes, start, head, head + (count << 2), end, k0, k1, k2, k3);
}

function bigWord(phase, k0, k1, k2, k3) {
  const low = BigInt(wordAt(phase, k0, k1, k2, k3) >>> 0);
  return (low << 32n) | low;
}

function ownBigUint64(bytes, start, end, k0, k1, k2, k3) {
  const base = bytes.byteOffset;
  const head = start + (-(base + start) & 7);
  const count = (end - head) >>> 3;
  const view = new BigUint64Array(bytes.buffer, base + head, count);
  const word = bigWord(head - start, k0, k1, k2, k3);
  for (let i = 0; i < count; i++) view[i] ^= word;
  edges(bytes, start, head, head + (count << 3), end, k0, k1, k2, k3);
}

function ownBigUint64x4(bytes, start, end, k0, k1, k2, k3) {
  const base = bytes.byteOffset;
  const head = start + (-(base + start) & 7);
  const count = (end - head) >>> 3;
  const view = new BigUint64Array(bytes.buffer, base + head, count);
  const word = bigWord(head - start, k0, k1, k2, k3);
  let i = 0;
  for (const stop = count - 3; i < stop; i += 4) {
    view[i] ^= word;
    view[i + 1] ^= word;
    view[i + 2] ^= word;
    view[i + 3] ^= word;
  }
  for (; i < count; i++) view[i] ^= word;
  edges(bytes, start, head, head + (count << 3), end, k0, k1, k2, k3);
}

/** `view` is an Int32Array on all of the chunk's memory, made once for the chunk. */
function sharedInt32(bytes, view, start, end, k0, k1, k2, k3) {
  const base = bytes.byteOffset;
  const head = start + (-(base + start) & 3);
  const word = wordAt(head - start, k0, k1, k2, k3);
  const last = (base + end) >>> 2;
  for (let i = (base + head) >>> 2; i < last; i++) view[i] ^= word;
  edges(bytes, start, head, (last << 2) - base, end, k0, k1, k2, k3);
}

function sharedBigUint64(bytes, view, start, end, k0, k1, k2, k3) {
  const base = bytes.byteOffset;
  const head = start + (-(base + start) & 7);
  const word = bigWord(head - start, k0, k1, k2, k3);
  const last = (base + end) >>> 3;
  for (let i = (base + head) >>> 3; i < last; i++) view[i] ^= word;
  edges(bytes, start, head, (last << 3) - base, end, k0, k1, k2, k3);
}

/** A DataView needs no alignment, hence no bytes before the first word. */
function sharedDataView(bytes, view, start, end, k0, k1, k2, k3) {
  const word = wordAt(0, k0, k1, k2, k3);
  const stop = bytes.byteOffset + end - 3;
  let i = bytes.byteOffset + start;
  for (; i < stop; i += 4) view.setInt32(i, view.getInt32(i, true) ^ word, true);
  edges(bytes, start, start, i - bytes.byteOffset, end, k0, k1, k2, k3);
}

const chunk = Buffer.from(new ArrayBuffer(128 * 1024));
const int32 = new Int32Array(chunk.buffer);
const bigUint64 = new BigUint64Array(chunk.buffer);
const dataView = new DataView(chunk.buffer);
const [K0, K1, K2, K3] = KEY;
const KEY_WORD = wordAt(0, K0, K1, K2, K3);

function cases(size, offset) {
  const start = 64 + offset;
  const end = start + size;
  return {
    'bytes, key[i & 3]': (times) => {
      for (let i = 0; i < times; i++) byteIndexed(chunk, start, end, KEY);
    },
    'bytes, key turning': (times) => {
      for (let i = 0; i < times; i++) byteTurning(chunk, start, end, KEY_WORD);
    },
    'bytes, key >>> n': (times) => {
      for (let i = 0; i < times; i++) byteShifted(chunk, start, end, KEY_WORD);
    },
    'bytes ×4': (times) => {
      for (let i = 0; i < times; i++) byteScalar(chunk, start, end, K0, K1, K2, K3);
    },
    'own Int32': (times) => {
      for (let i = 0; i < times; i++) ownInt32(chunk, start, end, K0, K1, K2, K3);
    },
    'own Int32 ×4': (times) => {
      for (let i = 0; i < times; i++) ownInt32x4(chunk, start, end, K0, K1, K2, K3);
    },
    'own Uint32': (times) => {
      for (let i = 0; i < times; i++) ownUint32(chunk, start, end, K0, K1, K2, K3);
    },
    'own BigUint64': (times) => {
      for (let i = 0; i < times; i++) ownBigUint64(chunk, start, end, K0, K1, K2, K3);
    },
    'own BigUint64 ×4': (times) => {
      for (let i = 0; i < times; i++) ownBigUint64x4(chunk, start, end, K0, K1, K2, K3);
    },
    'shared Int32': (times) => {
      for (let i = 0; i < times; i++) sharedInt32(chunk, int32, start, end, K0, K1, K2, K3);
    },
    'shared BigUint64': (times) => {
      for (let i = 0; i < times; i++) sharedBigUint64(chunk, bigUint64, start, end, K0, K1, K2, K3);
    },
    'shared DataView': (times) => {
      for (let i = 0; i < times; i++) sharedDataView(chunk, dataView, start, end, K0, K1, K2, K3);
    },
  };
}

/** Every variant must do what the plainest one does. */
function check(size, offset) {
  const source = Buffer.from(Array.from({ length: size + 128 }, (_, i) => (i * 7) & 0xff));
  const [start, end] = [64 + offset, 64 + offset + size];
  const wanted = Buffer.from(source);
  byteIndexed(wanted, start, end, KEY);
  const variants = Object.entries(cases(size, offset));
  for (const [name, run] of variants) {
    source.copy(chunk);
    run(1);
    if (!chunk.subarray(0, source.length).equals(wanted)) throw new Error(`${name} is wrong`);
  }
}

/** Mixed sizes first, so that no variant is compiled for one size only. */
function warmUp() {
  for (const size of [16, 33, 100, 1000, 5000]) {
    for (const offset of [0, 6]) for (const run of Object.values(cases(size, offset))) run(2000);
  }
}

const SIZES = [16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024, 4096, 16384, 65536];

for (let size = 16; size < 70; size++)
  for (let offset = 0; offset < 9; offset++) check(size, offset);
warmUp();
for (const offset of [0, 6]) {
  heading(`Unmask in place, payload at offset ${offset} of 8: ns per call`);
  const rows = SIZES.map((size) => [size, compare(cases(size, offset))]);
  const names = Object.keys(rows[0][1]);
  console.log(
    table(
      ['bytes', ...names],
      rows.map(([size, result]) => [size, ...names.map((name) => digits(result[name]))]),
    ),
  );
}
