/**
 * Reads a raw deflate stream (RFC 1951) for nothing but its distances: the largest tells the
 * smallest window that surely decodes it. zlib's own inflate is more lenient than a small window.
 */

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
];
const lengthExtra = (code) => (code < 8 || code === 28 ? 0 : (code >> 2) - 1);
const distanceExtra = (code) => (code < 4 ? 0 : (code >> 1) - 1);
const distanceBase = (code) =>
  code < 4 ? code + 1 : 1 + ((2 + (code & 1)) << distanceExtra(code));
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

class Bits {
  #bytes;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  read(count) {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      value |= ((this.#bytes[this.#at >> 3] >> (this.#at & 7)) & 1) << i;
    }
    return value;
  }

  /** The length of a stored block, the reader standing behind it. */
  skipStored() {
    this.#at = (this.#at + 7) & ~7;
    const length = this.read(16);
    this.#at += 16 + length * 8;
    return length;
  }

  get left() {
    return this.#bytes.length * 8 - this.#at;
  }
}

/** Canonical codes, RFC 1951 §3.2.2: a map from length and code to the symbol. */
function codeBook(lengths) {
  const book = new Map();
  let code = 0;
  for (let length = 1; length <= 15; length++, code <<= 1) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] === length) book.set((length << 16) | code++, symbol);
    }
  }
  return book;
}

function symbol(bits, book) {
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    code = (code << 1) | bits.read(1);
    const found = book.get((length << 16) | code);
    if (found !== undefined) return found;
  }
  throw new Error('not a deflate stream');
}

const FIXED = [
  codeBook(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
  codeBook(new Array(30).fill(5)),
];

function dynamicBooks(bits) {
  const literals = bits.read(5) + 257;
  const distances = bits.read(5) + 1;
  const sizes = new Array(19).fill(0);
  for (let i = 0, count = bits.read(4) + 4; i < count; i++) sizes[LENGTH_ORDER[i]] = bits.read(3);
  const book = codeBook(sizes);
  const lengths = [];
  while (lengths.length < literals + distances) {
    const code = symbol(bits, book);
    if (code < 16) lengths.push(code);
    else if (code === 16) lengths.push(...new Array(3 + bits.read(2)).fill(lengths.at(-1)));
    else lengths.push(...new Array(code === 17 ? 3 + bits.read(3) : 11 + bits.read(7)).fill(0));
  }
  return [codeBook(lengths.slice(0, literals)), codeBook(lengths.slice(literals))];
}

function largestInBlock(bits, [literals, distances]) {
  let largest = 0;
  for (;;) {
    const code = symbol(bits, literals);
    if (code === 256) return largest;
    if (code < 256) continue;
    const length = LENGTH_BASE[code - 257] + bits.read(lengthExtra(code - 257));
    const slot = symbol(bits, distances);
    if (length < 3) throw new Error('not a deflate stream');
    largest = Math.max(largest, distanceBase(slot) + bits.read(distanceExtra(slot)));
  }
}

/** The largest distance in a message as it is sent, i.e. without the trailing 00 00 ff ff. */
export function largestDistance(payload) {
  const bits = new Bits(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]));
  let largest = 0;
  while (bits.left >= 10) {
    bits.read(1);
    const type = bits.read(2);
    if (type === 0) bits.skipStored();
    else largest = Math.max(largest, largestInBlock(bits, type === 1 ? FIXED : dynamicBooks(bits)));
  }
  return largest;
}
