/** What `closeInfo` of a WebSocket has, and where it comes from. */

import type { Duplex } from 'node:stream';
import { HandshakeError } from '../handshake/errors.js';
import type { Close } from '../protocol/close.js';
import type { CloseBy, CloseCause, CloseOrigin } from '../protocol/close-origin.js';
import type { Endpoint } from '../protocol/endpoint.js';
import { time } from './time.js';

/** A number for each direction. */
export interface Traffic {
  /** What this end sent. */
  sent: number;
  /** What this end received. */
  received: number;
}

/** How a connection ended. RFC 6455 §7.1.4 to §7.1.6. */
export interface CloseInfo {
  /** Whether both Close frames were exchanged. */
  wasClean: boolean;
  /**
   * Who ended the connection: 'us', the 'peer', the 'wire' (TCP ended without a Close), a 'timeout' or
   * a 'limit'. The first event decides: after our Close it is 'us', whatever the peer does.
   */
  by: CloseBy;
  /**
   * Why: 'close', 'terminate', 'shutdown', 'violation', 'rejection', 'failure', 'end', 'error',
   * 'handshake', for a timeout or a limit the name of its option, or 'slow': the peer read too slowly.
   */
  cause: CloseCause;
  /** With 'heartbeat': how long no byte had been received, in milliseconds. */
  silentFor?: number;
  /** The Close frame sent. */
  sent?: { code: number; reason: string };
  /** The Close frame received. */
  received?: { code: number; reason: string };
  /** The error that failed it: of the peer, the socket or the opening handshake. */
  error?: Error;
  /** The bytes on the socket after the opening handshake; absent if the socket does not count them. */
  bytes?: Traffic;
  /** The messages received, and those given to `send`. Control frames do not count. */
  messages: Traffic;
  /** When the connection was opened, as `Date.now()` counts; absent if it never was. */
  opened?: number;
  /** When it was closed, as `Date.now()` counts. */
  closed: number;
}

/** The counters of a `net.Socket`, which other Duplexes may lack. */
interface CountingSocket {
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
}

/** When a connection was opened, and the counters of its socket then. */
export interface OpeningState {
  /**
   * In milliseconds after `LOADED`; undefined if it was not opened. Small integers need no memory of
   * their own, and the milliseconds since 1970 are not small.
   */
  openedAt: number | undefined;
  bytesReadBefore: number;
  bytesWrittenBefore: number;
}

const LOADED = time.wallClock();

/** @param unread received bytes that belong to the connection, and were read from the socket before it */
export function noteOpening(opening: OpeningState, socket: Duplex, unread: number): void {
  const { bytesRead = 0, bytesWritten = 0 } = socket as CountingSocket;
  opening.openedAt = time.wallClock() - LOADED;
  opening.bytesReadBefore = bytesRead - unread;
  opening.bytesWrittenBefore = bytesWritten;
}

/** Describes how an established connection ended. */
export function describeClose(
  endpoint: Endpoint,
  socket: Duplex,
  opening: OpeningState,
  wireError: Error | undefined,
  messagesReceived: number,
): CloseInfo {
  const { sent, received, violation, failure, wasClean, origin } = endpoint;
  const { by = 'wire', cause = 'end', silentFor } = origin ?? {};
  const { openedAt } = opening;
  const error = violation ?? failure ?? wireError;
  const bytes = openedAt === undefined ? undefined : countBytes(socket, opening);
  return {
    wasClean,
    by,
    cause: by === 'wire' && wireError !== undefined ? 'error' : cause,
    ...(silentFor !== undefined && { silentFor }),
    ...(sent && { sent: describe(sent) }),
    ...(received && { received: describe(received) }),
    ...(error && { error }),
    ...(bytes && { bytes }),
    messages: { sent: endpoint.sender.messageCount, received: messagesReceived },
    ...(openedAt !== undefined && { opened: LOADED + openedAt }),
    closed: time.wallClock(),
  };
}

/** Describes why an opening handshake failed. */
export function describeFailure(error: (Error & { code?: string }) | undefined): CloseInfo {
  return {
    wasClean: false,
    ...failureOrigin(error),
    ...(error && { error }),
    messages: { sent: 0, received: 0 },
    closed: time.wallClock(),
  };
}

function failureOrigin(error: (Error & { code?: string }) | undefined): CloseOrigin {
  const code = error?.code;
  if (error === undefined || code === 'WS_ERR_CLOSED_EARLY' || code === 'ABORT_ERR') {
    return { by: 'us', cause: 'close' };
  }
  if (code === 'WS_ERR_HANDSHAKE_TIMEOUT') return { by: 'timeout', cause: 'handshakeTimeout' };
  if (error instanceof HandshakeError) return { by: 'peer', cause: 'handshake' };
  // Errors of the network have a code; those of the program's callbacks have none.
  return code === undefined ? { by: 'us', cause: 'failure' } : { by: 'wire', cause: 'error' };
}

function countBytes(socket: Duplex, opening: OpeningState): Traffic | undefined {
  const { bytesRead, bytesWritten } = socket as CountingSocket;
  if (bytesRead === undefined || bytesWritten === undefined) return undefined;
  return {
    sent: bytesWritten - opening.bytesWrittenBefore,
    received: bytesRead - opening.bytesReadBefore,
  };
}

function describe(close: Close): { code: number; reason: string } {
  return { code: close.code, reason: close.reason.toString() };
}
