/**
 * (e) How to copy a short payload into a slab, and (for a client) how to mask it on the way: ns per
 * payload, both buffers on memory of their own.
 */
import { digits } from '../statistics.mjs';
import { table } from '../table.mjs';
import { compare, heading, separately } from './harness.mjs';

const SLAB = 64 * 1024;
const slab = Buffer.from(new ArrayBuffer(SLAB));
const words = new Int32Array(slab.buffer);
const KEY = [0x9d, 0x37, 0xe2, 0x5b];
const [K0, K1, K2, K3] = KEY;
const KEY_WORD = K0 | (K1 << 8) | (K2 << 16) | (K3 << 24);

function byLoop(target, at, source, length) {
  for (let i = 0; i < length; i++) target[at + i] = source[i];
}

function mask4(target, at, source, length) {
  let i = 0;
  for (const stop = length - 3; i < stop; i += 4) {
    target[at + i] = source[i] ^ K0;
    target[at + i + 1] = source[i + 1] ^ K1;
    target[at + i + 2] = source[i + 2] ^ K2;
    target[at + i + 3] = source[i + 3] ^ K3;
  }
  if (i < length) target[at + i] = source[i] ^ K0;
  if (i + 1 < length) target[at + i + 1] = source[i + 1] ^ K1;
  if (i + 2 < length) target[at + i + 2] = source[i + 2] ^ K2;
}

function turned(count) {
  const bits = (count & 3) * 8;
  return bits === 0 ? KEY_WORD : (KEY_WORD >>> bits) | (KEY_WORD << (32 - bits));
}

function maskEdge(target, from, to, first) {
  let key = turned(first);
  for (let i = from; i < to; i++) {
    target[i] ^= key;
    key = (key >>> 8) | (key << 24);
  }
}

/** In place, by words of a view on the whole slab that is made once. */
function maskShared(target, at, length) {
  const head = at + (-at & 3);
  const last = (at + length) >>> 2;
  const key = turned(head - at);
  for (let i = head >>> 2; i < last; i++) words[i] ^= key;
  maskEdge(target, at, head, 0);
  maskEdge(target, last << 2, at + length, (last << 2) - at);
}

function maskOwn(target, at, length) {
  const head = at + (-at & 3);
  const count = (at + length - head) >>> 2;
  const view = new Int32Array(target.buffer, head, count);
  const key = turned(head - at);
  for (let i = 0; i < count; i++) view[i] ^= key;
  maskEdge(target, at, head, 0);
  maskEdge(target, head + (count << 2), at + length, head + (count << 2) - at);
}

const COPIES = {
  'source.copy(slab, at)': (source, at) => source.copy(slab, at),
  'slab.set(source, at)': (source, at) => slab.set(source, at),
  'loop over bytes': (source, at) => byLoop(slab, at, source, source.length),
};

const MASKS = {
  'mask while copying, ×4': (source, at) => mask4(slab, at, source, source.length),
  'set, then words (own view)': (source, at) => {
    slab.set(source, at);
    maskOwn(slab, at, source.length);
  },
  'set, then words (shared view)': (source, at) => {
    slab.set(source, at);
    maskShared(slab, at, source.length);
  },
};

const LOOP = `return (times) => {
  let at = 6;
  for (let i = 0; i < times; i++) {
    put(source, at);
    at += source.length + 6;
    if (at > LAST) at = 6;
  }
};`;

const SIZES = [8, 16, 32, 64, 128, 256, 1024, 4096];
const sources = SIZES.map((size) => Buffer.from(new ArrayBuffer(size)).fill('payload '));

function verify(ways, expected) {
  for (const source of sources) {
    for (const [name, put] of Object.entries(ways)) {
      put(source, 7);
      if (!slab.subarray(7, 7 + source.length).equals(expected(source))) {
        throw new Error(`${name} is wrong`);
      }
    }
  }
}

function show(title, ways) {
  const columns = sources.map((source) => {
    const scope = (put) => ({ put, source, LAST: SLAB - 8192 });
    const cases = Object.entries(ways).map(([name, put]) => [name, separately(LOOP, scope(put))]);
    return compare(Object.fromEntries(cases));
  });
  heading(title);
  const names = Object.keys(ways);
  const row = (name) => [name, ...columns.map((column) => digits(column[name]))];
  console.log(table(['way', ...SIZES.map((size) => `${size} B`)], names.map(row)));
}

verify(COPIES, (source) => source);
verify(MASKS, (source) => source.map((byte, i) => byte ^ KEY[i & 3]));
show('Copy a payload into a slab: ns per payload', COPIES);
show('Copy and mask a payload: ns per payload', MASKS);
