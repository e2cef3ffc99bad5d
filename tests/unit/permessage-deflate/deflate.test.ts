/** RFC 7692 §7.2.1: what is sent, read by a peer with a zlib stream of its own. */

import { constants, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { Deflater } from '../../../src/permessage-deflate/deflate.js';
import { TAIL } from '../../support/deflate.js';
import { SeededRandom } from '../../support/random.js';
import { chat, InflatingPeer, newPool, outcome } from '../../support/zlib.js';

const KIB = 1024;

interface Settings {
  windowBits?: number;
  takesOver?: boolean;
  options?: ZlibOptions;
}

const deflater = ({ windowBits = 15, takesOver = true, options }: Settings = {}): Deflater =>
  new Deflater(windowBits, takesOver, options, newPool());

const deflate = (of: Deflater, payload: Buffer, isFirst = true, fin = true) =>
  outcome<Buffer | Error>((done) => of.deflate(payload, isFirst, fin, done));

async function deflated(of: Deflater, payload: Buffer, isFirst = true, fin = true) {
  const result = await deflate(of, payload, isFirst, fin);
  if (result instanceof Error) throw result;
  return result;
}

/** Reads one message that refers to no other one. */
const inflated = (payload: Buffer): Buffer =>
  inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH });

describe('what is sent', () => {
  test.each([9, 10, 12, 15])('is read by a peer with a window of %i bits', async (windowBits) => {
    const ours = deflater({ windowBits });
    const peer = new InflatingPeer(windowBits);
    const random = new SeededRandom(windowBits);
    for (let i = 0; i < 60; i++) {
      const size = i % 12 === 0 ? 40 * KIB : random.integer(0, 3000);
      const message = i % 2 === 0 ? chat(i) : Buffer.alloc(size, chat(i));
      const result = await deflated(ours, message);
      expect(result).not.toBe(message);
      expect((await peer.inflate(result)).equals(message)).toBe(true);
    }
  });

  test('a window of 8 bits is kept, too: no match is longer ago than 256 bytes', async () => {
    const ours = deflater({ windowBits: 8 });
    const noise = new SeededRandom(8).bytes(300);
    await deflated(ours, noise);
    const near = await deflated(ours, noise.subarray(200));
    const far = await deflated(ours, noise.subarray(0, 100));
    expect([near.length < 50, far.length > 90]).toEqual([true, true]);
  });

  test('RFC 7692 §7.2.1: the last flush is removed from the last frame only', async () => {
    const ours = deflater();
    const part = await deflated(ours, chat(1), true, false);
    expect(part.subarray(-4)).toEqual(TAIL);
    expect((await deflated(ours, chat(1), false, true)).subarray(-4)).not.toEqual(TAIL);
  });

  test('refers to what was sent before only if the context is taken over', async () => {
    const [taking, fresh] = [deflater(), deflater({ takesOver: false })];
    for (const one of [taking, fresh]) await deflated(one, chat(1));
    const after = await deflated(taking, chat(2));
    const alone = await deflated(fresh, chat(2));
    expect(after.length).toBeLessThan(alone.length / 2);
    expect(inflated(alone)).toEqual(chat(2));
  });

  test('refers to the last 4 KiB; a message above 8 KiB to itself only', async () => {
    const ours = deflater();
    const noise = new SeededRandom(4).bytes(8 * KIB + 1);
    await deflated(ours, Buffer.concat([noise.subarray(0, 4 * KIB), Buffer.alloc(100)]));
    expect((await deflated(ours, noise.subarray(1000, 2000))).length).toBeLessThan(100);
    const long = await deflated(ours, Buffer.concat([noise, Buffer.alloc(1000)]));
    expect(inflated(long)).toEqual(Buffer.concat([noise, Buffer.alloc(1000)]));
  });

  test('fragments are a message when they are put together', async () => {
    const ours = deflater();
    const parts = [chat(1), Buffer.alloc(0), Buffer.alloc(40 * KIB, chat(3)), chat(2)];
    const payloads: Buffer[] = [];
    for (const [i, part] of parts.entries()) {
      payloads.push(await deflated(ours, part, i === 0, i === parts.length - 1));
    }
    const message = await new InflatingPeer().inflate(Buffer.concat(payloads));
    expect(message.equals(Buffer.concat(parts))).toBe(true);
  });

  test('RFC 7692 §6: a message of 1 KiB or more that gets no smaller stays as it is', async () => {
    const ours = deflater();
    const peer = new InflatingPeer();
    for (const size of [KIB, 40 * KIB]) {
      const noise = new SeededRandom(size).bytes(size);
      expect(await deflated(ours, noise)).toBe(noise);
      const next = await deflated(ours, chat(1));
      expect(await peer.inflate(next)).toEqual(chat(1));
    }
    const small = new SeededRandom(1).bytes(KIB - 1);
    expect(inflated(await deflated(deflater(), small))).toEqual(small);
  });

  test('a fragment that gets no smaller is compressed all the same', async () => {
    for (const size of [KIB, 40 * KIB]) {
      const noise = new SeededRandom(size).bytes(size);
      const part = await deflated(deflater(), noise, true, false);
      expect(part).not.toBe(noise);
    }
  });

  test('a buffer that is filled again while it is compressed spoils no later message', async () => {
    const ours = deflater();
    const peer = new InflatingPeer();
    const buffer = Buffer.alloc(53 * KIB, chat(1));
    const first = deflated(ours, buffer);
    buffer.fill('q');
    await peer.inflate(await first); // mixed, as the program wanted it
    for (const text of ['q'.repeat(3000), 'message number', 'q'.repeat(100)]) {
      const result = await deflated(ours, Buffer.from(text));
      expect(String(await peer.inflate(result))).toBe(text);
    }
  });

  test('large messages without context takeover refer to themselves only', async () => {
    const ours = deflater({ takesOver: false });
    const large = Buffer.alloc(40 * KIB, chat(1));
    for (let i = 0; i < 2; i++) expect(inflated(await deflated(ours, large))).toEqual(large);
  });
});

