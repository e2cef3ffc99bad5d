/** Messages of decoded frames: fragments, compression, and what is wrong with them. */

import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import {
  type DecodeOptions,
  decodeFrames,
  FrameDecoder,
} from '../../../src/sans-io/decode-frames.js';
import { Compressor } from '../../support/deflate.js';
import { type FrameOptions, frame } from '../../support/frames.js';

const RSV1 = 4;

/** Each frame in short: its message and its violation. */
function read(frames: readonly FrameOptions[], options?: DecodeOptions): string[] {
  const bytes = Buffer.concat(frames.map((one) => frame(one)));
  return decodeFrames(bytes, options).frames.map(({ message, violation }) =>
    violation === undefined ? String(message ?? '-') : `${message ?? '-'} ${violation.code}`,
  );
}

describe('fragments', () => {
  test('control frames between them belong to no message', () => {
    const frames = [
      { fin: false, payload: 'a' },
      { opcode: 9, payload: 'x' },
      { opcode: 0, fin: false, payload: 'b' },
      { opcode: 10 },
      { opcode: 0, payload: 'c' },
    ];
    expect(read(frames)).toEqual(['-', '-', '-', '-', 'abc']);
  });

  test('of a message that is too long are not kept', () => {
    const decoder = new FrameDecoder({ maxPayload: 1000 });
    decoder.push(frame({ fin: false, payload: 'a'.repeat(999) }));
    const fragment = frame({ opcode: 0, fin: false, payload: 'aa' });
    const codes = [1, 2, 3].map(() => decoder.push(fragment)[0]?.violation?.code);
    const last = decoder.push(frame({ opcode: 0, payload: 'a' }))[0];
    expect(codes).toEqual(Array(3).fill('WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'));
    expect([last?.violation?.code, last?.message]).toEqual([codes[0], undefined]);
    expect(decoder.push(frame({ payload: 'next' }))[0]?.message).toBe('next');
  });

  test('a continuation of nothing makes no message', () => {
    expect(read([{ opcode: 0, payload: 'a' }, { payload: 'b' }])).toEqual([
      '- WS_ERR_INVALID_OPCODE',
      'b',
    ]);
  });

  test('a whole message inside of another one is read beside it', () => {
    const frames = [{ fin: false, payload: 'a' }, { payload: 'x' }, { opcode: 0, payload: 'b' }];
    expect(read(frames)).toEqual(['-', 'x WS_ERR_INVALID_OPCODE', 'ab']);
  });

  test('a beginning inside of a message replaces it', () => {
    const frames = [
      { fin: false, payload: 'a' },
      { fin: false, payload: 'x' },
      { opcode: 0, payload: 'y' },
    ];
    expect(read(frames)).toEqual(['-', '- WS_ERR_INVALID_OPCODE', 'xy']);
  });

  test('a frame with a reserved opcode leaves the message as it is', () => {
    const frames = [
      { fin: false, payload: 'a' },
      { opcode: 4, payload: 'x' },
      { opcode: 0, payload: 'b' },
    ];
    expect(read(frames)).toEqual(['-', '- WS_ERR_INVALID_OPCODE', 'ab']);
  });

  test('a character may be cut by the end of a fragment', () => {
    const [first = 0, ...others] = Buffer.from('é');
    const frames = [
      { fin: false, payload: Buffer.from([first]) },
      { opcode: 0, payload: Buffer.from(others) },
    ];
    expect(read(frames)).toEqual(['-', 'é']);
  });

  test('text that is not UTF-8 is a violation, and shown as bytes', () => {
    const payload = Buffer.from('c328', 'hex');
    const [one] = decodeFrames(frame({ payload })).frames;
    expect(one).toMatchObject({ message: payload, violation: { code: 'WS_ERR_INVALID_UTF8' } });
    expect(read([{ opcode: 2, payload: 'bytes' }])).toEqual(['bytes']);
  });
});

