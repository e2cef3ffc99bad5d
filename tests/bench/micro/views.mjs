/**
 * (h) How to make a Buffer on part of a chunk, and what `slice`-like calls cost: ns per view.
 */
import { digits } from '../statistics.mjs';
import { table } from '../table.mjs';
import { compare, heading, separately } from './harness.mjs';

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
