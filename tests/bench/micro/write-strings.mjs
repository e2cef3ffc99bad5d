/**
 * (d) How to get a short string into a slab that has room for it: which writer, and does finding
 * out the length first cost more than the write? ns per string; every writer ends with the number
 * of bytes written.
 */
import { digits } from '../statistics.mjs';
import { table } from '../table.mjs';
import { compare, heading, separately } from './harness.mjs';

const SLAB = 16 * 1024;
const slab = Buffer.from(new ArrayBuffer(SLAB));
const encoder = new TextEncoder();

/** Strings as they come from a socket: flat, and many different ones. */
function strings(unit, bytes) {
  const one = Buffer.from(unit.repeat(bytes)).subarray(0, bytes);
  return Array.from({ length: 64 }, (_, i) => {
    const copy = Buffer.from(one);
    copy.write(String.fromCharCode(97 + (i % 26)), 0, 'latin1');
    return copy.toString();
  });
}

const SUBJECTS = {
  'ASCII 16 B': strings('{"id":12345,"ok":true}', 16),
  'ASCII 64 B': strings('{"id":12345,"ok":true}', 64),
  'multi-byte 64 B': strings('aПривет日本語', 64).map((s) => s.replaceAll('\ufffd', '')),
  'Latin-1 64 B': strings('aünicöde', 64).map((s) => s.replaceAll('\ufffd', '')),
  'ASCII 1 KiB': strings('{"id":12345,"ok":true}', 1024),
  'multi-byte 1 KiB': strings('aПривет日本語', 1024).map((s) => s.replaceAll('\ufffd', '')),
};

/** Writes the characters as bytes while they are ASCII; the native writer does the rest. */
function asciiLoop(string, at) {
  const { length } = string;
  for (let i = 0; i < length; i++) {
    const unit = string.charCodeAt(i);
    if (unit > 0x7f) return slab.utf8Write(string, at);
    slab[at + i] = unit;
  }
  return length;
}

const WRITERS = {
  'write(s, at)': (s, at) => slab.write(s, at),
  "write(s, at, 'utf8')": (s, at) => slab.write(s, at, 'utf8'),
  'utf8Write(s, at)': (s, at) => slab.utf8Write(s, at),
  'latin1Write(s, at)': (s, at) => slab.latin1Write(s, at),
  'byteLength + utf8Write': (s, at) => {
    const length = Buffer.byteLength(s);
    slab.utf8Write(s, at, length);
    return length;
  },
  'byteLength, latin1Write if ASCII': (s, at) => {
    const length = Buffer.byteLength(s);
    return length === s.length ? slab.latin1Write(s, at) : slab.utf8Write(s, at);
  },
  "byteLength, write(…, 'latin1') if ASCII": (s, at) => {
    const length = Buffer.byteLength(s);
    return length === s.length ? slab.write(s, at, 'latin1') : slab.write(s, at, 'utf8');
  },
  'byteLength only': (s) => Buffer.byteLength(s),
  'charCode loop, else utf8Write': asciiLoop,
  'length < 40 ? loop : utf8Write': (s, at) =>
    s.length < 40 ? asciiLoop(s, at) : slab.utf8Write(s, at),
  'encodeInto(s, subarray)': (s, at) => encoder.encodeInto(s, slab.subarray(at)).written,
  'Buffer.from(s), set': (s, at) => {
    const bytes = Buffer.from(s);
    slab.set(bytes, at);
    return bytes.length;
  },
};

const LOOP = `return (times) => {
  let at = 0;
  for (let i = 0; i < times; i++) {
    at += write(list[i & 63], at);
    if (at > LAST) at = 0;
  }
  return at;
};`;

function loop(write, list) {
  return separately(LOOP, { write, list, LAST: SLAB - 3200 });
}

function verify(list, name, write) {
  if (name.startsWith('latin1') && Buffer.byteLength(list[0]) !== list[0].length) return;
  if (name === 'byteLength only') return;
  for (const string of list) {
    const wanted = Buffer.from(string);
    const length = write(string, 3);
    if (length !== wanted.length || !slab.subarray(3, 3 + length).equals(wanted)) {
      throw new Error(`${name} is wrong`);
    }
  }
}

const columns = Object.entries(SUBJECTS).map(([subject, list]) => {
  for (const [name, write] of Object.entries(WRITERS)) verify(list, name, write);
  const cases = Object.entries(WRITERS).map(([name, write]) => [name, loop(write, list)]);
  return [subject, compare(Object.fromEntries(cases))];
});

heading('Write a string into a slab: ns per string');
console.log(
  table(
    ['way', ...columns.map(([subject]) => subject)],
    Object.keys(WRITERS).map((name) => [name, ...columns.map(([, ns]) => digits(ns[name]))]),
  ),
);
console.log(
  '\n`latin1Write` alone is right for ASCII only; elsewhere its figure is for comparison.',
);
