/** Bytes taken apart: the examples of the RFCs first, then each rule that a header can break. */

import { describe, expect, test } from '@jest/globals';
import { VIOLATIONS, type Violation } from '../../../src/protocol/errors.js';
import { type DecodeOptions, decodeFrames } from '../../../src/sans-io/decode-frames.js';
import { closePayload, type FrameOptions, frame, KEY } from '../../support/frames.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('RFC 6455 §5.7', () => {
  const KIB_64 = Buffer.alloc(65_536, 0x5a);
  const BYTES_256 = Buffer.alloc(256, 0xa5);

  test.each<[string, Buffer, string, Buffer | string | undefined]>([
    ['unmasked text', hex('81 05 48 65 6c 6c 6f'), 'text', 'Hello'],
    ['masked text', hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'), 'text', 'Hello'],
    ['an unmasked Ping', hex('89 05 48 65 6c 6c 6f'), 'ping', undefined],
    ['a masked Pong', hex('8a 85 37 fa 21 3d 7f 9f 4d 51 58'), 'pong', undefined],
    ['256 bytes', Buffer.concat([hex('82 7e 01 00'), BYTES_256]), 'binary', BYTES_256],
    ['64 KiB', Buffer.concat([hex('82 7f 00 00 00 00 00 01 00 00'), KIB_64]), 'binary', KIB_64],
  ])('%s', (_what, bytes, opcodeName, message) => {
    const { frames, rest, incomplete } = decodeFrames(bytes);
    expect(frames).toMatchObject([{ opcodeName, message, bytes, violation: undefined }]);
    expect([rest.length, incomplete]).toEqual([0, undefined]);
  });

  test('a fragmented text', () => {
    const { frames } = decodeFrames('01 03 48 65 6c 80 02 6c 6f');
    expect(frames).toMatchObject([
      { offset: 0, opcodeName: 'text', fin: false, message: undefined },
      { offset: 5, opcodeName: 'continuation', fin: true, message: 'Hello' },
    ]);
  });

  test('every field of the masked text, with its bits', () => {
    const [first] = decodeFrames('81 85 37 fa 21 3d 7f 9f 4d 51 58').frames;
    expect(first?.fields.map(({ name, bits, bitOffset }) => [name, bits, bitOffset])).toEqual([
      ['FIN', '1', 0],
      ['RSV1', '0', 1],
      ['RSV2', '0', 2],
      ['RSV3', '0', 3],
      ['opcode', '0001', 4],
      ['MASK', '1', 8],
      ['Payload len', '0000101', 9],
      ['Masking-key', '00110111111110100010000100111101', 16],
    ]);
    expect(first).toMatchObject({ masked: true, maskingKey: KEY, lengthBits: 7 });
    expect(first?.payload.toString()).toBe('Hello');
  });
});

describe('the fields', () => {
  const fieldsOf = (bytes: Buffer | string) => {
    const [first] = decodeFrames(bytes).frames;
    return Object.fromEntries((first?.fields ?? []).map((field) => [field.name, field]));
  };

  test('an extended length is a field of its own', () => {
    const short = fieldsOf(frame({ payload: Buffer.alloc(126) }));
    expect(short['Payload len']).toMatchObject({ bits: '1111110' });
    expect(short['Extended payload length']).toMatchObject({
      bits: '0000000001111110',
      bitOffset: 16,
      meaning: '126 bytes of payload',
    });
    const long = fieldsOf(frame({ payload: Buffer.alloc(65_536) }));
    expect(long['Extended payload length']?.bits).toHaveLength(64);
  });

  test.each([
    ['81 01 61', 'FIN', 'the last frame of its message', 'RFC 6455 §5.4'],
    ['01 01 61', 'FIN', 'more frames of this message follow', 'RFC 6455 §5.4'],
    ['89 00', 'FIN', 'a control frame is never fragmented', 'RFC 6455 §5.5'],
    ['09 00', 'FIN', 'must be 1', 'RFC 6455 §5.5'],
    ['81 00', 'RSV1', 'the message is not compressed', 'RFC 7692 §6'],
    ['c1 01 00', 'RSV1', 'permessage-deflate: compressed', 'RFC 7692 §6'],
    ['c9 00', 'RSV1', 'reserved: must be 0', 'RFC 6455 §5.2'],
    ['80 00', 'RSV1', 'reserved: 0', 'RFC 6455 §5.2'],
    ['a1 00', 'RSV2', 'reserved: must be 0', 'RFC 6455 §5.2'],
    ['82 00', 'opcode', '2: binary, a data frame', 'RFC 6455 §5.6'],
    ['88 00', 'opcode', '8: close, a control frame', 'RFC 6455 §5.5'],
    ['83 00', 'opcode', '3: reserved, a data frame', 'RFC 6455 §5.6'],
    ['8b 00', 'opcode', '11: reserved, a control frame', 'RFC 6455 §5.5'],
    ['81 00', 'MASK', 'not masked, as a server sends it', 'RFC 6455 §5.1'],
    ['81 80 01 02 03 04', 'MASK', 'masked, as a client sends it', 'RFC 6455 §5.1'],
    ['81 01 61', 'Payload len', '1 byte of payload', 'RFC 6455 §5.2'],
    [
      '81 80 00 02 0a ff',
      'Masking-key',
      'each byte of the payload is XORed with one of 00 02 0a ff',
      'RFC 6455 §5.3',
    ],
  ])('%s: %s means "%s"', (bytes, name, meaning, rfc) => {
    expect(fieldsOf(bytes)[name]).toMatchObject({ meaning, rfc });
  });
});

