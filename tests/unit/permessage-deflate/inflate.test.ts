/** RFC 7692 §7.2.2: what is received: small messages inline, others in the thread pool. */

import { deflateRawSync, type ZlibOptions } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { Inflater } from '../../../src/permessage-deflate/inflate.js';
import type { ZlibPool } from '../../../src/permessage-deflate/zlib-pool.js';
import { ProtocolError } from '../../../src/protocol/errors.js';
import { chat, compressed, newPool, outcome } from '../../support/zlib.js';

const KIB = 1024;

interface Settings {
  windowBits?: number;
  takesOver?: boolean;
  options?: ZlibOptions;
  pool?: ZlibPool;
}

const inflater = ({
  windowBits = 15,
  takesOver = true,
  options,
  pool = newPool(),
}: Settings = {}): Inflater => new Inflater(windowBits, takesOver, options, pool);

const inflate = (of: Inflater, payload: Buffer | string, limit = 0) =>
  outcome<Buffer | ProtocolError>((done) =>
    of.inflate(typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload, limit, done),
  );

/** A pool that inflates nothing inline. */
function spentPool(): ZlibPool {
  const pool = newPool();
  pool.spend(2 ** 30);
  return pool;
}

const PLACES: [place: string, pool: () => ZlibPool][] = [
  ['inline', newPool],
  ['in the thread pool', spentPool],
];

describe.each(PLACES)('a message that is inflated %s', (_place, pool) => {
  test.each<[what: string, hex: string, message: string]>([
    ['RFC 7692 §7.2.3.1: one block', 'f248cdc9c90700', 'Hello'],
    ['a final block behind which nothing comes', 'f348cdc9c90700', 'Hello'],
    ['a final block and the byte that pads it', 'f348cdc9c9070000', 'Hello'],
    ['a final block that is the empty one, its end removed', '01', ''],
    ['the same behind data', 'f248cdc9c907000000ffff01', 'Hello'],
    ['two streams', 'f348cdc9c90700f348cdc9c9070000', 'HelloHello'],
    ['RFC 7692 §7.2.3.6: an empty message', '00', ''],
  ])('%s', async (_what, hex, message) => {
    for (const takesOver of [true, false]) {
      expect(String(await inflate(inflater({ pool: pool(), takesOver }), hex))).toBe(message);
    }
  });

  test('refers to the messages before it, where the context is taken over', async () => {
    const ours = inflater({ pool: pool() });
    for (const hex of ['f248cdc9c90700', 'f200110000']) {
      expect(String(await inflate(ours, hex))).toBe('Hello');
    }
    const fresh = inflater({ pool: pool(), takesOver: false });
    await inflate(fresh, 'f248cdc9c90700');
    expect(await inflate(fresh, 'f200110000')).toMatchObject({ closeCode: 1007 });
  });

  test('of several streams: each refers to what came before it', async () => {
    const ours = inflater({ pool: pool() });
    await inflate(ours, compressed(chat(1)));
    const first = deflateRawSync(chat(2), { dictionary: chat(1) });
    const second = deflateRawSync(chat(3), { dictionary: Buffer.concat([chat(1), chat(2)]) });
    const message = await inflate(ours, Buffer.concat([first, second, Buffer.from([0])]));
    expect(String(message)).toBe(`${chat(2)}${chat(3)}`);
    const dictionary = Buffer.concat([chat(1), chat(2), chat(3)]);
    expect(String(await inflate(ours, compressed(chat(4), dictionary)))).toBe(String(chat(4)));
  });

  test.each([
    ['no DEFLATE', '06', 'invalid block type'],
    ['a message that is cut', 'f248cd', 'invalid stored block lengths'],
    ['a final block that announces more bytes', '01ffff0000', 'unexpected end of file'],
    ['an empty payload', '', 'invalid stored block lengths'],
    ['a final block that ends in the bytes that are appended', '03', 'unexpected end'],
    ['a match before the first byte', 'f200110000', 'invalid distance too far back'],
  ])('%s is a violation, with the words of zlib', async (_what, hex, reason) => {
    const error = await inflate(inflater({ pool: pool() }), hex);
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code: 'Z_DATA_ERROR', closeCode: 1007, errno: -3 });
    expect(error).toHaveProperty('message', expect.stringContaining(reason));
  });

  test('of more streams than any encoder makes is refused', async () => {
    const streams = (count: number) =>
      Buffer.concat([...Array<Buffer>(count).fill(Buffer.from([3, 0])), Buffer.from([0])]);
    expect(await inflate(inflater({ pool: pool() }), streams(15))).toEqual(Buffer.alloc(0));
    expect(await inflate(inflater({ pool: pool() }), streams(17))).toMatchObject({
      closeCode: 1007,
      message: 'Invalid compressed message: too many streams',
    });
  });

  test.each([1, 10, 300 * KIB])('has exactly the limit of %i bytes', async (limit) => {
    const ours = () => inflater({ pool: pool() });
    expect(await inflate(ours(), compressed(Buffer.alloc(limit)), limit)).toHaveLength(limit);
    expect(await inflate(ours(), compressed(Buffer.alloc(limit + 1)), limit)).toMatchObject({
      code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
      closeCode: 1009,
    });
  });

  test.each([
    [10, true],
    [9, false],
    [5, false],
  ])('of two streams with ten bytes passes a limit of %i: %s', async (limit, passes) => {
    const message = await inflate(
      inflater({ pool: pool() }),
      'f348cdc9c90700f348cdc9c9070000',
      limit,
    );
    if (passes) expect(String(message)).toBe('HelloHello');
    else expect(message).toMatchObject({ closeCode: 1009 });
  });

  test('whose limit is used up by its first stream may have an empty one behind it', async () => {
    const hello = deflateRawSync('Hello');
    const withSecond = (second: string) =>
      Buffer.concat([hello, deflateRawSync(second), Buffer.from([0])]);
    expect(String(await inflate(inflater({ pool: pool() }), withSecond(''), 5))).toBe('Hello');
    const tooLong = await inflate(inflater({ pool: pool() }), withSecond('!'), 5);
    expect(tooLong).toMatchObject({ closeCode: 1009 });
  });

  test('with options that zlib rejects cannot be decoded here', async () => {
    const ours = inflater({ pool: pool(), options: { strategy: 99 } });
    expect(await inflate(ours, 'f248cdc9c90700')).toMatchObject({ closeCode: 1011 });
  });
});

