/** RFC 6455 §5.2: writes one frame, also one that breaks a rule if its fields say so. */

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { FIN, Opcode, sizeOfHeader, writeHeader } from '../protocol/frame.js';
import { unmaskInto } from '../protocol/mask.js';

/** The fields of a frame. */
export interface FrameFields {
  /** The opcode; default: 1 for a string, else 2. */
  readonly opcode?: number | undefined;
  /** Default: an empty payload. A string is written as UTF-8. */
  readonly payload?: Uint8Array | string | undefined;
  /** Default: true. */
  readonly fin?: boolean | undefined;
  readonly rsv1?: boolean | undefined;
  readonly rsv2?: boolean | undefined;
  readonly rsv3?: boolean | undefined;
  /** Whether the frame is masked, as those of a client, or its masking key of four bytes; default: false. */
  readonly mask?: boolean | Uint8Array | undefined;
}

/**
 * Writes a frame. The opcode, the reserved bits and the length of a control frame are not checked, so
 * that a test can send what a peer must refuse.
 * @throws RangeError for an opcode above 15, and a masking key that has not four bytes
 */
export function encodeFrame(fields: FrameFields): Buffer {
  const { payload = '', fin = true } = fields;
  const body = typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(payload);
  const key = keyOf(fields.mask);
  const masked = key !== undefined;
  const frame = Buffer.alloc(sizeOfHeader(body.length, masked) + body.length);
  const first = (fin ? FIN : 0) | reservedBits(fields) | opcodeOf(fields);
  const word = key?.readInt32LE(0) ?? 0;
  const start = writeHeader(frame, 0, first, body.length, masked, word);
  unmaskInto(frame, start, body, 0, body.length, word);
  return frame;
}

function opcodeOf({ opcode, payload = '' }: FrameFields): number {
  if (opcode === undefined) return typeof payload === 'string' ? Opcode.TEXT : Opcode.BINARY;
  if (Number.isInteger(opcode) && opcode >= 0 && opcode <= 15) return opcode;
  throw new RangeError(`An opcode has four bits, so it is a whole number from 0 to 15: ${opcode}`);
}

function reservedBits({ rsv1, rsv2, rsv3 }: FrameFields): number {
  return (rsv1 ? 0x40 : 0) | (rsv2 ? 0x20 : 0) | (rsv3 ? 0x10 : 0);
}

/** RFC 6455 §5.3 MUST: a masking key is chosen at random for each frame. */
function keyOf(mask: boolean | Uint8Array | undefined): Buffer | undefined {
  if (mask === undefined || mask === false) return undefined;
  if (mask === true) return randomBytes(4);
  if (mask.length === 4) return Buffer.from(mask);
  throw new RangeError(`A masking key has four bytes: ${mask.length} were given`);
}
