/** RFC 6455 §7: close codes, the payload of a Close frame, and the closing handshake as a table. */

import { Buffer, isUtf8 } from 'node:buffer';
import { ProtocolError } from './errors.js';
import { MAX_CONTROL_PAYLOAD } from './frame.js';

/** The close codes of RFC 6455 §7.4.1 and of its IANA registry. */
export const CloseCode = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  UNSUPPORTED_DATA: 1003,
  /** Reserved. */
  RESERVED: 1004,
  /** Never sent: the peer's Close had no code. */
  NO_STATUS: 1005,
  /** Never sent: the connection ended without a Close. */
  ABNORMAL: 1006,
  INVALID_PAYLOAD: 1007,
  POLICY_VIOLATION: 1008,
  MESSAGE_TOO_BIG: 1009,
  MANDATORY_EXTENSION: 1010,
  INTERNAL_ERROR: 1011,
  SERVICE_RESTART: 1012,
  TRY_AGAIN_LATER: 1013,
  BAD_GATEWAY: 1014,
  /** Never sent: the TLS handshake failed. */
  TLS_HANDSHAKE: 1015,
} as const;

/** The maximum length of a close reason: a control payload without the code. */
export const MAX_CLOSE_REASON = MAX_CONTROL_PAYLOAD - 2;

/** The contents of a Close frame. */
export interface Close {
  /** 1005 if the payload is empty. */
  readonly code: number;
  readonly reason: Buffer;
}

const NO_REASON = Buffer.alloc(0);

/** Whether a Close frame may carry this code. RFC 6455 §7.4.1, §7.4.2 and its IANA registry. */
export function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000 && code <= 4999) return true;
  if (code < CloseCode.NORMAL || code > CloseCode.BAD_GATEWAY) return false;
  // RFC 6455 §7.4.1 MUST NOT: 1006 and 1015 are never in a Close frame, as 1005; 1004 is reserved.
  const { RESERVED, NO_STATUS, ABNORMAL } = CloseCode;
  return code !== RESERVED && code !== NO_STATUS && code !== ABNORMAL;
}

/**
 * Reads the payload of a Close frame. The frame rules exclude a payload of one byte.
 * @returns its contents, or the error of the rule that it breaks
 */
export function readClose(payload: Buffer, checkUtf8: boolean): Close | ProtocolError {
  if (payload.length === 0) return { code: CloseCode.NO_STATUS, reason: NO_REASON };
  const code = payload.readUInt16BE(0);
  if (!isCloseCode(code)) return new ProtocolError('INVALID_CLOSE_CODE', code);
  const reason = Buffer.from(payload.subarray(2));
  // RFC 6455 §8.1 MUST: a reason that is not UTF-8 fails the connection.
  if (checkUtf8 && !isUtf8(reason)) return new ProtocolError('INVALID_UTF8');
  return { code, reason };
}

/** The payload of a Close frame; empty for 1005, which means no code. */
export function writeClose(close: Close): Buffer {
  // RFC 6455 §7.4.1 MUST NOT: 1005 is never in a Close frame.
  if (close.code === CloseCode.NO_STATUS) return NO_REASON;
  const payload = Buffer.allocUnsafe(2 + close.reason.length);
  payload.writeUInt16BE(close.code, 0);
  close.reason.copy(payload, 2);
  return payload;
}

/** The state of a connection in the closing handshake. */
export type ClosingState =
  /** Messages go both ways. */
  | 'OPEN'
  /** Our Close is queued behind frames that were sent before. */
  | 'CLOSE_QUEUED'
  /** Our Close was written; the peer's Close was not received. */
  | 'CLOSE_SENT'
  /** The peer's Close was received; our Close is not written yet. */
  | 'PEER_CLOSED'
  /** A client: both Close frames were exchanged, and the server should close TCP. */
  | 'DONE'
  /** Both Close frames were exchanged, and our half of TCP is ended. */
  | 'ENDED'
  /** The connection is being failed. */
  | 'FAILED'
  /** TCP is closed, and the application was notified. */
  | 'CLOSED';

/** An event that may change the state. */
export type ClosingInput =
  | 'CLOSE_CALLED'
  | 'CLOSE_RECEIVED'
  /** Our Close was written to the wire. */
  | 'CLOSE_WRITTEN'
  | 'VIOLATION'
  | 'WIRE_ENDED'
  | 'TERMINATED'
  | 'TIMED_OUT'
  | 'WIRE_CLOSED';

/** What the endpoint does in a step. `finish` and `report` come last: they call the application. */
export type ClosingAction =
  /** send our Close, or the answer to the peer's */
  | 'send'
  /** start the close timer */
  | 'arm'
  /** start the short timer of a client in the state DONE */
  | 'linger'
  /** continue reading, and deliver nothing */
  | 'discard'
  /** end our half of TCP */
  | 'end'
  /** close TCP at once */
  | 'destroy'
  /** report the violation to the application */
  | 'report'
  /** stop the timer and notify the application that the connection is closed */
  | 'finish';