describe('where a message is inflated', () => {
  /** Whether the result is returned at once; when it is there, at any rate. */
  async function isInline(payload: Buffer, pool = newPool()): Promise<boolean> {
    let isLater = false;
    await outcome<Buffer | ProtocolError>((done) => {
      const result = inflater({ pool }).inflate(payload, 0, done);
      isLater = result === undefined;
      return result;
    });
    return !isLater;
  }

  async function areInline(payload: Buffer): Promise<boolean[]> {
    const pool = newPool();
    return Promise.all(Array.from({ length: 40 }, () => isInline(payload, pool)));
  }

  test('inline up to 64 KiB compressed and 256 KiB inflated', async () => {
    expect(await isInline(compressed(Buffer.alloc(262_144)))).toBe(true);
    expect(await isInline(compressed(Buffer.alloc(262_145)))).toBe(false);
    // What breaks a rule is a result like another.
    expect(await isInline(Buffer.alloc(65_536, 0xff))).toBe(true);
    expect(await isInline(Buffer.alloc(65_537, 0xff))).toBe(false);
  });

  test('in the thread pool once the budget of this turn is spent', async () => {
    const results = await areInline(compressed(Buffer.alloc(200_000)));
    expect([results.indexOf(false) > 20, results.at(-1)]).toEqual([true, false]);
  });

  test('a message that breaks a rule spends the budget, too', async () => {
    const results = await areInline(Buffer.from('06', 'hex'));
    expect([results[0], results.at(-1)]).toEqual([true, false]);
  });
});

describe('when the connection closes', () => {
  test('a message that waits is not started', async () => {
    const pool = spentPool();
    let release = (): void => {};
    for (let i = 0; i < 4; i++) {
      pool.run((finished) => {
        release = finished;
      });
    }
    const ours = inflater({ pool });
    const result = inflate(ours, 'f248cdc9c90700');
    ours.drop();
    release();
    expect(await result).toMatchObject({
      message: 'Invalid compressed message: the connection is closed',
    });
  });
});
