/** Errors of sockets, files and handshakes as one line that says what to do. */

import { types } from 'node:util';
import { HandshakeError } from '../handshake/errors.js';
import { escapeControls, shorten } from './text.js';

/** What each code of an error of Node means for somebody who connects or listens. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the peer reset the connection',
  EPIPE: 'the peer has closed the connection',
  ETIMEDOUT: 'there was no answer in time',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be resolved now',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  EADDRINUSE: 'the port is in use; another one: --port',
  EADDRNOTAVAIL: 'this machine does not have the address',
  EACCES: 'permission denied',
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is no directory',
  ENOSPC: 'no space is left on the device',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed; --insecure accepts it',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate chain is self-signed; --insecure accepts it',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate cannot be verified; --insecure accepts it',
  CERT_HAS_EXPIRED: 'the certificate has expired; --insecure accepts it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host; --insecure accepts it',
};

/** The cause that the library adds to an error of OpenSSL. */
const TLS_HINT = /\(([^()]* use wss?: in place of wss?:)\)$/;

/** Describes an error, such as 'nothing listens there (ECONNREFUSED)'. */
export function explain(error: unknown): string {
  if (error instanceof HandshakeError) return explainHandshake(error);
  if (!types.isNativeError(error)) return String(error);
  const { code, message, errors } = error as NodeJS.ErrnoException & Partial<AggregateError>;
  if (errors !== undefined) return explain(errors[0]);
  const [, hint] = TLS_HINT.exec(message) ?? [];
  const meaning = hint ?? (code === undefined ? undefined : MEANINGS[code]);
  return meaning === undefined ? oneLine(message) : `${meaning} (${code})`;
}

/** A refused handshake: the status and the first line of the body. */
function explainHandshake({ message, status, body, rfc }: HandshakeError): string {
  if (status === 0) return `${oneLine(message)} (${rfc})`;
  if (status === 101) return `the answer is not valid: ${oneLine(message)} (${rfc})`;
  const line = body?.toString().trim().split(/\r?\n/, 1)[0] ?? '';
  const text = line === '' ? '' : `: ${shorten(escapeControls(line), 200)}`;
  return `the server answered ${status}${text}`;
}

function oneLine(message: string): string {
  return escapeControls(message.trim().replace(/\s*\n\s*/g, ' '));
}