describe('RFC 7692 §7.2.3', () => {
  test.each([
    ['§7.2.3.1: one block', 'c1 07 f2 48 cd c9 c9 07 00'],
    ['§7.2.3.1: two fragments', '41 03 f2 48 cd 80 04 c9 c9 07 00'],
    ['§7.2.3.3: a block without compression', 'c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00'],
    ['§7.2.3.4: a block with BFINAL', 'c1 08 f3 48 cd c9 c9 07 00 00'],
    ['§7.2.3.5: two blocks', 'c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00'],
  ])('%s', (_what, bytes) => {
    const { frames } = decodeFrames(bytes);
    expect(frames.at(-1)).toMatchObject({ message: 'Hello', violation: undefined });
  });

  test('§7.2.3.2: the second message refers to the first', () => {
    const { frames } = decodeFrames('c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00');
    expect(frames.map(({ message }) => message)).toEqual(['Hello', 'Hello']);
  });

  test('§7.2.3.6: an empty message', () => {
    expect(decodeFrames('c1 01 00').frames).toMatchObject([{ message: '', violation: undefined }]);
  });
});

/** The first frame that breaks a rule, sent by a client unless an option says otherwise. */
interface Broken {
  readonly frames: readonly FrameOptions[];
  readonly options?: DecodeOptions;
  readonly detail?: number | string;
}

const PART: FrameOptions = { fin: false, payload: 'Hel' };
const HEADER_VIOLATIONS: readonly [Violation, string, Broken][] = [
  ['UNEXPECTED_RSV_2_3', 'RSV2', { frames: [{ rsv: 2 }] }],
  ['UNEXPECTED_RSV_2_3', 'RSV3 with RSV1', { frames: [{ rsv: 5 }] }],
  ['UNEXPECTED_RSV_1', 'a Ping', { frames: [{ opcode: 9, rsv: 4 }] }],
  ['UNEXPECTED_RSV_1', 'a Close', { frames: [{ opcode: 8, rsv: 4 }] }],
  ['UNEXPECTED_RSV_1', 'a continuation', { frames: [PART, { opcode: 0, rsv: 4 }] }],
  [
    'UNEXPECTED_RSV_1',
    'no extension',
    { frames: [{ rsv: 4 }], options: { perMessageDeflate: false } },
  ],
  ['INVALID_OPCODE', 'a reserved one', { frames: [{ opcode: 3 }], detail: 3 }],
  ['INVALID_OPCODE', 'a reserved control frame', { frames: [{ opcode: 15 }], detail: 15 }],
  ['INVALID_OPCODE', 'a continuation of nothing', { frames: [{ opcode: 0 }], detail: 0 }],
  ['INVALID_OPCODE', 'a message in a message', { frames: [PART, { opcode: 2 }], detail: 2 }],
  ['EXPECTED_FIN', 'a fragmented Ping', { frames: [{ opcode: 9, fin: false }] }],
  [
    'INVALID_CONTROL_PAYLOAD_LENGTH',
    'a long Pong',
    { frames: [{ opcode: 10, payload: Buffer.alloc(126) }], detail: 126 },
  ],
  [
    'INVALID_CONTROL_PAYLOAD_LENGTH',
    'half a close code',
    { frames: [{ opcode: 8, payload: 'x' }], detail: 1 },
  ],
  [
    'EXPECTED_MASK',
    'a client',
    { frames: [{ payload: 'x', mask: undefined }], options: { from: 'client' } },
  ],
  ['EXPECTED_MASK', 'as the frame before', { frames: [{}, { payload: 'x', mask: undefined }] }],
  ['UNEXPECTED_MASK', 'a server', { frames: [{}], options: { from: 'server' } }],
  [
    'NON_MINIMAL_PAYLOAD_LENGTH',
    '16 bits',
    { frames: [{ payload: 'x', lengthBits: 16 }], detail: 1 },
  ],
  [
    'NON_MINIMAL_PAYLOAD_LENGTH',
    '64 bits',
    { frames: [{ payload: Buffer.alloc(65_535), lengthBits: 64 }], detail: 65_535 },
  ],
  [
    'UNSUPPORTED_MESSAGE_LENGTH',
    'the whole message',
    { frames: [PART, { opcode: 0, payload: 'lo' }], options: { maxPayload: 4 } },
  ],
];

