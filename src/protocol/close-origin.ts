/** Who ended a connection, and why, in words. The first event that ends it decides. */

import type { ClosingInput } from './close.js';
import type { ProtocolError } from './errors.js';

/**
 * Who or what ended a connection: this end, the peer, TCP without a closing handshake, time that ran
 * out, or a limit that was exceeded.
 */
export type CloseBy = 'us' | 'peer' | 'wire' | 'timeout' | 'limit';

/** Why a connection ended. For 'timeout' and 'limit' it is the name of the option, or 'slow'. */
export type CloseCause =
  /** `close()` was called here, or the peer sent a Close. */
  | 'close'
  /** `terminate()` was called. */
  | 'terminate'
  /** `shutdown()` of the server was called. */
  | 'shutdown'
  /** The promise of an async listener was rejected, with `captureRejections`. */
  | 'rejection'
  /** A message could not be encoded, decoded or sent here, or a callback threw. */
  | 'failure'
  /** The peer broke a rule of RFC 6455 or RFC 7692. */
  | 'violation'
  /** TCP ended without a Close. */
  | 'end'
  /** The socket had an error, such as ECONNRESET. */
  | 'error'
  /** The opening handshake was refused, or was not valid. */
  | 'handshake'
  | 'handshakeTimeout'
  | 'firstMessageTimeout'
  | 'idleTimeout'
  | 'maxLifetime'
  /** The peer did not answer a Ping of the option `heartbeat`. */
  | 'heartbeat'
  | 'maxPayload'
  | 'maxFragments'
  | 'messageRate'
  /** The peer read too slowly: see `maxBufferedAmount` and `memoryBudget`. */
  | 'slow';

/** Who ended a connection, and why. */
export interface CloseOrigin {
  readonly by: CloseBy;
  readonly cause: CloseCause;
  /** As in `closeInfo`. */
  readonly silentFor?: number;
}

/** The violations that are not the peer's disregard of the protocol, by the `code` of their error. */
const LIMITS: { readonly [code: string]: CloseOrigin } = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: { by: 'limit', cause: 'maxPayload' },
  WS_ERR_TOO_MANY_BUFFERED_PARTS: { by: 'limit', cause: 'maxFragments' },
  WS_ERR_MESSAGE_RATE: { by: 'limit', cause: 'messageRate' },
  WS_ERR_FIRST_MESSAGE_TIMEOUT: { by: 'timeout', cause: 'firstMessageTimeout' },
  WS_ERR_CANNOT_DECODE: { by: 'us', cause: 'failure' },
};

/** The events that can be the first to end a connection. */
const ORIGINS: { readonly [input in ClosingInput]?: CloseOrigin } = {
  CLOSE_CALLED: { by: 'us', cause: 'close' },
  CLOSE_RECEIVED: { by: 'peer', cause: 'close' },
  VIOLATION: { by: 'peer', cause: 'violation' },
  TERMINATED: { by: 'us', cause: 'terminate' },
  WIRE_ENDED: { by: 'wire', cause: 'end' },
  WIRE_CLOSED: { by: 'wire', cause: 'end' },
};

/** @param violation the rule that was broken, if the event is a violation */
export function originOf(
  input: ClosingInput,
  violation: ProtocolError | undefined,
): CloseOrigin | undefined {
  const limit = input === 'VIOLATION' && violation && LIMITS[violation.code];
  return limit || ORIGINS[input];
}