describe('options of zlib', () => {
  test.each<[string, ZlibOptions]>([
    ['flush', { flush: constants.Z_FINISH, finishFlush: constants.Z_FINISH }],
    ['maxOutputLength', { maxOutputLength: 1 }],
    ['windowBits', { windowBits: 15 }],
    ['dictionary', { dictionary: Buffer.from('somebody') }],
    ['info', { info: true }],
    ['a frozen object', Object.freeze({ level: 9, memLevel: 1 })],
  ])('%s may be given, and does no harm', async (_name, options) => {
    const ours = deflater({ windowBits: 9, options });
    const peer = new InflatingPeer(9);
    for (const message of [chat(1), chat(2), Buffer.alloc(50 * KIB, chat(3)), chat(4)]) {
      const result = await deflated(ours, message);
      expect((await peer.inflate(result)).equals(message)).toBe(true);
    }
  });

  test.each([10, 50 * KIB])('that zlib rejects are an error, with %i bytes', async (size) => {
    const ours = deflater({ options: { level: 99 } });
    expect(await deflate(ours, Buffer.alloc(size))).toMatchObject({ name: 'RangeError' });
  });

  test('decide whether two deflaters compress alike', () => {
    const parameters = (settings: Settings): string => deflater(settings).parameters;
    expect(parameters({})).toBe(parameters({ takesOver: false, options: { level: 3 } }));
    expect(parameters({ windowBits: 8 })).toBe(parameters({ windowBits: 9 }));
    const others = [{ level: 1 }, { memLevel: 1 }, { strategy: constants.Z_HUFFMAN_ONLY }];
    const all = [{}, { windowBits: 10 }, ...others.map((options) => ({ options }))].map(parameters);
    expect(new Set(all).size).toBe(5);
  });
});

describe('a message that is compressed once for many', () => {
  test('refers to no other one', async () => {
    const ours = deflater();
    await deflated(ours, chat(1));
    expect(inflated(ours.deflateAlone(chat(1)))).toEqual(chat(1));
  });

  test('stays as it is if it gets no smaller', () => {
    const noise = new SeededRandom(2).bytes(2 * KIB);
    expect(deflater().deflateAlone(noise)).toBe(noise);
  });

  test('is kept for later messages only if others are', async () => {
    const [used, unused, fresh] = [deflater(), deflater(), deflater({ takesOver: false })];
    await deflated(used, chat(9));
    for (const one of [used, unused, fresh]) one.note(chat(1));
    const sizes = [];
    for (const one of [used, unused, fresh]) sizes.push((await deflated(one, chat(1))).length);
    const [referring = 0, alone = 0, always = 0] = sizes;
    expect([referring < 10, alone, always > 50]).toEqual([true, always, true]);
  });
});

test('a job that waits when the connection closes is not started', async () => {
  const pool = newPool();
  const ours = new Deflater(15, true, undefined, pool);
  let release = (): void => {};
  for (let i = 0; i < 4; i++) {
    pool.run((finished) => {
      release = finished;
    });
  }
  const result = deflate(ours, Buffer.alloc(40 * KIB));
  ours.drop();
  release();
  expect(await result).toMatchObject({ message: 'the connection is closed' });
});
