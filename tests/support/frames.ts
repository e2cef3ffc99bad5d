/**
 * Frames written and read by hand, straight from the picture in RFC 6455 §5.2. Nothing here comes
 * from `src`: the product must not check itself.
 */

export const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

export interface FrameOptions {
  /** default true */
  fin?: boolean;
  /** RSV1 = 4, RSV2 = 2, RSV3 = 1; default 0 */
  rsv?: number;
  /** default text */
  opcode?: number;
  /** Text is encoded as UTF-8; default empty. */
  payload?: Buffer | string;
  /** The masking key of four bytes. Given = masked, as a client must; absent = unmasked. */
  mask?: Buffer | undefined;
  /** How the length is written: 7, 16 or 64 bits; default the shortest that holds it. */
  lengthBits?: 7 | 16 | 64;
  /** A length to announce instead of the true one. */
  announce?: bigint | number;
}

/** A masking key for tests that do not care which. */
export const KEY = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

function lengthField(length: bigint, bits: 7 | 16 | 64): { seven: number; extended: Buffer } {
  if (bits === 7) return { seven: Number(length), extended: Buffer.alloc(0) };
  if (bits === 16) {
    const extended = Buffer.alloc(2);
    extended.writeUInt16BE(Number(length));
    return { seven: 126, extended };
  }
  const extended = Buffer.alloc(8);
  extended.writeBigUInt64BE(length);
  return { seven: 127, extended };
}

function shortest(length: bigint): 7 | 16 | 64 {
  if (length < 126n) return 7;
  return length < 65536n ? 16 : 64;
}

/** The bytes of one frame. */
export function frame(options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, opcode = OPCODE.TEXT, mask } = options;
  const payload = Buffer.from(options.payload ?? '');
  const length = BigInt(options.announce ?? payload.length);
  const { seven, extended } = lengthField(length, options.lengthBits ?? shortest(length));
  const head = Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode, (mask ? 0x80 : 0) | seven]);
  if (mask === undefined) return Buffer.concat([head, extended, payload]);
  const masked = payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0));
  return Buffer.concat([head, extended, mask, masked]);
}

/** The payload of a Close frame; no code = empty. */
export function closePayload(code?: number, reason: Buffer | string = ''): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
}

export interface SeenFrame {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  /** unmasked */
  payload: Buffer;
}

/** Reads every whole frame of `bytes` and says how many bytes were left over. */
export function readFrames(bytes: Buffer): { frames: SeenFrame[]; rest: Buffer } {
  const frames: SeenFrame[] = [];
  let offset = 0;
  for (;;) {
    const one = readOne(bytes, offset);
    if (one === undefined) return { frames, rest: bytes.subarray(offset) };
    frames.push(one.frame);
    offset = one.end;
  }
}

function readOne(bytes: Buffer, start: number): { frame: SeenFrame; end: number } | undefined {
  if (bytes.length < start + 2) return undefined;
  const first = bytes.readUInt8(start);
  const second = bytes.readUInt8(start + 1);
  const masked = (second & 0x80) !== 0;
  let length = second & 0x7f;
  let offset = start + 2;
  if (length === 126) {
    if (bytes.length < offset + 2) return undefined;
    length = bytes.readUInt16BE(offset);
    offset += 2;
  } else if (length === 127) {
    if (bytes.length < offset + 8) return undefined;
    length = Number(bytes.readBigUInt64BE(offset));
    offset += 8;
  }
  const key = bytes.subarray(offset, offset + (masked ? 4 : 0));
  offset += masked ? 4 : 0;
  const end = offset + length;
  if (bytes.length < end) return undefined;
  const payload = Buffer.from(bytes.subarray(offset, end));
  if (masked) for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (key[i % 4] ?? 0);
  const frame = {
    fin: (first & 0x80) !== 0,
    rsv: (first >> 4) & 7,
    opcode: first & 0x0f,
    masked,
    payload,
  };
  return { frame, end };
}
