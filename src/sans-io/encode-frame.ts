/** RFC 6455 §5.2: writes one frame, also one that breaks a rule if its fields say so. */

import { Buffer } from 'node:buffer';
import { describeValue } from '../connection/check-options.js';
import { FIN, Opcode } from '../protocol/frame.js';
import { randomMaskingKeys, unmaskInto } from '../protocol/mask.js';
import { copyOf, viewOf } from './to-bytes.js';

/** The fields of a frame for {@link encodeFrame}, named as those of a {@link DecodedFrame}. */
export interface FrameFields {
  /** 0 to 15, such as `Opcode.TEXT`. Default: text for a string, else binary. */
  readonly opcode?: number | undefined;
  /** A string is written as UTF-8. Default: empty. */
  readonly payload?: Uint8Array | string | undefined;
  /** Whether this is the last frame of its message. Default true. RFC 6455 §5.4. */
  readonly fin?: boolean | undefined;
  /** The bit of permessage-deflate, which does not compress the payload. Default false. RFC 7692 §6. */
  readonly rsv1?: boolean | undefined;
  /** RSV2. Default false. */
  readonly rsv2?: boolean | undefined;
  /** RSV3. Default false. */
  readonly rsv3?: boolean | undefined;
  /** Whether the payload is masked, as those of a client are. Default: if `maskingKey` is given. */
  readonly masked?: boolean | undefined;
  /** The four bytes to mask with. Default: random ones. */
  readonly maskingKey?: Uint8Array | undefined;
  /** How many bits the length has. Default: as few as possible, as RFC 6455 §5.2 demands. */
  readonly lengthBits?: 7 | 16 | 64 | undefined;
  /** A length to write in place of that of the payload. */
  readonly announcedLength?: number | bigint | undefined;
}

/** The maximum length in each form. 126 and 127 announce a longer form. */
const MAX_LENGTHS = { 7: 125n, 16: 0xffffn, 64: 0xffff_ffff_ffff_ffffn } as const;

/**
 * Writes a frame. The rules of RFC 6455 are not checked, so that a test can send what its peer must
 * refuse.
 * @throws RangeError for a value that its field cannot hold; TypeError for one of the wrong type
 */
export function encodeFrame(fields: FrameFields): Buffer {
  const payload = copyOf(fields.payload ?? '');
  const key = keyOf(fields);
  const length = lengthOf(fields, payload);
  const bits = fields.lengthBits ?? fewestBits(length);
  const header = Buffer.from([firstByteOf(fields), 0, ...extendedLength(length, bits), ...key]);
  const short = bits === 7 ? Number(length) : bits === 16 ? 126 : 127;
  header[1] = (key.length > 0 ? 0x80 : 0) | short;
  const frame = Buffer.alloc(header.length + payload.length);
  frame.set(header);
  const word = key.length > 0 ? key.readInt32LE() : 0; // 0 masks nothing
  unmaskInto(frame, header.length, payload, 0, payload.length, word);
  return frame;
}

function firstByteOf(fields: FrameFields): number {
  const { fin = true, rsv1 = false, rsv2 = false, rsv3 = false } = fields;
  const reserved = (rsv1 ? 0x40 : 0) | (rsv2 ? 0x20 : 0) | (rsv3 ? 0x10 : 0);
  return (fin ? FIN : 0) | reserved | opcodeOf(fields);
}

function opcodeOf({ opcode, payload = '' }: FrameFields): number {
  if (opcode === undefined) return typeof payload === 'string' ? Opcode.TEXT : Opcode.BINARY;
  if (Number.isInteger(opcode) && opcode >= 0 && opcode <= 15) return opcode;
  throw new RangeError(
    `An opcode has four bits, so it is a whole number from 0 to 15: ${describeValue(opcode)} was given`,
  );
}

/** @returns the masking key; empty if the frame is not masked */
function keyOf({ maskingKey, masked = maskingKey !== undefined }: FrameFields): Buffer {
  if (!masked) return Buffer.alloc(0);
  if (maskingKey === undefined) return randomKey();
  const key = viewOf(maskingKey);
  if (key.length === 4) return key;
  throw new RangeError(`A masking key has four bytes: ${key.length} were given`);
}

function randomKey(): Buffer {
  const key = Buffer.alloc(4);
  key.writeInt32LE(randomMaskingKeys().next());
  return key;
}

function lengthOf({ announcedLength, lengthBits = 64 }: FrameFields, payload: Buffer): bigint {
  const given = announcedLength ?? payload.length;
  const max = MAX_LENGTHS[lengthBits];
  if (max === undefined) {
    throw new RangeError(
      `A length has 7, 16 or 64 bits: ${describeValue(lengthBits)} was given for lengthBits`,
    );
  }
  const isWhole = typeof given === 'bigint' || Number.isInteger(given);
  if (isWhole && given >= 0 && given <= max) return BigInt(given);
  throw new RangeError(
    `A length of ${lengthBits} bits is a whole number up to ${max}: it would be ${given} here`,
  );
}

function fewestBits(length: bigint): 7 | 16 | 64 {
  if (length <= MAX_LENGTHS[7]) return 7;
  return length <= MAX_LENGTHS[16] ? 16 : 64;
}

function extendedLength(length: bigint, bits: 7 | 16 | 64): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(length);
  return bytes.subarray(bits === 7 ? 8 : bits === 16 ? 6 : 0);
}
