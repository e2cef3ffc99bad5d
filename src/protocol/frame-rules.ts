/** RFC 6455 §5: the rules for the header of a frame. Each function returns the violation, if any. */

import type { Violation } from './errors.js';
import { type FrameHeader, isMinimal, MAX_CONTROL_PAYLOAD, Opcode } from './frame.js';

const MAX_EXACT_LENGTH = Number.MAX_SAFE_INTEGER;

/**
 * Checks the first two bytes of a frame. RFC 6455 §10.7 MUST: received data is always validated.
 * @param expectMask whether this end is a server
 * @param inMessage whether a fragmented message is in progress
 * @param owned the reserved bits that the negotiated extension uses
 */
export function checkHeaderStart(
  header: FrameHeader,
  expectMask: boolean,
  inMessage: boolean,
  owned: number,
): Violation | undefined {
  return (
    checkReserved(header, owned) ??
    checkOpcode(header, inMessage) ??
    checkControl(header) ??
    checkMask(header, expectMask)
  );
}

// RFC 6455 §5.2 MUST: a reserved bit that no negotiated extension uses fails the connection.
function checkReserved({ reserved, opcode }: FrameHeader, owned: number): Violation | undefined {
  if (reserved === 0) return undefined;
  // RFC 7692 §6.1 MUST: the bit on another frame than the first one of a message fails the connection.
  const opensMessage = opcode === Opcode.TEXT || opcode === Opcode.BINARY;
  if (opensMessage && (reserved & ~owned) === 0) return undefined;
  return (reserved & 0b011) !== 0 ? 'UNEXPECTED_RSV_2_3' : 'UNEXPECTED_RSV_1';
}

function checkOpcode({ opcode }: FrameHeader, inMessage: boolean): Violation | undefined {
  switch (opcode) {
    case Opcode.CONTINUATION:
      // RFC 6455 §5.4: a continuation frame continues a message.
      return inMessage ? undefined : 'INVALID_OPCODE';
    case Opcode.TEXT:
    case Opcode.BINARY:
      // RFC 6455 §5.4 MUST NOT: the fragments of two messages are not interleaved.
      return inMessage ? 'INVALID_OPCODE' : undefined;
    case Opcode.CLOSE:
    case Opcode.PING:
    case Opcode.PONG:
      return undefined;
    default:
      // RFC 6455 §5.2 MUST: an unknown opcode fails the connection.
      return 'INVALID_OPCODE';
  }
}

function checkControl({ opcode, fin, shortLength }: FrameHeader): Violation | undefined {
  if (opcode < Opcode.CLOSE) return undefined;
  // RFC 6455 §5.4, §5.5 MUST NOT: a control frame is not fragmented.
  if (!fin) return 'EXPECTED_FIN';
  // RFC 6455 §5.5 MUST: the payload of a control frame has at most 125 bytes.
  if (shortLength > MAX_CONTROL_PAYLOAD) return 'INVALID_CONTROL_PAYLOAD_LENGTH';
  // RFC 6455 §5.5.1 MUST: the payload of a Close is empty, or begins with a code of two bytes.
  const isCodeCut = opcode === Opcode.CLOSE && shortLength === 1;
  return isCodeCut ? 'INVALID_CONTROL_PAYLOAD_LENGTH' : undefined;
}

// RFC 6455 §5.1 MUST: a server accepts no unmasked frame, a client no masked one.
function checkMask({ masked }: FrameHeader, expectMask: boolean): Violation | undefined {
  if (masked === expectMask) return undefined;
  return expectMask ? 'EXPECTED_MASK' : 'UNEXPECTED_MASK';
}

/**
 * Checks the length in a complete header.
 * @param before the payload bytes that earlier frames of the message announced
 * @param maxPayload the maximum length of a message; 0 = no limit
 */
export function checkLength(
  header: FrameHeader,
  before: number,
  maxPayload: number,
): Violation | undefined {
  // RFC 6455 §5.2 MUST: the length is encoded in the minimal number of bytes.
  if (!isMinimal(header)) return 'NON_MINIMAL_PAYLOAD_LENGTH';
  // RFC 6455 §5.2 MUST: the most significant bit of a 64-bit length is 0. All lengths above 2^53 - 1
  // are refused as too big: a number cannot hold them exactly.
  if (header.length > MAX_EXACT_LENGTH) return 'UNSUPPORTED_DATA_PAYLOAD_LENGTH';
  // RFC 6455 §10.4 MUST: an endpoint protects itself from messages above its limits.
  const tooLong = maxPayload > 0 && before + header.length > maxPayload;
  return tooLong ? 'UNSUPPORTED_MESSAGE_LENGTH' : undefined;
}

/** RFC 6455 §5.5 MUST: the limit for control frames of the program. @throws RangeError above it */
export function checkControlLength(byteLength: number): void {
  if (byteLength <= MAX_CONTROL_PAYLOAD) return;
  throw new RangeError('The data size must not be greater than 125 bytes');
}