/** The violations that a header alone shows in an incomplete frame. */
const INCOMPLETE_VIOLATIONS: readonly [Violation, string, string, number, number | undefined][] = [
  [
    'UNSUPPORTED_DATA_PAYLOAD_LENGTH',
    'the first bit is 1',
    '82 7f 80 00 00 00 00 00 00 00',
    8,
    undefined,
  ],
  ['UNSUPPORTED_DATA_PAYLOAD_LENGTH', '2^53', '82 7f 00 20 00 00 00 00 00 00', 8, undefined],
  ['UNSUPPORTED_MESSAGE_LENGTH', '2^53 - 1', '82 7f 00 1f ff ff ff ff ff ff', 8, undefined],
  ['NON_MINIMAL_PAYLOAD_LENGTH', '5 in 64 bits', '82 7f 00 00 00 00 00 00 00 05', 8, 5],
  ['INVALID_CONTROL_PAYLOAD_LENGTH', 'two bytes of a Ping', '89 7e', 7, 126],
  ['UNEXPECTED_RSV_2_3', 'two bytes', 'a1 05', 7, undefined],
];

function expected(violation: Violation, detail?: number | string): object {
  const { code, closeCode, rfc, sentence } = VIOLATIONS[violation];
  const message = detail === undefined ? sentence : sentence.replace('%', String(detail));
  return { code, closeCode, rfc, message };
}

describe('a rule that a header breaks', () => {
  test.each(HEADER_VIOLATIONS)('%s: %s', (violation, _what, { frames, options, detail }) => {
    const bytes = Buffer.concat(frames.map((one) => frame({ mask: KEY, ...one })));
    const decoded = decodeFrames(bytes, options).frames;
    expect(decoded).toHaveLength(frames.length);
    for (const one of decoded.slice(0, -1)) expect(one.violation).toBeUndefined();
    expect(decoded.at(-1)?.violation).toEqual(expected(violation, detail));
  });

  test.each(INCOMPLETE_VIOLATIONS)(
    '%s, incomplete: %s',
    (violation, _what, text, fields, detail) => {
      const { frames, incomplete } = decodeFrames(text);
      expect(frames).toEqual([]);
      expect(incomplete?.fields).toHaveLength(fields);
      expect(incomplete?.violation).toEqual(expected(violation, detail));
    },
  );

  test('each row of the table that is about headers is tested', () => {
    const tested = [...HEADER_VIOLATIONS, ...INCOMPLETE_VIOLATIONS].map(([name]) => name);
    // The last group is about limits of a connection: of frames, of time, of its own zlib.
    const others = [
      ...['INVALID_UTF8', 'INVALID_COMPRESSED_DATA', 'INVALID_CLOSE_CODE'],
      ...['TOO_MANY_FRAGMENTS', 'MESSAGE_RATE', 'FIRST_MESSAGE_TIMEOUT', 'CANNOT_DECODE'],
    ];
    expect([...new Set([...tested, ...others])].sort()).toEqual(Object.keys(VIOLATIONS).sort());
  });

  test('its payload is read, and so are the frames behind it', () => {
    const bytes = [{ rsv: 1, payload: 'a' }, { opcode: 11, payload: 'b' }, { payload: 'c' }];
    const { frames } = decodeFrames(Buffer.concat(bytes.map((one) => frame(one))));
    expect(frames.map(({ payload, violation }) => `${payload} ${violation?.code}`)).toEqual([
      'a WS_ERR_UNEXPECTED_RSV_2_3',
      'b WS_ERR_INVALID_OPCODE',
      'c undefined',
    ]);
    expect(frames[0]?.message).toBe('a');
  });
});

