/**
 * (h) How to make a Buffer of part of a chunk, as a view or as a copy; and what a short payload costs
 * with its masking: in place and then a view, or unmasked on the way into a copy. ns each.
 */
import { createRequire } from 'node:module';
import { digits } from '../statistics.mjs';
import { table } from '../table.mjs';
import { compare, heading, separately } from './harness.mjs';

const { unmask, unmaskedCopy } = createRequire(import.meta.url)('../../../dist/protocol/mask.js');

const chunk = Buffer.from(new ArrayBuffer(1136));
const memory = chunk.buffer;
const base = chunk.byteOffset;
const FastBuffer = Buffer[Symbol.species];

const WAYS = {
  'chunk.subarray(a, b)': (a, b) => chunk.subarray(a, b),
  'Buffer.from(memory, at, n)': (a, b) => Buffer.from(memory, base + a, b - a),
  'new species(chunk.buffer, …)': (a, b) =>
    new FastBuffer(chunk.buffer, chunk.byteOffset + a, b - a),
  'new species(kept memory, …)': (a, b) => new FastBuffer(memory, base + a, b - a),
  'new Uint8Array(memory, at, n)': (a, b) => new Uint8Array(memory, base + a, b - a),
  'copy: allocUnsafe, set': (a, b) => {
    const copy = Buffer.allocUnsafe(b - a);
    copy.set(new FastBuffer(memory, base + a, b - a));
    return copy;
  },
};

const LOOP = `return (times) => {
  let length = 0;
  for (let i = 0; i < times; i++) {
    const at = 6 + (i & 15) * 70;
    length += view(at, at + 64).length;
  }
  return length;
};`;

const cases = Object.entries(WAYS).map(([name, view]) => [name, separately(LOOP, { view })]);
heading('A view of 64 bytes on a chunk: ns per view');
const result = compare(Object.fromEntries(cases));
console.log(
  table(
    ['way', 'ns'],
    Object.entries(result).map(([name, ns]) => [name, digits(ns)]),
  ),
);

/** The payload of a frame among others, as the receiver takes it. */
const PAYLOADS = {
  'unmask in place, then a view': (a, b) => {
    unmask(chunk, a, b, 0x1234567);
    return chunk.subarray(a, b);
  },
  'unmasked copy': (a, b) => unmaskedCopy(chunk, a, b, 0x1234567),
};

const SIZES = [4, 16, 32, 64];
heading('The payload of a short frame: ns each');
const lines = SIZES.map((size) => {
  const loop = LOOP.replace('at + 64', `at + ${size}`);
  const ways = Object.entries(PAYLOADS).map(([name, view]) => [name, separately(loop, { view })]);
  return [`${size} B`, ...Object.values(compare(Object.fromEntries(ways))).map(digits)];
});
console.log(table(['payload', ...Object.keys(PAYLOADS)], lines));
