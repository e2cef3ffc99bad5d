/**
 * RFC 7692 §7.2 with node:zlib: how a peer compresses, and how it reads what the product compressed.
 * Nothing here comes from `src`.
 */
import { constants, createDeflateRaw, type DeflateRaw, inflateRawSync } from 'node:zlib';

/** What was agreed for the messages of one side. */
export interface Direction {
  windowBits: number;
  takeover: boolean;
}

/** RFC 7692 §7.2.1: what a compressed message ends in before it is sent. */
export const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/** RFC 7692 §7.2.3.6: an empty message, compressed. */
const EMPTY = Buffer.from([0]);

/** An empty last block: with it a whole stream differs from one that was cut short. */
const LAST_BLOCK = Buffer.from([3, 0]);

/** Compresses the messages of a peer with one zlib stream, as the direction says. */
export class Compressor {
  readonly #direction: Direction;
  readonly #stream: DeflateRaw;
  #chunks: Buffer[] = [];

  constructor(direction: Direction, level = constants.Z_DEFAULT_COMPRESSION) {
    this.#direction = direction;
    this.#stream = createDeflateRaw({ windowBits: direction.windowBits, level });
    this.#stream.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  /** One message after the other: the next when this one is done. */
  async message(payload: Buffer): Promise<Buffer> {
    if (payload.length === 0) return EMPTY;
    this.#chunks = [];
    this.#stream.write(payload);
    await new Promise<void>((done) => this.#stream.flush(constants.Z_SYNC_FLUSH, done));
    if (!this.#direction.takeover) this.#stream.reset();
    return Buffer.concat(this.#chunks).subarray(0, -TAIL.length);
  }

  close(): void {
    this.#stream.close();
  }
}

/** What zlib gives when it is asked for its engine too; the types do not know that. */
interface Inflated {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

/**
 * Reads compressed messages with exactly the agreed window. What is cut short, goes on behind its
 * end, or looks further back than the window (to 64 bytes) throws.
 */
export class Decompressor {
  readonly #direction: Direction;
  #history = Buffer.alloc(0);

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  message(payload: Buffer): Buffer {
    const { windowBits, takeover } = this.#direction;
    const bytes = Buffer.concat([payload, TAIL, LAST_BLOCK]);
    // zlib does not hold a distance inside one chunk of its output against the window.
    const chunkSize = windowBits < 15 ? 64 : 16_384;
    const dictionary = this.#history.length > 0 ? this.#history : undefined;
    const options = { windowBits, chunkSize, ...(dictionary && { dictionary }), info: true };
    const { buffer, engine } = inflateRawSync(bytes, options) as unknown as Inflated;
    if (engine.bytesWritten !== bytes.length) throw new Error('bytes behind the end');
    if (takeover) {
      this.#history = Buffer.concat([this.#history, buffer]).subarray(-(2 ** windowBits));
    }
    return buffer;
  }
}

/** RFC 1951 §3.2.5: where the distances of each code begin. */
const DISTANCES = [
  ...[1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537],
  ...[2049, 3073, 4097, 6145, 8193, 12_289, 16_385, 24_577],
];

/** A compressed message by hand: the 258 bytes that stand `distance` bytes back. */
export function copyFrom(distance: number): Buffer {
  const code = DISTANCES.filter((base) => base <= distance).length - 1;
  const extra = distance - (DISTANCES[code] ?? 0);
  const bits = (value: number, count: number): string =>
    count === 0 ? '' : value.toString(2).padStart(count, '0');
  const backwards = (text: string): string => [...text].reverse().join('');
  const stream = [
    '010', // RFC 1951 §3.2.3: not the last block, fixed codes
    bits(0xc5, 8), // length 258
    bits(code, 5),
    backwards(bits(extra, Math.max(0, (code >> 1) - 1))),
    '0000000', // end of block
    '000', // the empty stored block whose rest is the tail
  ].join('');
  const padded = stream.padEnd(Math.ceil(stream.length / 8) * 8, '0');
  const bytes = padded.match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(backwards(byte), 2)));
}
