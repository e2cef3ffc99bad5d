/** RFC 7692 §7.1: which of the agreed parameters hold for what an end sends and receives. */

import { describe, expect, test } from '@jest/globals';
import { type CodecOptions, PerMessageDeflate } from '../../../src/permessage-deflate/codec.js';
import type { AgreedParameters } from '../../../src/permessage-deflate/parameters.js';
import type { Role } from '../../../src/protocol/receiver.js';
import { chat, compressed, newPool, outcome } from '../../support/zlib.js';

const response = { name: 'permessage-deflate', parameters: [] };

function codec(
  role: Role,
  agreed: Partial<AgreedParameters> = {},
  options: CodecOptions = {},
  pool = newPool(),
): PerMessageDeflate {
  const all = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
    ...agreed,
  };
  return new PerMessageDeflate(role, { agreed: all, response }, options, pool);
}

const encode = (of: PerMessageDeflate, payload: Buffer) =>
  outcome<Buffer | Error>((done) => of.encode(payload, true, true, done));
const decode = (of: PerMessageDeflate, payload: Buffer, limit = 0) =>
  outcome((done) => of.decode(payload, limit, done));

test('RFC 7692 §6, §7: it has a name, owns RSV1 and has the response of the server', () => {
  const { name, reserved, response: given } = codec('server');
  expect([name, reserved, given]).toEqual(['permessage-deflate', 4, response]);
});

describe.each([
  ['server', 'client'],
  ['client', 'server'],
] as const)('a %s and a %s', (role, peer) => {
  const ours = { [`${role}NoContextTakeover`]: true, [`${role}MaxWindowBits`]: 9 };
  const theirs = { [`${peer}NoContextTakeover`]: true, [`${peer}MaxWindowBits`]: 9 };

  test('understand each other', async () => {
    for (const agreed of [{}, ours, theirs, { ...ours, ...theirs }]) {
      const [one, other] = [codec(role, agreed), codec(peer, agreed)];
      for (const message of [chat(1), chat(2), Buffer.alloc(50_000, chat(3)), chat(4)]) {
        const payload = await encode(one, message);
        expect(await decode(other, payload as Buffer)).toEqual(message);
      }
    }
  });

  test('compress without context what the first one sends, if that was agreed', async () => {
    const sizes = [];
    for (const agreed of [ours, theirs]) {
      const one = codec(role, agreed, { threshold: 0 });
      await encode(one, chat(1));
      sizes.push(((await encode(one, chat(2))) as Buffer).length);
    }
    const [alone = 0, referring = 0] = sizes;
    expect(referring).toBeLessThan(alone / 2);
  });

  test('read without context what the second one sends, if that was agreed', async () => {
    const results = [];
    for (const agreed of [ours, theirs]) {
      const one = codec(role, agreed);
      await decode(one, compressed('Hello'));
      results.push(await decode(one, Buffer.from('f200110000', 'hex')));
    }
    expect(results).toMatchObject([Buffer.from('Hello'), { closeCode: 1007 }]);
  });

  test('have the window that was agreed for each of them', () => {
    expect(codec(role, { [`${role}MaxWindowBits`]: 9 }).parameters).toMatch(/^9 /);
    expect(codec(role, { [`${peer}MaxWindowBits`]: 9 }).parameters).toMatch(/^15 /);
  });

  test.each([
    [{}, {}, 0],
    [{}, { threshold: 2000 }, 0],
    [ours, {}, 1024],
    [ours, { threshold: 2000 }, 2000],
    [theirs, { threshold: 2000 }, 0],
  ])('with %j and %j the first compresses from %i bytes on', (agreed, options, threshold) => {
    const one = codec(role, agreed, options);
    expect([one.wants(threshold - 1), one.wants(threshold)]).toEqual([false, true]);
  });
});

test('options of zlib are passed on', async () => {
  const invalid = codec('server', {}, { zlibDeflateOptions: { level: 99 } });
  expect(await encode(invalid, chat(1))).toMatchObject({ name: 'RangeError' });
  const other = codec('server', {}, { zlibInflateOptions: { strategy: 99 } });
  expect(await decode(other, compressed(chat(1)))).toMatchObject({ closeCode: 1011 });
});

test('a limit holds for the inflated message', async () => {
  expect(await decode(codec('server'), compressed('Hello'), 4)).toMatchObject({ closeCode: 1009 });
});

test('a message that was encoded alone refers to no other one, and is in the window', async () => {
  const one = codec('server');
  await encode(one, chat(1));
  const alone = one.encodeAlone(chat(2));
  expect(await decode(codec('client'), alone)).toEqual(chat(2));
  one.noteEncoded(chat(2));
  const next = (await encode(one, chat(2))) as Buffer;
  expect(next.length).toBeLessThan(10);
});

test('a closed connection starts no job', async () => {
  const pool = newPool();
  pool.spend(2 ** 30);
  const held: (() => void)[] = [];
  for (let i = 0; i < 4; i++) pool.run((finished) => held.push(finished));
  const one = codec('server', {}, {}, pool);
  const results = Promise.all([encode(one, Buffer.alloc(40_000)), decode(one, compressed('x'))]);
  one.dropEncoding();
  one.dropDecoding();
  for (const release of held) release();
  const closed = { message: expect.stringContaining('the connection is closed') };
  expect(await results).toMatchObject([closed, closed]);
});
