/**
 * (c) How to read the bytes of a frame header. TypeScript's noUncheckedIndexedAccess makes `b[i]`
 * a `number | undefined`: what does each way round it cost? One turn reads a 6-byte header (two
 * bytes, then the masking key) at each of 1,000 places; the figure is ns per header.
 */
import { digits } from '../statistics.mjs';
import { table } from '../table.mjs';
import { compare, heading, separately } from './harness.mjs';

const PLACES = 1000;
const STEP = 70;
const chunk = Buffer.from(new ArrayBuffer(PLACES * STEP + 8));
for (let i = 0; i < chunk.length; i++) chunk[i] = (i * 31) & 0xff;
const view = new DataView(chunk.buffer);
const END = PLACES * STEP;

function indexed(b, at) {
  return b[at] + b[at + 1] + (b[at + 2] ^ b[at + 3] ^ b[at + 4] ^ b[at + 5]);
}

function nullish(b, at) {
  const key = (b[at + 2] ?? 0) ^ (b[at + 3] ?? 0) ^ (b[at + 4] ?? 0) ^ (b[at + 5] ?? 0);
  return (b[at] ?? 0) + (b[at + 1] ?? 0) + key;
}

function bitwise(b, at) {
  const key = (b[at + 2] | 0) ^ (b[at + 3] | 0) ^ (b[at + 4] | 0) ^ (b[at + 5] | 0);
  return (b[at] | 0) + (b[at + 1] | 0) + key;
}

function readUInt8(b, at) {
  const first = b.readUInt8(at) + b.readUInt8(at + 1);
  return (
    first + (b.readUInt8(at + 2) ^ b.readUInt8(at + 3) ^ b.readUInt8(at + 4) ^ b.readUInt8(at + 5))
  );
}

function readWord(b, at) {
  const key = b.readUInt32BE(at + 2);
  const halves = b.readUInt8(at) + b.readUInt8(at + 1);
  return halves + ((key >>> 24) ^ ((key >>> 16) & 0xff) ^ ((key >>> 8) & 0xff) ^ (key & 0xff));
}

function viaAt(b, at) {
  const key = (b.at(at + 2) ?? 0) ^ (b.at(at + 3) ?? 0) ^ (b.at(at + 4) ?? 0) ^ (b.at(at + 5) ?? 0);
  return (b.at(at) ?? 0) + (b.at(at + 1) ?? 0) + key;
}

function viaDataView(v, at) {
  const key = v.getInt32(at + 2, true);
  const halves = v.getUint8(at) + v.getUint8(at + 1);
  return halves + ((key >>> 24) ^ ((key >>> 16) & 0xff) ^ ((key >>> 8) & 0xff) ^ (key & 0xff));
}

const LOOP = `return (times) => {
  let sum = 0;
  for (let i = 0; i < times; i++) for (let at = 0; at < END; at += STEP) sum += read(source, at);
  return sum;
};`;

function loop(read, source) {
  return separately(LOOP, { read, source, END, STEP });
}

const cases = {
  'b[i]': loop(indexed, chunk),
  'b[i] ?? 0': loop(nullish, chunk),
  'b[i] | 0': loop(bitwise, chunk),
  'b.readUInt8(i)': loop(readUInt8, chunk),
  'readUInt8 + readUInt32BE': loop(readWord, chunk),
  'b.at(i) ?? 0': loop(viaAt, chunk),
  'DataView (shared)': loop(viaDataView, view),
};

const sums = new Set(Object.values(cases).map((run) => run(1)));
if (sums.size !== 1) throw new Error('the readers disagree');

heading('Read a 6-byte frame header: ns per header');
const result = compare(cases);
console.log(
  table(
    ['way', 'ns'],
    Object.entries(result).map(([name, ns]) => [name, digits(ns / PLACES)]),
  ),
);
