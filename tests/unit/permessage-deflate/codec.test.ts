/** RFC 7692 §7.2: what the codec makes of messages, seen from a peer with a zlib stream of its own. */

import {
  constants,
  createInflateRaw,
  type DeflateRaw,
  deflateRawSync,
  type InflateRaw,
} from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { zlibPool } from '../../../src/connection/zlib.js';
import WebSocket from '../../../src/index.js';
import { type CodecOptions, PerMessageDeflate } from '../../../src/permessage-deflate/codec.js';
import type { AgreedParameters } from '../../../src/permessage-deflate/parameters.js';
import { ProtocolError } from '../../../src/protocol/errors.js';
import { SeededRandom } from '../../support/random.js';

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const KIB = 1024;

function codec(
  agreed: Partial<AgreedParameters> = {},
  options: CodecOptions = {},
): PerMessageDeflate {
  const all = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
    ...agreed,
  };
  const response = { name: 'permessage-deflate', parameters: [] };
  return new PerMessageDeflate('server', { agreed: all, response }, options, zlibPool);
}

/** What a call gives, at once or later. */
function outcome<T>(call: (done: (given: T) => void) => T | undefined): Promise<T> {
  return new Promise((resolve) => {
    const given = call(resolve);
    if (given !== undefined) resolve(given);
  });
}

const encode = (of: PerMessageDeflate, payload: Buffer, opens = true, fin = true) =>
  outcome<Buffer | Error>((done) => of.encode(payload, opens, fin, done));
const decode = (of: PerMessageDeflate, hex: string | Buffer, limit = 0) =>
  outcome((done) =>
    of.decode(typeof hex === 'string' ? Buffer.from(hex, 'hex') : hex, limit, done),
  );

/** A peer that keeps one zlib stream, as RFC 7692 §7.2.2 describes it. */
class Peer {
  readonly #stream: InflateRaw;

  constructor(windowBits = 15) {
    this.#stream = createInflateRaw({ windowBits });
  }

  inflate(payload: Buffer): Promise<Buffer> {
    const stream = this.#stream as InflateRaw & DeflateRaw;
    const chunks: Buffer[] = [];
    const gather = (chunk: Buffer): unknown => chunks.push(chunk);
    stream.on('data', gather);
    return new Promise((resolve, reject) => {
      stream.once('error', reject);
      stream.write(Buffer.concat([payload, TAIL]), () => {
        stream.removeListener('data', gather);
        stream.removeListener('error', reject);
        resolve(Buffer.concat(chunks));
      });
    });
  }
}

const chat = (i: number): Buffer =>
  Buffer.from(JSON.stringify({ id: i, name: 'somebody', text: `message number ${i * 7919}` }));

describe('what is sent', () => {
  test.each([9, 10, 12, 15])('a peer with a window of %i bits reads it', async (bits) => {
    const ours = codec({ serverMaxWindowBits: bits });
    const peer = new Peer(bits);
    const random = new SeededRandom(bits);
    for (let i = 0; i < 60; i++) {
      const size = i % 12 === 0 ? 40 * KIB : random.integer(0, 3000);
      const message = i % 2 === 0 ? chat(i) : Buffer.alloc(size, chat(i));
      const encoded = await encode(ours, message);
      expect(encoded).not.toBe(message);
      expect((await peer.inflate(encoded as Buffer)).equals(message)).toBe(true);
    }
  });

  test('refers to what was sent before, where that was agreed on', async () => {
    const [taking, fresh] = [codec(), codec({ serverNoContextTakeover: true })];
    for (const one of [taking, fresh]) await encode(one, chat(1));
    const after = (await encode(taking, chat(2))) as Buffer;
    const alone = (await encode(fresh, chat(2))) as Buffer;
    expect(after.length).toBeLessThan(alone.length / 2);
  });

  test('fragments are a message when they are put together', async () => {
    const ours = codec();
    const parts = [chat(1), Buffer.alloc(0), chat(2)];
    const encoded: Buffer[] = [];
    for (const [i, part] of parts.entries()) {
      encoded.push((await encode(ours, part, i === 0, i === 2)) as Buffer);
    }
    expect(await new Peer().inflate(Buffer.concat(encoded))).toEqual(Buffer.concat(parts));
  });

  test('a message of 1 KiB or more that gets no smaller goes as it is', async () => {
    const ours = codec();
    for (const size of [KIB, 40 * KIB]) {
      const noise = new SeededRandom(size).bytes(size);
      expect(await encode(ours, noise)).toBe(noise);
      const twice = await encode(ours, Buffer.concat([chat(1), chat(1)]));
      expect(await new Peer().inflate(twice as Buffer)).toEqual(Buffer.concat([chat(1), chat(1)]));
    }
  });

  test('a buffer that is filled again while it is compressed spoils no later message', async () => {
    const ours = codec();
    const peer = new Peer();
    const buffer = Buffer.alloc(53 * KIB, chat(1));
    const first = encode(ours, buffer);
    buffer.fill('q');
    await peer.inflate((await first) as Buffer); // torn, as the program wanted it
    for (const text of ['q'.repeat(3000), 'message number', 'q'.repeat(100)]) {
      const encoded = await encode(ours, Buffer.from(text));
      expect(String(await peer.inflate(encoded as Buffer))).toBe(text);
    }
  });

  test.each<[string, CodecOptions['zlibDeflateOptions']]>([
    ['flush', { flush: constants.Z_FINISH, finishFlush: constants.Z_FINISH }],
    ['maxOutputLength', { maxOutputLength: 1 }],
    ['windowBits', { windowBits: 15 }],
    ['dictionary', { dictionary: Buffer.from('somebody') }],
    ['info', { info: true }],
    ['a frozen object', Object.freeze({ level: 9, memLevel: 1 })],
  ])("zlib's %s may be given, and does no harm", async (_name, zlibDeflateOptions) => {
    const ours = codec({ serverMaxWindowBits: 9 }, { zlibDeflateOptions });
    const peer = new Peer(9);
    for (const message of [chat(1), chat(2), Buffer.alloc(50 * KIB, chat(3)), chat(4)]) {
      const encoded = await encode(ours, message);
      expect((await peer.inflate(encoded as Buffer)).equals(message)).toBe(true);
    }
  });

  test('what zlib does not take is an error, not an exception', async () => {
    const ours = codec({}, { zlibDeflateOptions: { level: 99 } });
    for (const size of [10, 50 * KIB]) {
      expect(await encode(ours, Buffer.alloc(size))).toMatchObject({ name: 'RangeError' });
    }
  });
});