/** A cell of the table: the next state, and the actions. */
export interface ClosingStep {
  readonly to: ClosingState;
  readonly actions: readonly ClosingAction[];
}

/** A cell that differs by role. RFC 6455 §7.1.1. */
interface ClosingStepByRole {
  readonly server: ClosingStep;
  readonly client: ClosingStep;
}

type ClosingRow = { readonly [input in ClosingInput]?: ClosingStep | ClosingStepByRole };

function step(to: ClosingState, ...actions: ClosingAction[]): ClosingStep {
  return { to, actions };
}

// RFC 6455 §5.5.1 MUST: after both Closes TCP is closed, by a server at once; a client waits for it.
// RFC 6455 §7.1.1, §7.1.2 SHOULD: so the server has the TIME_WAIT state of TCP, not the client.
const finished = (...actions: ClosingAction[]): ClosingStepByRole => ({
  server: step('ENDED', ...actions, 'end'),
  client: step('DONE', ...actions, 'linger'),
});

/**
 * The closing handshake. In each row, an input without a cell changes nothing. The timer is armed
 * before a Close is sent: sending may write it at once, which is the next input. `docs/closing.md`
 * shows this table.
 */
export const CLOSING_TABLE: { readonly [state in ClosingState]: ClosingRow } = {
  // RFC 6455 §7.1.7, §7.2.1 SHOULD NOT: nothing else than these inputs closes a connection.
  OPEN: {
    CLOSE_CALLED: step('CLOSE_QUEUED', 'arm', 'send'),
    // RFC 6455 §5.5.1 SHOULD: the answer is sent as soon as is practical.
    CLOSE_RECEIVED: step('PEER_CLOSED', 'discard', 'arm', 'send'),
    // RFC 6455 §7.1.7 SHOULD: a Close says why, before TCP is closed.
    VIOLATION: step('FAILED', 'discard', 'arm', 'send', 'report'),
    WIRE_ENDED: step('FAILED', 'discard', 'arm', 'end'),
    TERMINATED: step('FAILED', 'discard', 'destroy'),
    WIRE_CLOSED: step('CLOSED', 'discard', 'finish'),
  },
  CLOSE_QUEUED: {
    CLOSE_RECEIVED: step('PEER_CLOSED', 'discard'),
    CLOSE_WRITTEN: step('CLOSE_SENT'),
    VIOLATION: step('FAILED', 'discard', 'report'),
    WIRE_ENDED: step('FAILED', 'discard'),
    TERMINATED: step('FAILED', 'discard', 'destroy'),
    TIMED_OUT: step('FAILED', 'discard', 'destroy'),
    WIRE_CLOSED: step('CLOSED', 'discard', 'finish'),
  },
  CLOSE_SENT: {
    CLOSE_RECEIVED: finished('discard'),
    VIOLATION: step('FAILED', 'discard', 'end', 'report'),
    WIRE_ENDED: step('FAILED', 'discard', 'end'),
    TERMINATED: step('FAILED', 'discard', 'destroy'),
    TIMED_OUT: step('FAILED', 'discard', 'destroy'),
    WIRE_CLOSED: step('CLOSED', 'discard', 'finish'),
  },
  PEER_CLOSED: {
    CLOSE_WRITTEN: finished(),
    TERMINATED: step('FAILED', 'destroy'),
    TIMED_OUT: step('FAILED', 'destroy'),
    WIRE_CLOSED: step('CLOSED', 'finish'),
  },
  // RFC 6455 §5.5.1 SHOULD: a client waits for the server to close TCP.
  DONE: {
    WIRE_ENDED: step('ENDED', 'arm', 'end'),
    TERMINATED: step('FAILED', 'destroy'),
    TIMED_OUT: step('ENDED', 'arm', 'end'),
    WIRE_CLOSED: step('CLOSED', 'finish'),
  },
  ENDED: {
    TERMINATED: step('FAILED', 'destroy'),
    TIMED_OUT: step('FAILED', 'destroy'),
    WIRE_CLOSED: step('CLOSED', 'finish'),
  },
  FAILED: {
    CLOSE_WRITTEN: step('FAILED', 'end'),
    TERMINATED: step('FAILED', 'destroy'),
    TIMED_OUT: step('FAILED', 'destroy'),
    WIRE_CLOSED: step('CLOSED', 'finish'),
  },
  CLOSED: {},
};

/** Returns the step for a state and an input; undefined if nothing changes. */
export function closingStep(
  state: ClosingState,
  input: ClosingInput,
  role: 'server' | 'client',
): ClosingStep | undefined {
  const cell = CLOSING_TABLE[state][input];
  return cell === undefined || 'to' in cell ? cell : cell[role];
}
