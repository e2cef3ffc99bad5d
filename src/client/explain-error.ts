/** Adds the probable cause to errors of a connection attempt. */

/** A failed connection attempt. */
export interface Attempt {
  readonly error: NodeJS.ErrnoException;
  /** Whether it used TLS. */
  readonly secure: boolean;
}

/** RFC 8446 §5.1: the first bytes of a TLS alert record: type 21, version 3.x. */
const TLS_ALERT = [21, 3];

const HINTS: readonly { applies: (attempt: Attempt) => boolean; hint: string }[] = [
  {
    applies: ({ error, secure }) => secure && /SSL.*(wrong version|too long)/i.test(error.message),
    hint: 'the server did not answer with TLS; if its port has no TLS, use ws: in place of wss:',
  },
  {
    applies: ({ error, secure }) =>
      secure && error.code === 'ECONNRESET' && /before secure TLS/.test(error.message),
    hint: 'the server hung up during the TLS handshake; if its port has no TLS, use ws: in place of wss:',
  },
  {
    applies: ({ error, secure }) => !secure && isTlsAlert(error),
    hint: 'the server answered with TLS; use wss: in place of ws:',
  },
];

/**
 * Returns the error, or a new error with a hint in its message. The new error has the properties of the
 * original (`code`, `errno`, `syscall`, …), which is its `cause`.
 */
export function explainError(attempt: Attempt): Error {
  const { error } = attempt;
  const match = HINTS.find(({ applies }) => applies(attempt));
  if (match === undefined) return error;
  const message = `${error.message.trimEnd()} (${match.hint})`;
  return Object.assign(new Error(message, { cause: error }), error);
}

/** Whether the server sent a TLS alert. `rawPacket` has the bytes that `node:http` could not parse. */
function isTlsAlert(error: Error): boolean {
  const { rawPacket } = error as { rawPacket?: Uint8Array };
  return TLS_ALERT.every((byte, i) => rawPacket?.[i] === byte);
}
