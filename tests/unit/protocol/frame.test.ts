import { describe, expect, test } from '@jest/globals';
import {
  FrameHeader,
  isDataFrame,
  isMinimal,
  readHeader,
  sizeOfHeader,
  writeHeader,
} from '../../../src/protocol/frame.js';
import { frame, KEY } from '../../support/frames.js';

const KEY_NUMBER = KEY.readInt32LE(0);

function read(bytes: Buffer, end = bytes.length) {
  const header = new FrameHeader();
  return { whole: readHeader(bytes, 0, end, header), header };
}

describe('readHeader', () => {
  test.each([
    ['8100', { fin: true, reserved: 0, opcode: 1, masked: false, length: 0, size: 2 }],
    ['01fd37fa213d', { fin: false, opcode: 1, masked: true, length: 125, size: 6 }],
    ['827e007e', { opcode: 2, length: 126, size: 4 }],
    ['82feffff37fa213d', { masked: true, length: 65_535, size: 8, maskingKey: KEY_NUMBER }],
    ['827f0000000000010000', { length: 65_536, size: 10 }],
    ['82ff000000010000000037fa213d', { length: 2 ** 32, size: 14, maskingKey: KEY_NUMBER }],
    ['f900', { fin: true, reserved: 7, opcode: 9 }],
  ])('reads %s', (hex, expected) => {
    const { whole, header } = read(Buffer.from(hex, 'hex'));
    expect(whole).toBe(true);
    expect(header).toMatchObject(expected);
  });

  test.each(['8100', '827e0100', '82feffff37fa213d', '82ff000000010000000037fa213d'])(
    'asks for more while %s is cut, and says how much the header takes',
    (hex) => {
      const bytes = Buffer.from(hex, 'hex');
      for (let end = 0; end < bytes.length; end++) {
        const { whole, header } = read(bytes, end);
        expect(whole).toBe(false);
        expect(header.size).toBe(end < 2 ? 2 : bytes.length);
      }
    },
  );

  test('a 64-bit length with its highest bit set is never taken for a small one', () => {
    const { header } = read(Buffer.from('827f8000000000000005', 'hex'));
    expect(header.length).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
  });
});

test.each([
  ['7d', true],
  ['7e007d', false],
  ['7e007e', true],
  ['7f000000000000ffff', false],
  ['7f0000000000010000', true],
])('RFC 6455 §5.2: whether the length field %s is the shortest', (field, minimal) => {
  const { header } = read(Buffer.from(`82${field}`, 'hex'));
  expect(isMinimal(header)).toBe(minimal);
});

describe('writeHeader', () => {
  const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 2 ** 31, 2 ** 32 + 5, 2 ** 53 - 1];

  test.each(lengths)('writes a length of %d as the RFC lays it out, masked or not', (length) => {
    for (const mask of [undefined, KEY]) {
      const masked = mask !== undefined;
      const expected = frame({ opcode: 2, announce: BigInt(length), mask });
      const bytes = Buffer.alloc(20);
      const end = writeHeader(bytes, 3, 0x82, length, masked, KEY_NUMBER);
      expect(bytes.subarray(3, end)).toEqual(expected);
      expect(end - 3).toBe(sizeOfHeader(length, masked));
    }
  });
});

test.each([
  [0x00, true],
  [0x81, true],
  [0xc2, true],
  [0x88, false],
  [0x89, false],
  [0x8a, false],
])('RFC 6455 §5.6: whether %i begins a data frame: %s', (firstByte, isData) => {
  expect(isDataFrame(firstByte)).toBe(isData);
});
