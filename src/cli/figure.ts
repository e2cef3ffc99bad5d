/** RFC 6455 §5.2: draws a frame as the RFC does, with its bits. */

import type { DecodedFrame, IncompleteFrame } from '../sans-io/decode-frames.js';
import type { FrameField } from '../sans-io/frame-fields.js';

/** How a frame is drawn. */
export interface FigureOptions {
  /** How many bits a row has. Default 32, which needs 65 columns. */
  readonly rowBits?: 16 | 32 | undefined;
  /** How many bytes of the payload are drawn. Default 8. */
  readonly maxPayload?: number | undefined;
}

/** A field, or a part of one that fits in a row. */
interface Cell {
  /** Where it begins, in bits of the frame. */
  readonly start: number;
  readonly bits: string;
  /** The lines above the bits. */
  readonly lines: readonly string[];
  /** Whether the field goes on in the next row. */
  readonly continues: boolean;
}

/** The names of one bit are written downwards. */
const VERTICAL: Readonly<Record<string, string>> = {
  FIN: 'FIN ',
  RSV1: 'RSV1',
  RSV2: 'RSV2',
  RSV3: 'RSV3',
  MASK: 'MASK',
};

/** Opcodes in the width of four bits. */
const SHORT_OPCODES: Readonly<Record<string, string>> = {
  continuation: 'contin.',
  reserved: 'reserv.',
};

/** Draws a frame, without colours. The header of an incomplete frame has its complete fields. */
export function drawFrame(
  frame: DecodedFrame | IncompleteFrame,
  { rowBits = 32, maxPayload = 8 }: FigureOptions = {},
): string[] {
  const cells = cellsOf(frame, rowBits, maxPayload);
  const last = cells.at(-1);
  const end = last === undefined ? 0 : last.start + last.bits.length;
  const lines = rulerOf(rowBits);
  let above: readonly Cell[] = [];
  for (let start = 0; start < end; start += rowBits) {
    const row = cells.filter((cell) => cell.start >= start && cell.start < start + rowBits);
    lines.push(borderOf(above, row, rowBits), ...drawRow(row));
    above = row;
  }
  return [...lines, borderOf(above, [], rowBits), ...omittedOf(frame, maxPayload)];
}

// The two lines of numbers above the figure of RFC 6455 §5.2.
function rulerOf(rowBits: number): string[] {
  const bits = Array.from({ length: rowBits }, (_, i) => i);
  const tens = bits.map((i) => (i % 10 === 0 ? String(i / 10) : ' '));
  return [tens, bits.map((i) => i % 10)].map((digits) => ` ${digits.join(' ')}`.trimEnd());
}

function cellsOf(
  frame: DecodedFrame | IncompleteFrame,
  rowBits: number,
  maxPayload: number,
): Cell[] {
  const header = frame.fields.flatMap((field) => splitField(field, frame.opcodeName, rowBits));
  return 'payload' in frame ? [...header, ...payloadCells(frame, maxPayload)] : header;
}

/** Cuts a field where a row ends. */
function splitField(field: FrameField, opcodeName: string, rowBits: number): Cell[] {
  const { bits, bitOffset } = field;
  const cells: Cell[] = [];
  for (let i = 0; i < bits.length; ) {
    const start = bitOffset + i;
    const part = bits.slice(i, i + rowBits - (start % rowBits));
    const lines = linesOf(field, part, i === 0, opcodeName);
    i += part.length;
    cells.push({ start, bits: part, lines, continues: i < bits.length });
  }
  return cells;
}

function linesOf(
  { name, bits }: FrameField,
  part: string,
  isFirst: boolean,
  opcodeName: string,
): string[] {
  const letters = VERTICAL[name];
  if (letters !== undefined) return [...letters];
  const title = isFirst ? name : `${name} (cont.)`;
  switch (name) {
    case 'opcode':
      return [name, '', SHORT_OPCODES[opcodeName] ?? opcodeName];
    case 'Masking-key':
      return [title, '', hexOfBits(part)];
    case 'Extended payload length':
      return [title, '', isFirst ? String(BigInt(`0b${bits}`)) : ''];
    default:
      return [title, '', String(Number.parseInt(bits, 2))];
  }
}

/** Writes bits as bytes: `0011011111111010` becomes `37 fa`. */
export function hexOfBits(bits: string): string {
  const bytes = bits.match(/.{8}/g) ?? [];
  return bytes.map((byte) => hexByte(Number.parseInt(byte, 2))).join(' ');
}

/** A cell for each byte: its value, with a masking key `masked ^ key = unmasked`. RFC 6455 §5.3. */
function payloadCells(frame: DecodedFrame, max: number): Cell[] {
  const { bytes, payload, maskingKey } = frame;
  const header = bytes.length - payload.length;
  return Array.from(payload.subarray(0, max), (byte, i) => {
    const onWire = bytes[header + i] ?? 0;
    const key = maskingKey?.[i % 4];
    const xor = key === undefined ? '' : `${hexByte(onWire)}^${hexByte(key)} = `;
    return {
      start: (header + i) * 8,
      bits: onWire.toString(2).padStart(8, '0'),
      lines: [`Payload byte ${i}`, '', `${xor}${hexByte(byte)}${characterOf(byte)}`],
      continues: false,
    };
  });
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function characterOf(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? ` ${String.fromCharCode(byte)}` : '';
}

/** The lines of a row: four if a name is written downwards, else two, and the bits. */
function drawRow(cells: readonly Cell[]): string[] {
  const isHigh = cells.some(({ bits }) => bits.length === 1);
  const indexes = isHigh ? [0, 1, 2, 3] : [0, 2];
  const text = indexes.map((i) => drawLine(cells, ({ lines }) => lines[i] ?? ''));
  return [...text, drawLine(cells, ({ bits }) => [...bits].join(' '))];
}

function drawLine(cells: readonly Cell[], textOf: (cell: Cell) => string): string {
  const texts = cells.map((cell) => center(textOf(cell), cell.bits.length * 2 - 1));
  return `|${texts.join('|')}|`;
}

function center(text: string, width: number): string {
  const shown = text.length > width ? `${text.slice(0, width - 1)}~` : text;
  return shown.padStart(Math.ceil((width + shown.length) / 2)).padEnd(width);
}

/** The line between two rows: a plus where a cell ends, dashes apart where a field goes on. */
function borderOf(above: readonly Cell[], below: readonly Cell[], rowBits: number): string {
  const ends = new Set(
    [...above, ...below].flatMap(({ start, bits }) => endsOf(start, bits.length, rowBits)),
  );
  const last = Math.max(...ends);
  const open = above.find(({ continues }) => continues);
  const openFrom = open === undefined ? last : open.start % rowBits;
  const next = below[0]?.bits.length ?? 0;
  const columns = Array.from({ length: last * 2 + 1 }, (_, column) => {
    const bit = column / 2;
    if (ends.has(bit)) return '+';
    const isOpen = open !== undefined && bit > openFrom && bit < next;
    return isOpen && column % 2 === 1 ? ' ' : '-';
  });
  return columns.join('');
}

function endsOf(start: number, length: number, rowBits: number): number[] {
  return [start % rowBits, (start % rowBits) + length];
}

function omittedOf(frame: DecodedFrame | IncompleteFrame, max: number): string[] {
  if (!('payload' in frame)) return [`(${frame.missing} more bytes are missing)`];
  const omitted = frame.payload.length - max;
  return omitted > 0 ? [`(${omitted} more bytes of payload)`] : [];
}
