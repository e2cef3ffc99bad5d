/** RFC 6455 §5.4: a message from its fragments: limits, UTF-8, joined or as it came. */

import { describe, expect, test } from '@jest/globals';
import { MessageAssembler } from '../../../src/protocol/assembler.js';
import { FrameHeader, readHeader } from '../../../src/protocol/frame.js';
import { type FrameOptions, frame, KEY } from '../../support/frames.js';

const KEY_NUMBER = KEY.readInt32LE(0);

function headerOf(options: FrameOptions): FrameHeader {
  const [bytes, header] = [frame(options), new FrameHeader()];
  readHeader(bytes, 0, bytes.length, header);
  return header;
}

/** Adds a piece that ends its frame if nothing remains. */
function add(assembler: MessageAssembler, text: string, remaining = 0): void {
  const chunk = Buffer.from(text);
  assembler.addPiece(chunk, 0, chunk.length, 0, remaining);
}

describe('acceptHeader', () => {
  test('holds all fragments of a message together against maxPayload', () => {
    const assembler = new MessageAssembler();
    const limits = { maxPayload: 10, maxFragments: 0 };
    const lengths = [4, 0, 6, 1];
    const violations = lengths.map((announce) =>
      assembler.acceptHeader(headerOf({ announce }), limits),
    );
    expect(violations).toEqual([undefined, undefined, undefined, 'UNSUPPORTED_MESSAGE_LENGTH']);
    assembler.reset();
    expect(assembler.acceptHeader(headerOf({ announce: 10 }), limits)).toBeUndefined();
  });

  test('counts fragments, empty ones too', () => {
    const assembler = new MessageAssembler();
    const accept = (maxFragments: number) =>
      assembler.acceptHeader(headerOf({}), { maxPayload: 0, maxFragments });
    expect([accept(2), accept(2), accept(2)]).toEqual([undefined, undefined, 'TOO_MANY_FRAGMENTS']);
    expect(accept(0)).toBeUndefined();
    assembler.reset();
    expect(accept(1)).toBeUndefined();
  });

  test('refuses a length that is not in its shortest form', () => {
    const header = headerOf({ payload: 'x', lengthBits: 16 });
    const violation = new MessageAssembler().acceptHeader(header, {
      maxPayload: 0,
      maxFragments: 0,
    });
    expect(violation).toBe('NON_MINIMAL_PAYLOAD_LENGTH');
  });
});

describe('a message', () => {
  test('is joined from its pieces, each unmasked with its key', () => {
    const assembler = new MessageAssembler();
    const masked = frame({ payload: 'one', mask: KEY });
    assembler.addPiece(masked, masked.length - 3, masked.length, KEY_NUMBER, 0);
    add(assembler, 'two');
    expect([assembler.isEmpty, assembler.isInFragment]).toEqual([false, true]);
    expect(String(assembler.join())).toBe('onetwo');
    expect([assembler.isEmpty, assembler.isInFragment]).toEqual([true, false]);
  });

  test('may be taken as its fragments; empty ones are left out', () => {
    const assembler = new MessageAssembler();
    add(assembler, 'on', 1);
    add(assembler, 'e');
    assembler.endFragment();
    assembler.endFragment();
    assembler.addFragment(Buffer.from('two'));
    assembler.addFragment(Buffer.alloc(0));
    expect([assembler.isEmpty, assembler.isInFragment]).toEqual([false, false]);
    add(assembler, 'three');
    expect(assembler.takeFragments().map(String)).toEqual(['one', 'two', 'three']);
    expect([assembler.isEmpty, assembler.takeFragments()]).toEqual([true, []]);
  });

  test('is one Buffer again if the program changes its mind', () => {
    const assembler = new MessageAssembler();
    assembler.addFragment(Buffer.from('one'));
    add(assembler, 'two');
    expect(String(assembler.join())).toBe('onetwo');
  });
});

describe('RFC 6455 §5.6: text', () => {
  test('may be cut inside of a character, but not end there', () => {
    const assembler = new MessageAssembler();
    const euro = Buffer.from('€');
    expect(assembler.checkUtf8Piece(euro.subarray(0, 1), false)).toBe(true);
    expect(assembler.checkUtf8Piece(euro.subarray(1), true)).toBe(true);
    assembler.reset();
    expect(assembler.checkUtf8Piece(euro.subarray(0, 2), true)).toBe(false);
  });

  test('fails with its first wrong byte', () => {
    expect(new MessageAssembler().checkUtf8Piece(Buffer.from([255]), false)).toBe(false);
  });

  test('of the next message does not continue the character of the last', () => {
    const assembler = new MessageAssembler();
    assembler.checkUtf8Piece(Buffer.from([0xe2]), false);
    assembler.reset();
    expect(assembler.checkUtf8Piece(Buffer.from('a'), true)).toBe(true);
  });
});
