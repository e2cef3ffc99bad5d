/** RFC 6455 §5.2: the header of a frame, field by field, with its bits and what they mean. */

import { type FrameHeader, Opcode } from '../protocol/frame.js';
import { spaced } from './to-bytes.js';

/** One field in the header of a frame. */
export interface FrameField {
  /** Its name in the figure of RFC 6455 §5.2, such as 'FIN' or 'Masking-key'. */
  readonly name: string;
  /** Its bits as text, the first one first. */
  readonly bits: string;
  /** The index of its first bit in the frame. */
  readonly bitOffset: number;
  /** What this value means, in English. */
  readonly meaning: string;
  /** The section that defines it. */
  readonly rfc: string;
}

const FRAMING = 'RFC 6455 §5.2';

const OPCODE_NAMES: Readonly<Record<number, string>> = {
  [Opcode.CONTINUATION]: 'continuation',
  [Opcode.TEXT]: 'text',
  [Opcode.BINARY]: 'binary',
  [Opcode.CLOSE]: 'close',
  [Opcode.PING]: 'ping',
  [Opcode.PONG]: 'pong',
};

/** The name of an opcode; 'reserved' if RFC 6455 §11.8 has none. */
export function nameOfOpcode(opcode: number): string {
  return OPCODE_NAMES[opcode] ?? 'reserved';
}

/** A field of the figure. */
interface Layout {
  readonly name: string;
  /** The number of its bits. */
  readonly length: number;
  readonly rfc: string;
  readonly describe: (bits: string) => string;
}

/**
 * Describes the fields of a header that are complete.
 * @param bytes the frame or its beginning, at least two bytes
 */
export function describeFields(bytes: Uint8Array, header: FrameHeader): FrameField[] {
  const fields: FrameField[] = [];
  const all = bitsOf(bytes.subarray(0, header.size));
  let bitOffset = 0;
  for (const { name, length, rfc, describe } of layoutOf(header)) {
    if (bitOffset + length > all.length) break;
    const bits = all.slice(bitOffset, bitOffset + length);
    fields.push({ name, bits, bitOffset, meaning: describe(bits), rfc });
    bitOffset += length;
  }
  return fields;
}

function layoutOf(header: FrameHeader): Layout[] {
  const { masked, shortLength } = header;
  const layout = [...layoutOfFirstByte(header), field('MASK', 1, 'RFC 6455 §5.1', describeMask)];
  if (shortLength < 126) layout.push(field('Payload len', 7, FRAMING, describeLength));
  else {
    const bits = shortLength === 126 ? 16 : 64;
    const follows = () => `${shortLength}: the length is in the next ${bits} bits`;
    layout.push(field('Payload len', 7, FRAMING, follows));
    layout.push(field('Extended payload length', bits, FRAMING, describeLength));
  }
  if (masked) layout.push(field('Masking-key', 32, 'RFC 6455 §5.3', describeKey));
  return layout;
}

function field(
  name: string,
  length: number,
  rfc: string,
  describe: (bits: string) => string,
): Layout {
  return { name, length, rfc, describe };
}

function layoutOfFirstByte({ opcode }: FrameHeader): Layout[] {
  const isControl = opcode >= Opcode.CLOSE;
  const kind = isControl ? 'control frame' : 'data frame';
  const startsMessage = opcode === Opcode.TEXT || opcode === Opcode.BINARY;
  return [
    field('FIN', 1, isControl ? 'RFC 6455 §5.5' : 'RFC 6455 §5.4', (bits) =>
      describeFin(bits, isControl),
    ),
    field('RSV1', 1, startsMessage ? 'RFC 7692 §6' : FRAMING, (bits) =>
      startsMessage ? describeCompression(bits) : describeReserved(bits),
    ),
    field('RSV2', 1, FRAMING, describeReserved),
    field('RSV3', 1, FRAMING, describeReserved),
    field(
      'opcode',
      4,
      isControl ? 'RFC 6455 §5.5' : 'RFC 6455 §5.6',
      () => `${opcode}: ${nameOfOpcode(opcode)}, a ${kind}`,
    ),
  ];
}

function describeFin(bit: string, isControl: boolean): string {
  if (isControl) return bit === '1' ? 'a control frame is never fragmented' : 'must be 1';
  return bit === '1' ? 'the last frame of its message' : 'more frames of this message follow';
}

function describeCompression(bit: string): string {
  return bit === '1' ? 'permessage-deflate: compressed' : 'the message is not compressed';
}

function describeReserved(bit: string): string {
  return bit === '0' ? 'reserved: 0' : 'reserved: must be 0';
}

function describeMask(bit: string): string {
  return bit === '1' ? 'masked, as a client sends it' : 'not masked, as a server sends it';
}

function describeLength(bits: string): string {
  const length = BigInt(`0b${bits}`); // 64 bits are more than a number holds exactly
  return length === 1n ? '1 byte of payload' : `${length} bytes of payload`;
}

function describeKey(bits: string): string {
  const digits = Number.parseInt(bits, 2).toString(16).padStart(8, '0');
  return `each byte of the payload is XORed with one of ${spaced(digits)}`;
}

function bitsOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
}
