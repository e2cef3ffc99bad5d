/** A small seeded generator, so that every random test can be run again as it was. */
export class SeededRandom {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 (included) to 1 (excluded). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(from: readonly T[]): T {
    const index = this.integer(0, from.length - 1);
    if (index >= from.length) throw new RangeError('nothing to pick from');
    return from[index] as T; // index was just compared with the length
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = this.integer(0, 255);
    return bytes;
  }
}

/** The same bytes in chunks of one byte each. Every chunk is a copy: receivers unmask in place. */
export function byteByByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}

/** The same bytes cut at random places, in chunks of 1 to `longest` bytes; every chunk a copy. */
export function randomCuts(bytes: Buffer, random: SeededRandom, longest = 32): Buffer[] {
  const chunks: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const end = Math.min(bytes.length, offset + random.integer(1, longest));
    chunks.push(Buffer.from(bytes.subarray(offset, end)));
    offset = end;
  }
  return chunks;
}
