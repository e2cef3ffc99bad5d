/** RFC 6455 §5.2: reads the fields of a frame, writes them, and says which rule its header breaks. */

const OPCODES = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

export const nameOfOpcode = (opcode) => OPCODES[opcode] ?? 'reserved';

/** Reads what the second byte says: the short length, the bytes of the long one, and where the payload starts. */
function layoutOf([, second]) {
  const short = second & 0x7f;
  const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
  const masked = second > 0x7f;
  return { short, extended, masked, start: 2 + extended + (masked ? 4 : 0) };
}

/** RFC 6455 §5.3: the bytes of the payload that are there, unmasked. */
export function payloadOf(bytes) {
  const { masked, start } = layoutOf(bytes);
  const key = bytes.slice(start - 4, start);
  return bytes.slice(start).map((byte, i) => (masked ? byte ^ key[i % 4] : byte));
}

/** @returns the fields of a complete frame, its payload unmasked; undefined if it is not complete */
export function parseFrame(bytes) {
  if (bytes.length < 2) return undefined;
  const [first] = bytes;
  const { short, extended, masked, start } = layoutOf(bytes);
  if (bytes.length < start) return undefined;
  let length = extended > 0 ? 0 : short;
  for (let i = 2; i < 2 + extended; i += 1) length = length * 256 + bytes[i];
  if (bytes.length !== start + length) return undefined;
  return {
    fin: (first & 0x80) !== 0,
    rsv1: (first & 0x40) !== 0,
    rsv2: (first & 0x20) !== 0,
    rsv3: (first & 0x10) !== 0,
    opcode: first & 0xf,
    masked,
    maskingKey: masked ? bytes.slice(start - 4, start) : new Uint8Array(4),
    lengthBits: extended === 0 ? 7 : extended * 8,
    payload: payloadOf(bytes),
  };
}

/** The shortest form that holds a length. */
export const shortestForm = (length) => (length < 126 ? 7 : length < 65_536 ? 16 : 64);

/** @returns the bytes of the frame; undefined if the form cannot hold the length */
export function buildFrame(fields) {
  const { payload, lengthBits, masked, maskingKey } = fields;
  const { length } = payload;
  if (shortestForm(length) > lengthBits) return undefined;
  const extended = lengthBits === 7 ? 0 : lengthBits / 8;
  const short = lengthBits === 7 ? length : lengthBits === 16 ? 126 : 127;
  const start = 2 + extended + (masked ? 4 : 0);
  const bytes = new Uint8Array(start + length);
  bytes[0] = firstByteOf(fields);
  bytes[1] = (masked ? 0x80 : 0) | short;
  for (let i = 0, rest = length; i < extended; i += 1, rest = Math.floor(rest / 256)) {
    bytes[1 + extended - i] = rest % 256;
  }
  if (masked) bytes.set(maskingKey, start - 4);
  for (let i = 0; i < length; i += 1) {
    bytes[start + i] = masked ? payload[i] ^ maskingKey[i % 4] : payload[i];
  }
  return bytes;
}

const firstByteOf = ({ fin, rsv1, rsv2, rsv3, opcode }) =>
  (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | (rsv2 ? 0x20 : 0) | (rsv3 ? 0x10 : 0) | opcode;

/**
 * @param from who sends the frame
 * @param context `inMessage`: a fragmented message is in progress; `compressed`: permessage-deflate is used
 * @returns the first rule that the header breaks, as in the library's table; undefined if it breaks none
 */
export function brokenRule(fields, from, { inMessage, compressed }) {
  const { fin, rsv1, rsv2, rsv3, opcode, masked, lengthBits, payload } = fields;
  const opens = opcode === 1 || opcode === 2;
  const isControl = opcode >= 8;
  if (rsv2 || rsv3) return 'UNEXPECTED_RSV_2_3';
  if (rsv1 && !(opens && compressed)) return 'UNEXPECTED_RSV_1';
  if (nameOfOpcode(opcode) === 'reserved') return 'INVALID_OPCODE';
  if (!isControl && opens === inMessage) return 'INVALID_OPCODE';
  if (isControl && !fin) return 'EXPECTED_FIN';
  if (isControl && lengthBits > 7) return 'INVALID_CONTROL_PAYLOAD_LENGTH';
  if (opcode === 8 && payload.length === 1) return 'INVALID_CONTROL_PAYLOAD_LENGTH';
  if (masked !== (from === 'client')) return masked ? 'UNEXPECTED_MASK' : 'EXPECTED_MASK';
  if (lengthBits !== shortestForm(payload.length)) return 'NON_MINIMAL_PAYLOAD_LENGTH';
  return undefined;
}
