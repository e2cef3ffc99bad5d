/** RFC 6455 §5.2: the layout of a frame's header, read and written. */

/** RFC 6455 §5.2, §11.8: what a frame is. 8 and above are control frames. */
export const Opcode = {
  CONTINUATION: 0x0,
  TEXT: 0x1,
  BINARY: 0x2,
  CLOSE: 0x8,
  PING: 0x9,
  PONG: 0xa,
} as const;

/** The first byte's FIN bit: the last frame of a message. */
export const FIN = 0x80;

/** The longest header: two bytes, a 64-bit length and a masking key. */
export const LONGEST_HEADER = 14;

/** The longest payload of a control frame (RFC 6455 §5.5). */
export const MAX_CONTROL_PAYLOAD = 125;

const MASK = 0x80;
const LENGTH_16_BITS = 126;
const LENGTH_64_BITS = 127;
const TWO_POW_32 = 0x1_0000_0000;
const TWO_POW_16 = 0x1_0000;

/** Whether a frame carries data of a message: its opcode, in the first byte, says so. RFC 6455 §5.6. */
export function isDataFrame(firstByte: number): boolean {
  return (firstByte & 0xf) < Opcode.CLOSE;
}

/** One frame's header. A receiver has one of these and reads every header into it. */
export class FrameHeader {
  fin = false;
  /** RSV1 = 4, RSV2 = 2, RSV3 = 1. */
  reserved = 0;
  opcode = 0;
  masked = false;
  /** The seven bits of the second byte: a length below 126, or how long the length field is. */
  shortLength = 0;
  /** The payload's length in bytes; above 2^53 it is no longer exact. */
  length = 0;
  /** The masking key, its first byte lowest; 0 if there is none. */
  maskingKey = 0;
  /** How many bytes the header takes, as far as it is known. */
  size = 2;
}

/** The byte at `offset`, which the caller knows to lie inside `bytes`. */
function byteAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] as number; // in range by the caller's word
}

/**
 * Reads the header at `offset` as far as the bytes before `end` reach.
 * @returns whether it is whole. If not, the fields of its first two bytes are set when both were
 * there, and `size` says how many bytes it will take.
 */
export function readHeader(
  bytes: Uint8Array,
  offset: number,
  end: number,
  header: FrameHeader,
): boolean {
  if (end - offset < 2) {
    header.size = 2;
    return false;
  }
  const first = byteAt(bytes, offset);
  const second = byteAt(bytes, offset + 1);
  header.fin = (first & FIN) !== 0;
  header.reserved = (first >> 4) & 0x7;
  header.opcode = first & 0xf;
  header.masked = (second & MASK) !== 0;
  header.shortLength = second & 0x7f;
  header.size = sizeByShortLength(header.shortLength, header.masked);
  if (end - offset < header.size) return false;
  header.length = readLength(bytes, offset + 2, header.shortLength);
  header.maskingKey = header.masked ? readKey(bytes, offset + header.size - 4) : 0;
  return true;
}

function sizeByShortLength(shortLength: number, masked: boolean): number {
  const size = masked ? 6 : 2;
  if (shortLength < LENGTH_16_BITS) return size;
  return shortLength === LENGTH_16_BITS ? size + 2 : size + 8;
}

function readLength(bytes: Uint8Array, offset: number, shortLength: number): number {
  if (shortLength < LENGTH_16_BITS) return shortLength;
  if (shortLength === LENGTH_16_BITS) {
    return (byteAt(bytes, offset) << 8) | byteAt(bytes, offset + 1);
  }
  return readWord(bytes, offset) * TWO_POW_32 + readWord(bytes, offset + 4);
}

function readWord(bytes: Uint8Array, offset: number): number {
  const high = (byteAt(bytes, offset) << 8) | byteAt(bytes, offset + 1);
  const low = (byteAt(bytes, offset + 2) << 8) | byteAt(bytes, offset + 3);
  return high * TWO_POW_16 + low;
}

function readKey(bytes: Uint8Array, offset: number): number {
  return (
    byteAt(bytes, offset) |
    (byteAt(bytes, offset + 1) << 8) |
    (byteAt(bytes, offset + 2) << 16) |
    (byteAt(bytes, offset + 3) << 24)
  );
}

/** Whether the length field was as short as the length allows. */
export function isMinimal(header: FrameHeader): boolean {
  if (header.shortLength < LENGTH_16_BITS) return true;
  return header.length >= (header.shortLength === LENGTH_16_BITS ? LENGTH_16_BITS : TWO_POW_16);
}

/** How many bytes the header of a frame with this payload takes. */
export function sizeOfHeader(length: number, masked: boolean): number {
  const size = masked ? 6 : 2;
  if (length < LENGTH_16_BITS) return size;
  return length < TWO_POW_16 ? size + 2 : size + 8;
}

/**
 * Writes a frame's header at `offset`.
 * @param first FIN, reserved bits and opcode, as they stand in the first byte
 * @param maskingKey its first byte lowest; read only if `masked`
 * @returns where the payload begins
 */
export function writeHeader(
  bytes: Uint8Array,
  offset: number,
  first: number,
  length: number,
  masked: boolean,
  maskingKey: number,
): number {
  bytes[offset] = first;
  const payload = writeLength(bytes, offset + 1, length, masked ? MASK : 0);
  if (!masked) return payload;
  bytes[payload] = maskingKey;
  bytes[payload + 1] = maskingKey >>> 8;
  bytes[payload + 2] = maskingKey >>> 16;
  bytes[payload + 3] = maskingKey >>> 24;
  return payload + 4;
}

// RFC 6455 §5.2: the length stands in the shortest of its three forms.
function writeLength(bytes: Uint8Array, offset: number, length: number, mask: number): number {
  if (length < LENGTH_16_BITS) {
    bytes[offset] = mask | length;
    return offset + 1;
  }
  if (length < TWO_POW_16) {
    bytes[offset] = mask | LENGTH_16_BITS;
    bytes[offset + 1] = length >>> 8;
    bytes[offset + 2] = length;
    return offset + 3;
  }
  bytes[offset] = mask | LENGTH_64_BITS;
  writeWord(bytes, offset + 1, Math.floor(length / TWO_POW_32));
  writeWord(bytes, offset + 5, length % TWO_POW_32);
  return offset + 9;
}

function writeWord(bytes: Uint8Array, offset: number, word: number): void {
  bytes[offset] = word >>> 24;
  bytes[offset + 1] = word >>> 16;
  bytes[offset + 2] = word >>> 8;
  bytes[offset + 3] = word;
}
