/** The figure of RFC 6455 §5.2 with the bits of a frame. */

import { describe, expect, test } from '@jest/globals';
import { drawFrame, type FigureOptions } from '../../../src/cli/figure.js';
import { isHexText, readHexText } from '../../../src/cli/hexdump.js';
import { decodeFrames } from '../../../src/protocol.js';

function draw(bytes: string, options?: FigureOptions): string {
  const { frames, incomplete } = decodeFrames(bytes);
  const frame = frames[0] ?? incomplete;
  if (frame === undefined) throw new Error('no frame');
  return `\n${drawFrame(frame, options).join('\n')}\n`;
}

test('the header of RFC 6455 §5.2 with a length of 64 bits and a masking key', () => {
  expect(draw(`82ff0000000000010000 37fa213d ${'00'.repeat(65_536)}`, { maxPayload: 0 })).toBe(`
 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-------+-+-------------+-------------------------------+
|F|R|R|R| opcode|M| Payload len |    Extended payload length    |
|I|S|S|S|       |A|             |                               |
|N|V|V|V| binary|S|     127     |             65536             |
| |1|2|3|       |K|             |                               |
|1|0|0|0|0 0 1 0|1|1 1 1 1 1 1 1|0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0|
+-+-+-+-+-------+-+-------------+ - - - - - - - - - - - - - - - +
|                Extended payload length (cont.)                |
|                                                               |
|0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1|
+ - - - - - - - - - - - - - - - +-------------------------------+
|Extended payload length (cont.)|          Masking-key          |
|                               |             37 fa             |
|0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|
+-------------------------------+-------------------------------+
|      Masking-key (cont.)      |
|             21 3d             |
|0 0 1 0 0 0 0 1 0 0 1 1 1 1 0 1|
+-------------------------------+
(65536 more bytes of payload)
`);
});

test('rows of 16 bits', () => {
  expect(draw('8982 37fa213d 7f9f', { rowBits: 16 })).toBe(`
 0                   1
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
+-+-+-+-+-------+-+-------------+
|F|R|R|R| opcode|M| Payload len |
|I|S|S|S|       |A|             |
|N|V|V|V|  ping |S|      2      |
| |1|2|3|       |K|             |
|1|0|0|0|1 0 0 1|1|0 0 0 0 0 1 0|
+-+-+-+-+-------+-+-------------+
|          Masking-key          |
|             37 fa             |
|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|
+ - - - - - - - - - - - - - - - +
|      Masking-key (cont.)      |
|             21 3d             |
|0 0 1 0 0 0 0 1 0 0 1 1 1 1 0 1|
+---------------+---------------+
| Payload byte 0| Payload byte 1|
|  7f^37 = 48 H |  9f^fa = 65 e |
|0 1 1 1 1 1 1 1|1 0 0 1 1 1 1 1|
+---------------+---------------+
`);
});

test('all bits of the header are those of the bytes', () => {
  for (const header of ['8105', 'f2fe0080', '0b7f', '8f80']) {
    const figure = draw(`${header}${'00'.repeat(4)}`, { maxPayload: 0 });
    const bits = figure.split('\n').filter((line) => /^(?:\|[01](?: [01])*)+\|$/.test(line));
    const drawn = bits.join('').replace(/[ |]/g, '');
    const all = [...Buffer.from(`${header}00000000`, 'hex')].map((byte) =>
      byte.toString(2).padStart(8, '0'),
    );
    expect(all.join('').startsWith(drawn)).toBe(true);
  }
});

test('an incomplete header has its complete fields, and what is missing', () => {
  const figure = draw('8185 37');
  expect(figure).not.toContain('Masking-key');
  expect(figure).toContain('(3 more bytes are missing)');
});

describe('text with bytes', () => {
  test.each<[string, string, string]>([
    [
      'repeated lines of hexdump',
      '0000000 0000 0000 0000 0000 0000 0000 0000 0000\n*\n0000030\n',
      '00'.repeat(48),
    ],
    ['an odd number of bytes', '0000000 0581 6548 6c6c 006f\n0000007\n', '810548656c6c6f'],
    [
      'Wireshark',
      '0000   81 05 48 65 6c 6c 6f                              ..Hello\n',
      '810548656c6c6f',
    ],
    [
      'several lines of xxd',
      '00000000: 8105 4865 6c6c 6f81 0548 656c 6c6f 8105  ..Hello..Hello..\n00000010: 48                                       H\n',
      '810548656c6c6f810548656c6c6f810548',
    ],
    ['digits that look like an offset', '00000000\n', '00000000'],
    ['C strings', '\\x81\\x05Hello'.slice(0, 8), '8105'],
  ])('%s', (_, text, digits) => {
    expect(readHexText(text)?.toString('hex')).toBe(digits);
  });

  test('other text is no hexadecimal text', () => {
    expect(readHexText('Hello, world')).toBeUndefined();
    expect(isHexText(' , ')).toBe(false);
  });
});
