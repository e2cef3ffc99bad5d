/** RFC 6455 §5.2: explains a frame: its figure, its fields, its payload and what it breaks. */

import { Buffer } from 'node:buffer';
import { Opcode } from '../protocol/frame.js';
import type {
  DecodedFrame,
  DecodedHeader,
  FrameViolation,
  IncompleteFrame,
} from '../sans-io/decode-frames.js';
import type { FrameField } from '../sans-io/frame-fields.js';
import { drawFrame, hexOfBits } from './figure.js';
import type { MessageProgress } from './message-progress.js';
import type { Style } from './style.js';
import { count, describeCloseCode, escapeControls, hex, shorten, wrap } from './text.js';

/** How frames are printed. */
export interface FrameTextOptions {
  readonly style: Style;
  /** The width of the terminal. */
  readonly columns: number;
  /** How many bytes of a payload or a message are printed. */
  readonly max: number;
}

/** Explains a complete frame. */
export function explainFrame(
  frame: DecodedFrame,
  progress: MessageProgress | undefined,
  options: FrameTextOptions,
): string[] {
  return [
    ...figureOf(frame, options),
    '',
    ...fieldLines(frame.fields, options),
    ...payloadLines(frame, options),
    ...contentLines(frame, progress, options),
    ...violationLines(frame.violation, options),
  ];
}

/** Explains the beginning of a frame. */
export function explainIncomplete(frame: IncompleteFrame, options: FrameTextOptions): string[] {
  return [
    ...figureOf(frame, options),
    '',
    ...fieldLines(frame.fields, options),
    ...violationLines(frame.violation, options),
  ];
}

/** A frame on one line: `text, FIN, 5 bytes, masked: Hello`. */
export function summarizeFrame(
  frame: DecodedFrame,
  { style, columns, max }: FrameTextOptions,
): string {
  const { payload, violation } = frame;
  const parts = [style.bold(frame.opcodeName), ...flagsOf(frame), count(payload.length, 'byte')];
  const content = shorten(contentOf(frame, max), Math.max(20, columns - 45));
  return `${parts.join(' ')}${content === '' ? '' : `: ${content}`}${markOf(violation, style)}`;
}

/** The end of a line about something that breaks a rule; '' if it breaks none. */
export function markOf(
  violation: Pick<FrameViolation, 'message' | 'rfc'> | undefined,
  style: Style,
) {
  return violation === undefined ? '' : style.red(` ! ${violation.message} (${violation.rfc})`);
}

type Bits = Pick<DecodedHeader, 'fin' | 'rsv1' | 'rsv2' | 'rsv3' | 'opcode' | 'masked'>;

/** The bits of the first two bytes, and the opcode. */
export function bitsOf({ fin, rsv1, rsv2, rsv3, opcode, masked }: Bits): string {
  const bit = (isSet: boolean) => (isSet ? 1 : 0);
  const code = opcode.toString(2).padStart(4, '0');
  return `FIN=${bit(fin)} RSV=${bit(rsv1)}${bit(rsv2)}${bit(rsv3)} opcode=${code} MASK=${bit(masked)}`;
}

function flagsOf({ fin, rsv1, rsv2, rsv3, masked }: DecodedHeader): string[] {
  const flags = { FIN: fin, RSV1: rsv1, RSV2: rsv2, RSV3: rsv3, masked };
  return Object.entries(flags).flatMap(([name, isSet]) => (isSet ? [name] : []));
}

function contentOf({ close, message, payload, opcode }: DecodedFrame, max: number): string {
  if (close !== undefined) return describeCloseCode(close.code, close.reason);
  if (typeof message === 'string') return escapeControls(message.slice(0, max));
  const isText = opcode === Opcode.PING || opcode === Opcode.PONG;
  const bytes = message ?? payload;
  if (isText && /^[\x20-\x7e]*$/.test(bytes.toString('latin1'))) return bytes.toString('latin1');
  return hex(bytes, Math.min(max, 16));
}

/** A line of the figure that has bits only. */
const BIT_LINE = /^(?:\|[01](?: [01])*)+\|$/;

function figureOf(
  frame: DecodedFrame | IncompleteFrame,
  { style, columns, max }: FrameTextOptions,
): string[] {
  const rowBits = columns < 68 ? 16 : 32;
  const lines = drawFrame(frame, { rowBits, maxPayload: Math.min(8, max) });
  return lines.map((line) => {
    if (line.startsWith('+')) return `  ${style.dim(line)}`;
    return BIT_LINE.test(line) ? `  ${style.cyan(line)}` : `  ${line}`;
  });
}

