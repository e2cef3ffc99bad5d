/** The page's own frames: byte for byte those of `encodeFrame`, and the rules of the library. */

import { describe, expect, test } from '@jest/globals';
import { decodeFrames, encodeFrame } from '../../../../src/protocol';
import { VIOLATIONS, type Violation } from '../../../../src/protocol/errors';
import { loadPageModule } from '../../../support/page-module';

interface Fields {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly rsv2: boolean;
  readonly rsv3: boolean;
  readonly opcode: number;
  readonly masked: boolean;
  readonly maskingKey: Uint8Array;
  readonly lengthBits: 7 | 16 | 64;
  readonly payload: Uint8Array;
}

interface FrameBytes {
  parseFrame(bytes: Uint8Array): Fields | undefined;
  buildFrame(fields: Fields): Uint8Array | undefined;
  brokenRule(
    fields: Fields,
    from: 'client' | 'server',
    context: { readonly inMessage: boolean; readonly compressed: boolean },
  ): Violation | undefined;
}

const { parseFrame, buildFrame, brokenRule } = loadPageModule<FrameBytes>('frame-bytes.js');

const BASE: Fields = {
  fin: true,
  rsv1: false,
  rsv2: false,
  rsv3: false,
  opcode: 1,
  masked: true,
  maskingKey: Uint8Array.of(0x37, 0xfa, 0x21, 0x3d),
  lengthBits: 7,
  payload: new TextEncoder().encode('Hello'),
};

/** Each opcode with each combination of bits. */
function* headers(): Iterable<Fields> {
  for (let first = 0; first < 256; first += 1) {
    for (const masked of [false, true]) {
      yield {
        ...BASE,
        fin: (first & 0x80) !== 0,
        rsv1: (first & 0x40) !== 0,
        rsv2: (first & 0x20) !== 0,
        rsv3: (first & 0x10) !== 0,
        opcode: first & 0xf,
        masked,
      };
    }
  }
}

/** RSV3 is treated as RSV2, so it is set alone. One byte is no payload for a Close. */
function* headersWithLengths(): Iterable<Fields> {
  for (const fields of headers()) {
    if (fields.rsv3 && (fields.rsv1 || fields.rsv2)) continue;
    yield fields;
    yield { ...fields, payload: new Uint8Array(1) };
    yield { ...fields, lengthBits: 16 };
  }
}

const encode = ({ maskingKey, ...fields }: Fields) =>
  encodeFrame({ ...fields, ...(fields.masked && { maskingKey }) });

test('each first byte, masked and not, is written as encodeFrame writes it', () => {
  const wrong = [...headers()].filter(
    (fields) => !encode(fields).equals(buildFrame(fields) ?? Buffer.alloc(0)),
  );
  expect(wrong).toEqual([]);
});

test.each([
  [0, 7],
  [125, 7],
  [125, 16],
  [5, 64],
  [126, 16],
  [65_535, 16],
  [65_536, 64],
  [70_000, 64],
] as const)('a payload of %i bytes in a length of %i bits', (length, lengthBits) => {
  const fields = { ...BASE, payload: new Uint8Array(length).fill(7), lengthBits };
  const bytes = buildFrame(fields);
  expect(Buffer.from(bytes ?? []).equals(encode(fields))).toBe(true);
  const { payload, ...header } = parseFrame(bytes ?? new Uint8Array()) ?? BASE;
  expect({ ...header, payload: [] }).toEqual({ ...fields, payload: [] });
  expect(Buffer.from(payload).equals(fields.payload)).toBe(true);
});

test('a form that is too short for the payload gives no frame', () => {
  expect(buildFrame({ ...BASE, payload: new Uint8Array(126) })).toBeUndefined();
  expect(buildFrame({ ...BASE, payload: new Uint8Array(65_536), lengthBits: 16 })).toBeUndefined();
});

test('a frame is read only if it is complete', () => {
  const frame = encode(BASE);
  for (let end = 0; end < frame.length; end += 1) {
    expect(parseFrame(frame.subarray(0, end))).toBeUndefined();
  }
  expect(parseFrame(Buffer.concat([frame, frame]))).toBeUndefined();
});

describe('the rule that a header breaks is the one that the library names', () => {
  /** The violation of the last of these frames. */
  function violationOf(
    fields: Fields,
    { from, inMessage, compressed: perMessageDeflate }: (typeof contexts)[number],
  ): string | undefined {
    const before = encode({ ...BASE, fin: false, masked: from === 'client' });
    const bytes = Buffer.concat([...(inMessage ? [before] : []), encode(fields)]);
    const { violation } = decodeFrames(bytes, { from, perMessageDeflate }).frames.at(-1) ?? {};
    // What is inside of a message is not looked at here.
    const isOfContents = violation && /UTF8|Z_DATA|CLOSE_CODE/.test(violation.code);
    return isOfContents ? undefined : violation?.code;
  }

  const contexts = [false, true].flatMap((inMessage) =>
    [false, true].flatMap((compressed) =>
      (['client', 'server'] as const).map((from) => ({ inMessage, compressed, from })),
    ),
  );

  test.each(contexts)('%o', (context) => {
    const wrong = [...headersWithLengths()].filter((frame) => {
      const rule = brokenRule(frame, context.from, context);
      return (rule && VIOLATIONS[rule].code) !== violationOf(frame, context);
    });
    expect(wrong).toEqual([]);
  });
});
