/** The figure of RFC 6455 §5.2, from the fields that `decodeFrames` reads. */

import { decodeFrames, encodeFrame, type FrameField } from '../../../src/protocol.js';
import { box, figure, text } from './svg.js';

const [LEFT, TOP, BIT, ROW] = [30, 78, 29, 46];

interface Form {
  readonly title: string;
  readonly length: number;
}

const FORMS: readonly Form[] = [
  { title: 'A payload of at most 125 bytes', length: 5 },
  { title: 'A payload of at most 65,535 bytes', length: 300 },
  { title: 'A longer payload', length: 65_536 },
];

function fieldsOf(length: number): readonly FrameField[] {
  const bytes = encodeFrame({
    opcode: 1,
    payload: Buffer.alloc(length, 0x2e),
    maskingKey: Buffer.from('37fa213d', 'hex'),
  });
  return decodeFrames(bytes).frames[0]?.fields ?? [];
}

/** A field or the part of it that is in one row of 32 bits. */
function cell(field: FrameField, start: number, end: number, top: number): string[] {
  const [from, to] = [start % 32, ((end - 1) % 32) + 1];
  const [x, y] = [LEFT + from * BIT, top + Math.floor(start / 32) * ROW];
  const width = (to - from) * BIT;
  const bits = field.bits.slice(start - field.bitOffset, end - field.bitOffset);
  const part = start > field.bitOffset ? `${field.name}, continued` : field.name;
  const style = field.name === 'Masking-key' ? 'key' : 'box';
  const parts = [box(x, y, width, ROW, style, 0)];
  if (width < 40) {
    return [...parts, text(x + width / 2, y + 18, field.name, 'tiny', 'middle'), bit()];
  }
  return [...parts, text(x + width / 2, y + 18, part, '', 'middle'), bit()];

  function bit(): string {
    const shown = bits.replace(/.{8}(?=.)/g, '$& ');
    return text(x + width / 2, y + 37, shown, 'quiet code', 'middle');
  }
}

function cellsOf(field: FrameField, top: number): string[] {
  const cells: string[] = [];
  const last = field.bitOffset + field.bits.length;
  for (let start = field.bitOffset; start < last; ) {
    const end = Math.min(last, start - (start % 32) + 32);
    cells.push(...cell(field, start, end, top));
    start = end;
  }
  return cells;
}

function payload(bitOffset: number, top: number): string[] {
  const from = bitOffset % 32;
  const y = top + Math.floor(bitOffset / 32) * ROW;
  const [x, width] = [LEFT + from * BIT, (32 - from) * BIT];
  return [
    box(x, y, width, ROW, 'end', 0),
    text(x + width / 2, y + 28, 'payload, masked …', '', 'middle'),
  ];
}

/** How many rows the header and the beginning of the payload take. */
const rowsOf = (bits: number): number => Math.floor(bits / 32) + 1;

export function frameFigure(): string {
  const parts = Array.from({ length: 32 }, (_, bit) =>
    text(LEFT + bit * BIT + BIT / 2, TOP - 12, String(bit % 10), 'quiet code', 'middle'),
  );
  for (let tens = 0; tens < 4; tens++) {
    parts.push(
      text(LEFT + (tens * 10 + 0.5) * BIT, TOP - 26, String(tens), 'quiet code', 'middle'),
    );
  }
  let top = TOP;
  for (const { title, length } of FORMS) {
    const fields = fieldsOf(length);
    const bits = fields.reduce((sum, field) => sum + field.bits.length, 0);
    parts.push(text(LEFT, top + 14, title, 'strong'));
    top += 24;
    parts.push(...fields.flatMap((field) => cellsOf(field, top)), ...payload(bits, top));
    top += rowsOf(bits) * ROW + 18;
  }
  return figure(
    { width: LEFT * 2 + 32 * BIT, height: top + 2 },
    'The frame: RFC 6455 §5.2',
    'The fields of the header of a masked text frame, bit by bit, for the three forms of its length.',
    parts,
  );
}
