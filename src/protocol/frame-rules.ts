/** RFC 6455 §5: what a frame's header may say. One rule a function, each named by its violation. */

import type { Violation } from './errors.js';
import { type FrameHeader, isMinimal, MAX_CONTROL_PAYLOAD, Opcode } from './frame.js';

const MAX_EXACT_LENGTH = Number.MAX_SAFE_INTEGER;

/**
 * Judges the first two bytes of a frame, as soon as they are there.
 * @param expectMask whether this end is a server
 * @param inMessage whether a fragmented message is in progress
 * @param owned the reserved bits that belong to an agreed extension
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

// RFC 6455 §5.2: a reserved bit MUST be 0 unless an extension was negotiated that uses it.
function checkReserved({ reserved, opcode }: FrameHeader, owned: number): Violation | undefined {
  if (reserved === 0) return undefined;
  // RFC 7692 §6.1: the bit marks a message; it stands on its first frame and on no control frame.
  const opensMessage = opcode === Opcode.TEXT || opcode === Opcode.BINARY;
  if (opensMessage && (reserved & ~owned) === 0) return undefined;
  return (reserved & 0b011) !== 0 ? 'UNEXPECTED_RSV_2_3' : 'UNEXPECTED_RSV_1';
}

function checkOpcode({ opcode }: FrameHeader, inMessage: boolean): Violation | undefined {
  switch (opcode) {
    case Opcode.CONTINUATION:
      // RFC 6455 §5.4: a continuation needs a message to continue.
      return inMessage ? undefined : 'INVALID_OPCODE';
    case Opcode.TEXT:
    case Opcode.BINARY:
      // RFC 6455 §5.4: the fragments of two messages MUST NOT be interleaved.
      return inMessage ? 'INVALID_OPCODE' : undefined;
    case Opcode.CLOSE:
    case Opcode.PING:
    case Opcode.PONG:
      return undefined;
    default:
      // RFC 6455 §5.2: an unknown opcode fails the connection.
      return 'INVALID_OPCODE';
  }
}

function checkControl({ opcode, fin, shortLength }: FrameHeader): Violation | undefined {
  if (opcode < Opcode.CLOSE) return undefined;
  // RFC 6455 §5.5: control frames MUST NOT be fragmented and carry at most 125 bytes.
  if (!fin) return 'EXPECTED_FIN';
  if (shortLength > MAX_CONTROL_PAYLOAD) return 'INVALID_CONTROL_PAYLOAD_LENGTH';
  // RFC 6455 §5.5.1: a Close carries nothing, or a code of two bytes and perhaps a reason.
  const halfACode = opcode === Opcode.CLOSE && shortLength === 1;
  return halfACode ? 'INVALID_CONTROL_PAYLOAD_LENGTH' : undefined;
}

// RFC 6455 §5.1: a server MUST NOT accept an unmasked frame, a client no masked one.
function checkMask({ masked }: FrameHeader, expectMask: boolean): Violation | undefined {
  if (masked === expectMask) return undefined;
  return expectMask ? 'EXPECTED_MASK' : 'UNEXPECTED_MASK';
}

/**
 * Judges the length that a whole header announces.
 * @param before bytes that the message has already
 * @param maxPayload the most that a message may have; 0 = no limit
 */
export function checkLength(
  header: FrameHeader,
  before: number,
  maxPayload: number,
): Violation | undefined {
  // RFC 6455 §5.2: the minimal number of bytes MUST be used to encode the length.
  if (!isMinimal(header)) return 'NON_MINIMAL_PAYLOAD_LENGTH';
  if (header.length > MAX_EXACT_LENGTH) return 'UNSUPPORTED_DATA_PAYLOAD_LENGTH';
  // RFC 6455 §10.4: a limit is what keeps a peer from exhausting memory.
  const tooLong = maxPayload > 0 && before + header.length > maxPayload;
  return tooLong ? 'UNSUPPORTED_MESSAGE_LENGTH' : undefined;
}
