import { describe, expect, test } from '@jest/globals';
import { FrameHeader, readHeader } from '../../../src/protocol/frame.js';
import {
  checkControlLength,
  checkHeaderStart,
  checkLength,
} from '../../../src/protocol/frame-rules.js';

function header(hex: string): FrameHeader {
  const bytes = Buffer.from(hex, 'hex');
  const read = new FrameHeader();
  readHeader(bytes, 0, bytes.length, read);
  return read;
}

describe('checkHeaderStart, as a server', () => {
  test.each([
    ['8180', false, undefined],
    ['0180', false, undefined],
    ['0080', true, undefined],
    ['88fd', true, undefined],
    ['8980', true, undefined],
    ['a180', false, 'UNEXPECTED_RSV_2_3'],
    ['9180', false, 'UNEXPECTED_RSV_2_3'],
    ['f180', false, 'UNEXPECTED_RSV_2_3'],
    ['c180', false, 'UNEXPECTED_RSV_1'],
    ['c980', false, 'UNEXPECTED_RSV_1'],
    ['8380', false, 'INVALID_OPCODE'],
    ['8b80', false, 'INVALID_OPCODE'],
    ['8080', false, 'INVALID_OPCODE'],
    ['8180', true, 'INVALID_OPCODE'],
    ['8280', true, 'INVALID_OPCODE'],
    ['0980', false, 'EXPECTED_FIN'],
    ['89fe', false, 'INVALID_CONTROL_PAYLOAD_LENGTH'],
    ['8881', false, 'INVALID_CONTROL_PAYLOAD_LENGTH'],
    ['8981', false, undefined],
    ['8100', false, 'EXPECTED_MASK'],
  ])('%s, in a message: %s → %s', (hex, inMessage, expected) => {
    expect(checkHeaderStart(header(hex), true, inMessage, 0)).toBe(expected);
  });
});

test.each([
  ['c180', false, undefined],
  ['4280', false, undefined],
  ['8180', false, undefined],
  ['c080', true, 'UNEXPECTED_RSV_1'],
  ['c980', false, 'UNEXPECTED_RSV_1'],
  ['c880', false, 'UNEXPECTED_RSV_1'],
  ['a180', false, 'UNEXPECTED_RSV_2_3'],
  ['d180', false, 'UNEXPECTED_RSV_2_3'],
])('RFC 7692 §6.1: with RSV1 agreed on, %s, in a message: %s → %s', (hex, inMessage, expected) => {
  expect(checkHeaderStart(header(hex), true, inMessage, 4)).toBe(expected);
});

test('RFC 6455 §5.1: a client takes unmasked frames only', () => {
  expect(checkHeaderStart(header('8100'), false, false, 0)).toBeUndefined();
  expect(checkHeaderStart(header('818000000000'), false, false, 0)).toBe('UNEXPECTED_MASK');
});

test.each([
  ['8205', 0, 5, undefined],
  ['8205', 0, 4, 'UNSUPPORTED_MESSAGE_LENGTH'],
  ['8205', 1, 5, 'UNSUPPORTED_MESSAGE_LENGTH'],
  ['8205', 1000, 0, undefined],
  ['827e0005', 0, 0, 'NON_MINIMAL_PAYLOAD_LENGTH'],
  ['827f001fffffffffffff', 0, 0, undefined],
  ['827f0020000000000000', 0, 0, 'UNSUPPORTED_DATA_PAYLOAD_LENGTH'],
  ['827fffffffffffffffff', 0, 0, 'UNSUPPORTED_DATA_PAYLOAD_LENGTH'],
])('checkLength of %s behind %d bytes with a limit of %d is %s', (hex, before, limit, expected) => {
  expect(checkLength(header(hex), before, limit)).toBe(expected);
});

test('a control frame of the program has at most 125 bytes', () => {
  expect(() => checkControlLength(125)).not.toThrow();
  expect(() => checkControlLength(126)).toThrow(RangeError);
});