describe('a Close', () => {
  const closeOf = (payload: Buffer) => decodeFrames(frame({ opcode: 8, payload })).frames[0];

  test('has a code and a reason, a code, or nothing', () => {
    expect(closeOf(closePayload(1001, 'bye'))?.close).toEqual({ code: 1001, reason: 'bye' });
    expect(closeOf(closePayload(3000))?.close).toEqual({ code: 3000, reason: '' });
    expect(closeOf(closePayload())?.close).toEqual({ code: 1005, reason: '' });
  });

  test('with a code that must not be sent shows it', () => {
    expect(closeOf(closePayload(1006, 'gone'))).toMatchObject({
      close: { code: 1006, reason: 'gone' },
      violation: expected('INVALID_CLOSE_CODE', 1006),
    });
  });

  test('with a reason that is not UTF-8 is a violation', () => {
    const close = closeOf(closePayload(1000, hex('c3 28')));
    expect(close?.violation).toEqual(expected('INVALID_UTF8'));
  });

  test('is not the end: a frame behind it is read', () => {
    const { frames } = decodeFrames('88 00 81 02 68 69');
    expect(frames.map(({ opcodeName }) => opcodeName)).toEqual(['close', 'text']);
  });
});

describe('the end of the bytes', () => {
  test('no bytes are no frames', () => {
    for (const nothing of ['', Buffer.alloc(0)]) {
      const { frames, rest, incomplete } = decodeFrames(nothing);
      expect([frames, rest.length, incomplete]).toEqual([[], 0, undefined]);
    }
  });

  test('one byte says nothing yet', () => {
    expect(decodeFrames('81 00 81')).toMatchObject({ rest: hex('81'), incomplete: undefined });
  });

  test.each([
    ['two bytes of a masked frame', '81 85', ['FIN', 'Payload len'], 4],
    ['half an extended length', '82 7e 01', ['FIN', 'Payload len'], 1],
    ['half a masking key', '81 85 37 fa', ['FIN', 'Payload len'], 2],
    ['a header', '81 05', ['FIN', 'Payload len'], 5],
    ['half a payload', '82 7e 01 00 aa bb', ['FIN', 'Extended payload length'], 254],
  ])('%s', (_what, text, [first, last], missing) => {
    const { frames, rest, incomplete } = decodeFrames(`81 00 ${text}`);
    expect(frames).toHaveLength(1);
    expect(rest).toEqual(hex(text));
    expect(incomplete).toMatchObject({ offset: 2, bytes: rest, missing });
    expect(incomplete?.fields[0]?.name).toBe(first);
    expect(incomplete?.fields.at(-1)?.name).toBe(last);
  });

  test('a length that no number holds is described exactly', () => {
    const { incomplete } = decodeFrames('82 7f ff ff ff ff ff ff ff ff');
    expect(incomplete?.fields.at(-1)?.meaning).toBe('18446744073709551615 bytes of payload');
  });
});

describe('what is given', () => {
  test.each([
    '81 02 68 69',
    '81026869',
    '81:02:68:69',
    '81-02-68-69',
    '0x81, 0x02, 0x68, 0x69',
    '\\x81\\x02\\x68\\x69',
    '  8102\n6869\n',
  ])('hexadecimal text: %j', (text) => {
    expect(decodeFrames(text).frames).toMatchObject([{ message: 'hi' }]);
  });

  test('a Uint8Array that is a part of its memory', () => {
    const memory = new Uint8Array(hex('ff 81 02 68 69 ff'));
    const { frames } = decodeFrames(memory.subarray(1, 5));
    expect(frames).toMatchObject([{ message: 'hi', offset: 0 }]);
  });

  test('the bytes are not changed', () => {
    const bytes = frame({ payload: 'Hello', mask: KEY });
    const before = Buffer.from(bytes);
    decodeFrames(bytes);
    expect(bytes).toEqual(before);
  });

  test.each<[string, () => unknown, ErrorConstructor, RegExp]>([
    ['other text', () => decodeFrames('8g'), SyntaxError, /"81 05 48": "g" is not one/],
    ['half a byte', () => decodeFrames('810'), SyntaxError, /3 digits are half a byte too many/],
    ['no bytes', () => decodeFrames([0x81] as never), TypeError, /a Uint8Array: \[ 129 \] was/],
    ['who', () => decodeFrames('', { from: 'me' as never }), TypeError, /'client' or 'server'/],
    ['a limit', () => decodeFrames('', { maxPayload: -1 }), RangeError, /maxPayload/],
  ])('%s is refused', (_what, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});