/** A line for each field: its name, its bits or bytes, what they mean, and the section. */
function fieldLines(fields: readonly FrameField[], { style, columns }: FrameTextOptions): string[] {
  const names = Math.max(...fields.map(({ name }) => name.length));
  const values = Math.max(...fields.map((field) => digitsOf(field).length));
  const indent = names + values + 6;
  return fields.flatMap((field) => {
    const { name, meaning, rfc } = field;
    const [first = '', ...rest] = wrap(`${meaning}. ${rfc}`, columns - indent);
    const left = `  ${name.padEnd(names)}  ${style.cyan(digitsOf(field).padEnd(values))}  `;
    return [left + first, ...rest.map((line) => ' '.repeat(indent) + line)];
  });
}

/** Bits; from 16 bits on the bytes. */
function digitsOf({ bits }: FrameField): string {
  return bits.length < 16 ? bits : hexOfBits(bits);
}

/** A row of bytes, with its name on the left. */
interface ByteRow {
  readonly name: string;
  readonly bytes: Buffer;
  /** Whether the bytes are printed as text too. */
  readonly hasText: boolean;
}

// RFC 6455 §5.3: each byte of the payload is XORed with the byte i mod 4 of the key.
function payloadLines(frame: DecodedFrame, options: FrameTextOptions): string[] {
  const { bytes, payload, maskingKey } = frame;
  if (payload.length === 0) return [];
  if (maskingKey === undefined) {
    return byteLines([{ name: 'payload', bytes: payload, hasText: true }], options);
  }
  const length = Math.min(payload.length, options.max);
  const key = Buffer.from(Array.from({ length }, (_, i) => maskingKey[i % 4] ?? 0));
  const masked = bytes.subarray(bytes.length - payload.length);
  const rows = [
    { name: 'masked payload', bytes: masked, hasText: false },
    { name: 'masking key', bytes: key, hasText: false },
    { name: 'XOR = payload', bytes: payload, hasText: true },
  ];
  return byteLines(rows, options);
}

const NAME_WIDTH = 18;

/** Prints rows of bytes beneath each other, broken at the width of the terminal. */
function byteLines(rows: readonly ByteRow[], { style, columns, max }: FrameTextOptions): string[] {
  const length = Math.max(...rows.map(({ bytes }) => bytes.length));
  const perLine = Math.min(16, Math.max(4, Math.floor((columns - NAME_WIDTH - 2) / 16) * 4));
  const lines = [''];
  for (let i = 0; i < Math.min(length, max); i += perLine) {
    for (const { name, bytes, hasText } of rows) {
      const part = bytes.subarray(i, Math.min(i + perLine, max));
      const text = hasText
        ? style.green(part.toString('latin1').replace(/[^\x20-\x7e]/g, '.'))
        : '';
      const digits = hex(part).padEnd(hasText ? Math.min(perLine, length) * 3 : 0);
      lines.push(`  ${(i === 0 ? name : '').padEnd(NAME_WIDTH - 2)}${digits}${text}`);
    }
  }
  if (length > max) lines.push(`${' '.repeat(NAME_WIDTH)}(${length - max} more bytes)`);
  return lines;
}

function contentLines(
  frame: DecodedFrame,
  progress: MessageProgress | undefined,
  options: FrameTextOptions,
): string[] {
  const { close, message } = frame;
  if (close !== undefined)
    return ['', `  close           ${describeCloseCode(close.code, close.reason)}`];
  if (message === undefined || progress === undefined) return [];
  const data = Buffer.from(message as string); // of a Buffer it makes a copy
  const { frames, length, isCompressed, isBinary } = progress;
  const inflated = isCompressed
    ? byteLines([{ name: 'inflated', bytes: data, hasText: true }], options)
    : [];
  const kind = typeof message === 'string' ? 'text' : isBinary ? 'binary' : 'not UTF-8';
  const size = isCompressed
    ? `${length} bytes inflated to ${data.length}`
    : count(data.length, 'byte');
  const of = frames === 1 ? '' : ` of ${frames} frames`;
  const shown = typeof message === 'string' ? message.slice(0, options.max) : undefined;
  const text = shown === undefined ? '' : `: ${escapeControls(JSON.stringify(shown))}`;
  const more = typeof message === 'string' && message.length > options.max ? ' …' : '';
  return [...inflated, '', `  message         ${kind}${of}, ${size}${text}${more}`];
}

function violationLines(
  violation: FrameViolation | undefined,
  { style, columns }: FrameTextOptions,
): string[] {
  if (violation === undefined) return [];
  const { code, closeCode, rfc, message } = violation;
  const text = `${message}. ${rfc}. The answer is a Close with ${describeCloseCode(closeCode)}. ${code}`;
  const lines = wrap(text, columns - NAME_WIDTH);
  return [
    '',
    ...lines.map(
      (line, i) => `  ${style.red((i === 0 ? 'VIOLATION' : '').padEnd(NAME_WIDTH - 2) + line)}`,
    ),
  ];
}
