/** Frames written field by field, also those that break a rule. */

import { describe, expect, test } from '@jest/globals';
import { Opcode } from '../../../src/protocol/frame.js';
import { encodeFrame, type FrameFields } from '../../../src/sans-io/encode-frame.js';
import { frame, KEY, readFrames } from '../../support/frames.js';

const asHex = (bytes: Buffer): string => bytes.toString('hex').replace(/..(?=.)/g, '$& ');

describe('RFC 6455 §5.7', () => {
  test.each<[string, FrameFields, string]>([
    ['unmasked text', { payload: 'Hello' }, '81 05 48 65 6c 6c 6f'],
    ['masked text', { payload: 'Hello', maskingKey: KEY }, '81 85 37 fa 21 3d 7f 9f 4d 51 58'],
    ['a first fragment', { payload: 'Hel', fin: false }, '01 03 48 65 6c'],
    ['a last fragment', { payload: 'lo', opcode: Opcode.CONTINUATION }, '80 02 6c 6f'],
    ['a Ping', { payload: 'Hello', opcode: Opcode.PING }, '89 05 48 65 6c 6c 6f'],
    [
      'a masked Pong',
      { payload: 'Hello', opcode: Opcode.PONG, maskingKey: KEY },
      '8a 85 37 fa 21 3d 7f 9f 4d 51 58',
    ],
  ])('%s', (_what, fields, bytes) => {
    expect(asHex(encodeFrame(fields))).toBe(bytes);
  });

  test.each([
    [256, '82 7e 01 00'],
    [65_536, '82 7f 00 00 00 00 00 01 00 00'],
  ])('%i bytes of binary data', (size, header) => {
    const bytes = encodeFrame({ payload: Buffer.alloc(size, 0x5a) });
    expect(asHex(bytes.subarray(0, bytes.length - size))).toBe(header);
    expect(bytes.subarray(-size)).toEqual(Buffer.alloc(size, 0x5a));
  });
});

describe('a field', () => {
  test.each<[string, FrameFields, string]>([
    ['no field is empty text', {}, '81 00'],
    ['bytes are binary', { payload: new Uint8Array([1, 2]) }, '82 02 01 02'],
    ['text is UTF-8', { payload: 'é' }, '81 02 c3 a9'],
    ['RSV1', { rsv1: true }, 'c1 00'],
    ['RSV2', { rsv2: true }, 'a1 00'],
    ['RSV3', { rsv3: true }, '91 00'],
    ['a reserved opcode', { opcode: 15 }, '8f 00'],
    ['a fragmented Close', { opcode: 8, fin: false }, '08 00'],
    ['16 bits of length', { payload: 'x', lengthBits: 16 }, '81 7e 00 01 78'],
    ['64 bits of length', { payload: 'x', lengthBits: 64 }, '81 7f 00 00 00 00 00 00 00 01 78'],
    ['another length', { payload: 'x', announcedLength: 5 }, '81 05 78'],
    ['a larger length', { announcedLength: 65_536 }, '81 7f 00 00 00 00 00 01 00 00'],
    ['the largest length', { announcedLength: 2n ** 64n - 1n }, '81 7f ff ff ff ff ff ff ff ff'],
    [
      'a key that masks nothing',
      { payload: 'x', maskingKey: Buffer.alloc(4) },
      '81 81 00 00 00 00 78',
    ],
    ['no mask in spite of a key', { payload: 'x', masked: false, maskingKey: KEY }, '81 01 78'],
  ])('%s', (_what, fields, bytes) => {
    expect(asHex(encodeFrame(fields))).toBe(bytes);
  });

  test('masked frames without a key get a random one', () => {
    const keys = Array.from({ length: 8 }, () => encodeFrame({ masked: true }).toString('hex', 2));
    expect(new Set(keys).size).toBeGreaterThan(1);
    const { frames } = readFrames(encodeFrame({ payload: 'Hello', masked: true }));
    expect(frames).toMatchObject([{ masked: true, payload: Buffer.from('Hello') }]);
  });

  test('the payload of the program is not changed', () => {
    const payload = Buffer.alloc(20_000, 1);
    const bytes = encodeFrame({ payload, maskingKey: KEY });
    expect(payload).toEqual(Buffer.alloc(20_000, 1));
    expect(bytes).toEqual(frame({ opcode: 2, payload, mask: KEY }));
  });

  test.each<[string, FrameFields, ErrorConstructor, RegExp]>([
    ['an opcode', { opcode: 16 }, RangeError, /from 0 to 15: 16 was given/],
    ['half an opcode', { opcode: 1.5 }, RangeError, /1\.5 was given/],
    ['a short key', { maskingKey: KEY.subarray(1) }, RangeError, /four bytes: 3 were given/],
    ['a key as text', { maskingKey: 'abcd' as never }, TypeError, /'abcd' was given/],
    ['bits', { lengthBits: 8 as never }, RangeError, /7, 16 or 64 bits: 8 was given/],
    ['7 bits', { payload: Buffer.alloc(126), lengthBits: 7 }, RangeError, /up to 125: .* 126/],
    ['16 bits', { payload: Buffer.alloc(65_536), lengthBits: 16 }, RangeError, /up to 65535/],
    ['64 bits', { announcedLength: 2n ** 64n }, RangeError, /up to 18446744073709551615/],
    ['a negative length', { announcedLength: -1 }, RangeError, /would be -1/],
    ['a payload', { payload: 5 as never }, TypeError, /a Uint8Array: 5 was given/],
  ])('%s that does not fit is refused', (_what, fields, error, message) => {
    expect(() => encodeFrame(fields)).toThrow(error);
    expect(() => encodeFrame(fields)).toThrow(message);
  });
});
