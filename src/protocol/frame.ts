/**
 * RFC 6455 §5.2: reads and writes the header of a frame.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-------+-+-------------+-------------------------------+
 * |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
 * |I|S|S|S|  (4)  |A|     (7)     |    (16 or 64 bits, if the     |
 * |N|V|V|V|       |S|             |    length is 126 or 127)      |
 * | |1|2|3|       |K|             |                               |
 * +-+-+-+-+-------+-+-------------+ - - - - - - - - - - - - - - - +
 * |         Masking key (32 bits, if MASK is set)                 |
 * +---------------------------------------------------------------+
 * ```
 */

/** RFC 6455 §5.2, §11.8: the type of a frame. 8 and above are control frames. */
export const Opcode = {
  CONTINUATION: 0x0,
  TEXT: 0x1,
  BINARY: 0x2,
  CLOSE: 0x8,
  PING: 0x9,
  PONG: 0xa,
} as const;

/** The FIN bit in the first byte: the last frame of a message. */
export const FIN = 0x80;

/** RFC 6455 §5.5 MUST: the payload of a control frame has at most this many bytes. */
export const MAX_CONTROL_PAYLOAD = 125;

/** RFC 6455 §5.5 MUST: the reason of a Close, beside the two bytes of its code, has at most this many. */
export const MAX_CLOSE_REASON = MAX_CONTROL_PAYLOAD - 2;

const MASK = 0x80;
const LENGTH_16_BITS = 126;
const LENGTH_64_BITS = 127;
const TWO_POW_32 = 0x1_0000_0000;
const TWO_POW_16 = 0x1_0000;

/** Whether the first byte is that of a data frame. RFC 6455 §5.6. */
export function isDataFrame(firstByte: number): boolean {
  return (firstByte & 0xf) < Opcode.CLOSE;
}

/** The header of a frame. Reading reuses one object for all frames. */
export class FrameHeader {
  fin = false;
  /** RSV1 = 4, RSV2 = 2, RSV3 = 1. */
  reserved = 0;
  opcode = 0;
  masked = false;
  /** The seven length bits of the second byte. 126 and 127 mean that a longer field follows. */
  shortLength = 0;
  /** The length of the payload in bytes. Above 2^53 it is not exact. */
  length = 0;
  /** The masking key, first byte lowest; 0 if there is none. */
  maskingKey = 0;
  /** The size of the header in bytes, as far as it is known. */
  size = 2;
}

function byteAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] as number; // the caller has checked the range
}

/**
 * Reads the header at `offset`, up to `end`.
 * @returns whether the header is complete. If not, `size` is the number of bytes needed; if two bytes
 * are available, their fields are set
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

/** RFC 6455 §5.2: whether the length is encoded in the minimal number of bytes. */
export function isMinimal(header: FrameHeader): boolean {
  if (header.shortLength < LENGTH_16_BITS) return true;
  return header.length >= (header.shortLength === LENGTH_16_BITS ? LENGTH_16_BITS : TWO_POW_16);
}

/** Returns the size of a header, for a payload of `length` bytes. */
export function sizeOfHeader(length: number, masked: boolean): number {
  const size = masked ? 6 : 2;
  if (length < LENGTH_16_BITS) return size;
  return length < TWO_POW_16 ? size + 2 : size + 8;
}

/**
 * Writes a frame's header at `offset`.
 * @param first the first byte: FIN, reserved bits, opcode
 * @param maskingKey its first byte lowest; read only if `masked`
 * @returns the offset of the payload
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
  // RFC 6455 §5.3 MUST: the MASK bit of a masked frame is set.
  const payload = writeLength(bytes, offset + 1, length, masked ? MASK : 0);
  if (!masked) return payload;
  bytes[payload] = maskingKey;
  bytes[payload + 1] = maskingKey >>> 8;
  bytes[payload + 2] = maskingKey >>> 16;
  bytes[payload + 3] = maskingKey >>> 24;
  return payload + 4;
}

// RFC 6455 §5.2 MUST: the length is encoded in the minimal number of bytes.
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
