/** Errors of a client's connection that say little by themselves: what was probably wrong. */

/** How a connection was tried. */
export interface Attempt {
  readonly error: NodeJS.ErrnoException;
  /** Whether it used TLS. */
  readonly secure: boolean;
}

/** The first bytes of a TLS record that is an alert. RFC 8446 §5.1: type 21, version 3.x. */
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
 * The error that a program is told. Where there is something to add it is a new one: its message
 * and its own properties (`code`, `errno`, `syscall`, …) are those of Node's error, which is its
 * `cause`.
 */
export function explainError(attempt: Attempt): Error {
  const { error } = attempt;
  const found = HINTS.find(({ applies }) => applies(attempt));
  if (found === undefined) return error;
  const message = `${error.message.trimEnd()} (${found.hint})`;
  return Object.assign(new Error(message, { cause: error }), error);
}

/** `node:http` keeps what it could not parse. */
function isTlsAlert(error: Error): boolean {
  const { rawPacket } = error as { rawPacket?: Uint8Array };
  return TLS_ALERT.every((byte, i) => rawPacket?.[i] === byte);
}