describe('what is received', () => {
  test.each<[what: string, hex: string, message: string]>([
    ['a last block behind which nothing comes', 'f348cdc9c90700', 'Hello'],
    ['a last block that is the empty one, its end cut off', '01', ''],
    ['the same behind data', 'f248cdc9c907000000ffff01', 'Hello'],
    ['two streams', 'f348cdc9c90700f348cdc9c9070000', 'HelloHello'],
  ])('RFC 7692 §7.2.1: %s', async (_what, hex, message) => {
    expect(String(await decode(codec(), hex))).toBe(message);
  });

  test('what is in the thread pool and ends the stream refers to what came before it', async () => {
    const ours = codec();
    await decode(
      ours,
      deflateRawSync(chat(1), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4),
    );
    const first = deflateRawSync(chat(2), { dictionary: chat(1) });
    const second = deflateRawSync(chat(3), { dictionary: Buffer.concat([chat(1), chat(2)]) });
    const message = await decode(ours, Buffer.concat([first, second, Buffer.from([0])]));
    expect(String(message)).toBe(`${chat(2)}${chat(3)}`);
  });

  test('more streams in a message than anybody makes are refused', async () => {
    const streams = (count: number) =>
      Buffer.concat([...Array(count).fill(Buffer.from([3, 0])), Buffer.from([0])]);
    expect(await decode(codec(), streams(14))).toEqual(Buffer.alloc(0));
    expect(await decode(codec(), streams(16))).toMatchObject({ closeCode: 1007 });
  });

  test.each([10, 300 * KIB])('a limit of %i bytes is exact', async (limit) => {
    for (const [size, passes] of [
      [limit, true],
      [limit + 1, false],
    ] as const) {
      const payload = deflateRawSync(Buffer.alloc(size), { finishFlush: constants.Z_SYNC_FLUSH });
      const message = await decode(codec(), payload.subarray(0, -4), limit);
      if (passes) expect(message).toHaveLength(size);
      else expect(message).toMatchObject({ code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' });
    }
  });

  test('what is no DEFLATE is a violation, with the words of zlib', async () => {
    const error = await decode(codec(), '06');
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({
      code: 'Z_DATA_ERROR',
      closeCode: 1007,
      message: 'Invalid compressed message: invalid block type',
    });
  });

  test('options of the application that zlib does not take: we cannot decode', async () => {
    const ours = codec({}, { zlibInflateOptions: { chunkSize: 1, strategy: 99 } });
    expect(await decode(ours, 'f248cdc9c90700')).toMatchObject({ closeCode: 1011 });
  });
});

describe('perMessageDeflate', () => {
  test.each([7, 16, 20, 10.5, Number.NaN, '10'])('takes no window of %p bits', (bits) => {
    for (const name of ['serverMaxWindowBits', 'clientMaxWindowBits']) {
      const perMessageDeflate = { [name]: bits };
      expect(() => new WebSocket.Server({ noServer: true, perMessageDeflate })).toThrow(RangeError);
      expect(() => new WebSocket('ws://localhost', { perMessageDeflate })).toThrow(RangeError);
    }
  });
});
