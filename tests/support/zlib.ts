/** What the tests of compression share: a pool of their own, and a peer with one zlib stream. */

import { createInflateRaw, type DeflateRaw, deflateRawSync, type InflateRaw } from 'node:zlib';
import { ZlibPool } from '../../src/permessage-deflate/zlib-pool.js';
import { TAIL } from './deflate.js';

/** A pool whose budget for inline work is never reset. */
export function newPool(): ZlibPool {
  return new ZlibPool({
    onNextTick: (callback) => process.nextTick(callback),
    onNextTurn: () => {},
    bind: (callback) => callback,
  });
}

/** What a call gives, at once or later. */
export function outcome<T>(call: (done: (given: T) => void) => T | undefined): Promise<T> {
  return new Promise((resolve) => {
    const given = call(resolve);
    if (given !== undefined) resolve(given);
  });
}

/** A message as a peer compresses it. */
export function compressed(message: Buffer | string, dictionary?: Buffer): Buffer {
  const options = { finishFlush: 2, ...(dictionary && { dictionary }) }; // Z_SYNC_FLUSH
  return deflateRawSync(message, options).subarray(0, -TAIL.length);
}

/** A peer that keeps one zlib stream, as RFC 7692 §7.2.2 describes it. */
export class InflatingPeer {
  readonly #stream: InflateRaw;

  constructor(windowBits = 15) {
    this.#stream = createInflateRaw({ windowBits });
  }

  inflate(payload: Buffer): Promise<Buffer> {
    const stream = this.#stream as InflateRaw & DeflateRaw;
    const chunks: Buffer[] = [];
    const collect = (chunk: Buffer): unknown => chunks.push(chunk);
    stream.on('data', collect);
    return new Promise((resolve, reject) => {
      stream.once('error', reject);
      stream.write(Buffer.concat([payload, TAIL]), () => {
        stream.removeListener('data', collect);
        stream.removeListener('error', reject);
        resolve(Buffer.concat(chunks));
      });
    });
  }
}

/** A short message, unlike the others in a few characters. */
export const chat = (i: number): Buffer =>
  Buffer.from(JSON.stringify({ id: i, name: 'somebody', text: `message number ${i * 7919}` }));
