/**
 * (j) How to copy a masked payload into memory that is new and unmask it: in two passes, or in one.
 * The one pass needs a second view, and both ends in the same place of a word.
 */
import { digits } from '../statistics.mjs';
import { table } from '../table.mjs';
import { compare, heading, separately } from './harness.mjs';

const KIB = 1024;
const SIZES = [KIB, 4 * KIB, 8 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, KIB * KIB];
const [KEY] = new BigUint64Array(new Uint32Array([0x12345678, 0x12345678]).buffer);

function words(bytes) {
  return new BigUint64Array(bytes.buffer, 0, bytes.length >> 3);
}

function xor(to, from) {
  for (let i = 0; i + 3 < to.length; i += 4) {
    to[i] = from[i] ^ KEY;
    to[i + 1] = from[i + 1] ^ KEY;
    to[i + 2] = from[i + 2] ^ KEY;
    to[i + 3] = from[i + 3] ^ KEY;
  }
}

const WAYS = {
  'set, then XOR in place': (from) => {
    const to = Buffer.allocUnsafeSlow(from.length);
    to.set(from);
    const view = words(to);
    xor(view, view);
    return to;
  },
  'XOR on the way': (from) => {
    const to = Buffer.allocUnsafeSlow(from.length);
    xor(words(to), words(from));
    return to;
  },
};

const LOOP = `return (times) => {
  let last;
  for (let i = 0; i < times; i++) last = copy(source);
  return last;
};`;

const sources = SIZES.map((size) => Buffer.from(new ArrayBuffer(size)).fill('payload '));
for (const source of sources) {
  const [one, other] = Object.values(WAYS).map((copy) => copy(source));
  if (!one.equals(other)) throw new Error('the ways differ');
}

const columns = sources.map((source) => {
  const cases = Object.entries(WAYS).map(([name, copy]) => [
    name,
    separately(LOOP, { copy, source }),
  ]);
  return compare(Object.fromEntries(cases));
});
heading('A masked payload into new memory: CPU µs per payload');
const row = (name) => [name, ...columns.map((column) => digits(column[name] / 1000))];
console.log(
  table(['way', ...SIZES.map((size) => `${size / KIB} KiB`)], Object.keys(WAYS).map(row)),
);
