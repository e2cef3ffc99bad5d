/** What a protocol without I/O reports, and what it asks of the program. */

import type { Buffer } from 'node:buffer';

/** A message was received completely. RFC 6455 §6.2. */
export interface MessageReceived {
  readonly type: 'message';
  /** Binary data, or valid UTF-8 if it is text. */
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** A Ping or a Pong was received. With `autoPong` a Ping is answered already. RFC 6455 §5.5. */
export interface ControlReceived {
  readonly type: 'ping' | 'pong';
  readonly payload: Buffer;
}

/**
 * The connection is failed. A {@link ProtocolError} means that the peer broke a rule; it was sent a
 * Close with the reason. Any other error means that a message cannot be sent. RFC 6455 §7.1.7.
 */
export interface ConnectionFailed {
  readonly type: 'error';
  readonly error: Error;
}

/** Start the timer anew, to call `timeout()` when it expires; undefined: stop it. */
export interface TimerRequested {
  readonly type: 'timer';
  readonly milliseconds: number | undefined;
}

/**
 * 'end': write what `bytesToSend()` returns, then end this direction of the wire. 'destroy': close both
 * directions at once.
 */
export interface EndRequested {
  readonly type: 'end' | 'destroy';
}

/** The connection is closed: the last event. RFC 6455 §7.1.4. */
export interface ConnectionClosed {
  readonly type: 'close';
  /** The code of the Close that was received: 1005 if it has none, 1006 without a Close. */
  readonly code: number;
  /** Its reason; '' if it has none. */
  readonly reason: string;
  /** Whether the closing handshake was completed: one Close each way. */
  readonly wasClean: boolean;
}

/** One element of `events()`; `type` says which. */
export type ProtocolEvent =
  | MessageReceived
  | ControlReceived
  | ConnectionFailed
  | TimerRequested
  | EndRequested
  | ConnectionClosed;
