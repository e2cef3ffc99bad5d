/** RFC 6455 §5.2: the header of a frame, field by field, with the bits and their meaning. */

import { type FrameHeader, Opcode } from '../protocol/frame.js';

/** One field of a frame's header. */
export interface FrameField {
  /** As in the figure of RFC 6455 §5.2. */
  readonly name: string;
  /** The bits as they are sent. */
  readonly bits: string;
  /** The index of the first bit in the frame. */
  readonly offset: number;
  /** What the value means. */
  readonly meaning: string;
  /** The section of the rule. */
  readonly rfc: string;
}

const OPCODE_NAMES: Readonly<Record<number, string>> = {
  [Opcode.CONTINUATION]: 'continuation',
  [Opcode.TEXT]: 'text',
  [Opcode.BINARY]: 'binary',
  [Opcode.CLOSE]: 'close',
  [Opcode.PING]: 'ping',
  [Opcode.PONG]: 'pong',
};

/** The name of an opcode. RFC 6455 §11.8. */
export function opcodeName(opcode: number): string {
  return OPCODE_NAMES[opcode] ?? `reserved ${opcode}`;
}

/** Lists the fields of a complete header. @param bytes the frame, from its first byte on */
export function describeFields(bytes: Uint8Array, header: FrameHeader): FrameField[] {
  const fields = [...describeFirstByte(header), ...describeLength(header)];
  if (header.masked) fields.push(describeKey(header));
  return locate(bytes, fields);
}

interface Unlocated {
  readonly name: string;
  readonly length: number;
  readonly meaning: string;
  readonly rfc: string;
}

function field(name: string, length: number, meaning: string, rfc: string): Unlocated {
  return { name, length, meaning, rfc };
}

function describeFirstByte({ fin, reserved, opcode }: FrameHeader): Unlocated[] {
  const isControl = opcode >= Opcode.CLOSE;
  const kind = isControl ? 'a control frame' : 'a data frame';
  return [
    field('FIN', 1, fin ? 'the last frame of its message' : 'more frames follow', 'RFC 6455 §5.2'),
    field('RSV1', 1, describeReserved(reserved & 4, 1), 'RFC 7692 §6'),
    field('RSV2', 1, describeReserved(reserved & 2, 2), 'RFC 6455 §5.2'),
    field('RSV3', 1, describeReserved(reserved & 1, 3), 'RFC 6455 §5.2'),
    field(
      'opcode',
      4,
      `${opcodeName(opcode)}, ${kind}`,
      isControl ? 'RFC 6455 §5.5' : 'RFC 6455 §5.6',
    ),
  ];
}

function describeReserved(bit: number, number: number): string {
  if (bit === 0) return number === 1 ? 'not compressed' : 'must be 0';
  return number === 1 ? 'a compressed message, with permessage-deflate' : 'must be 0, and is not';
}

function describeLength({ masked, shortLength, length }: FrameHeader): Unlocated[] {
  const rfc = 'RFC 6455 §5.2';
  const mask = masked ? 'masked: a client sent it' : 'not masked: a server sent it';
  const fields = [field('MASK', 1, mask, 'RFC 6455 §5.1')];
  if (shortLength < 126) {
    return [...fields, field('Payload len', 7, `${length} bytes of payload`, rfc)];
  }
  const bits = shortLength === 126 ? 16 : 64;
  return [
    ...fields,
    field('Payload len', 7, `the length is in the next ${bits} bits`, rfc),
    field('Extended payload length', bits, `${length} bytes of payload`, rfc),
  ];
}

function describeKey({ maskingKey }: FrameHeader): Unlocated {
  const octets = [0, 8, 16, 24].map((shift) => (maskingKey >>> shift) & 0xff);
  const text = octets.map((octet) => octet.toString(16).padStart(2, '0')).join(' ');
  return field(
    'Masking-key',
    32,
    `each byte of the payload is XORed with ${text}`,
    'RFC 6455 §5.3',
  );
}

function locate(bytes: Uint8Array, fields: readonly Unlocated[]): FrameField[] {
  let offset = 0;
  return fields.map(({ name, length, meaning, rfc }) => {
    const bits = readBits(bytes, offset, length);
    offset += length;
    return { name, bits, offset: offset - length, meaning, rfc };
  });
}

function readBits(bytes: Uint8Array, offset: number, length: number): string {
  let bits = '';
  for (let i = offset; i < offset + length; i++) {
    bits += ((bytes[i >> 3] as number) >> (7 - (i & 7))) & 1; // the header is complete
  }
  return bits;
}