describe('compression', () => {
  const compress = (text: string | Buffer) =>
    deflateRawSync(text, { finishFlush: 2 }).subarray(0, -4);

  test.each([true, false])('several messages, with takeover: %s', async (takeover) => {
    const compressor = new Compressor({ windowBits: 15, takeover });
    const texts = ['Hello, hello', 'hello again', '', 'hello '.repeat(20_000)];
    const frames: FrameOptions[] = [];
    for (const text of texts) {
      frames.push({ rsv: RSV1, payload: await compressor.message(Buffer.from(text)) });
    }
    compressor.close();
    expect(read(frames)).toEqual(texts);
  });

  test('RSV1 in the first frame is for the whole message', () => {
    const payload = compress('Hello, hello');
    const frames = [
      { rsv: RSV1, fin: false, payload: payload.subarray(0, 3) },
      { opcode: 0, payload: payload.subarray(3) },
    ];
    expect(read(frames)).toEqual(['-', 'Hello, hello']);
  });

  test('without the extension a message with RSV1 is not inflated', () => {
    const frames = [{ opcode: 2, rsv: RSV1, payload: 'as it is' }];
    expect(read(frames, { perMessageDeflate: false })).toEqual([
      'as it is WS_ERR_UNEXPECTED_RSV_1',
    ]);
  });

  test.each([
    ['not DEFLATE', Buffer.from('ffff', 'hex')],
    ['cut off', compress('Hello, this is a text of some length').subarray(0, 12)],
    ['bytes behind the last block', Buffer.concat([deflateRawSync('a'), Buffer.from('ffff')])],
    ['seventeen streams', Buffer.concat(Array.from({ length: 17 }, () => deflateRawSync('a')))],
  ])('%s is a violation', (_what, payload) => {
    expect(read([{ rsv: RSV1, payload }])).toEqual(['- Z_DATA_ERROR']);
  });

  test('several streams are one message', () => {
    const payload = Buffer.concat([deflateRawSync('Hel'), deflateRawSync('lo'), compress('!')]);
    expect(read([{ rsv: RSV1, payload }])).toEqual(['Hello!']);
  });

  test('a message that inflates beyond the limit is a violation', () => {
    const frames = [{ opcode: 2, rsv: RSV1, payload: compress(Buffer.alloc(1000)) }];
    const tooLong = ['- WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'];
    expect(read(frames, { maxPayload: 999 })).toEqual(tooLong);
    expect(read(frames, { maxPayload: 1000 })).toEqual([Buffer.alloc(1000).toString()]);
    expect(read(frames, { maxPayload: 0 })).toEqual([Buffer.alloc(1000).toString()]);
  });

  test('the limit is for all streams of a message together', () => {
    const payload = Buffer.concat([deflateRawSync('a'.repeat(20)), deflateRawSync('b')]);
    const frames = [{ opcode: 2, rsv: RSV1, payload }];
    expect(read(frames, { maxPayload: 21 })).toEqual([`${'a'.repeat(20)}b`]);
    expect(read(frames, { maxPayload: 20 })).toEqual(['- WS_ERR_UNSUPPORTED_MESSAGE_LENGTH']);
  });

  test('a bomb behind another stream stops at the limit', () => {
    const payload = Buffer.concat([deflateRawSync('aaaa'), deflateRawSync(Buffer.alloc(1e8))]);
    const before = process.memoryUsage().arrayBuffers;
    const frames = [{ opcode: 2, rsv: RSV1, payload }];
    expect(read(frames, { maxPayload: 500_000 })).toEqual(['- WS_ERR_UNSUPPORTED_MESSAGE_LENGTH']);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5e7);
  });

  test('by default a message inflates to 100 MiB at most', () => {
    const payload = compress(Buffer.alloc(101 * 1024 * 1024));
    expect(payload.length).toBeLessThan(600_000);
    expect(read([{ opcode: 2, rsv: RSV1, payload }])).toEqual([
      '- WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    ]);
  });
});
