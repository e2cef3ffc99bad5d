/** Whether a client connects again after a failure, as a table. Pure. */

import type { CloseInfo } from '../connection/close-info.js';

/**
 * What follows: another attempt after a back-off, an attempt after so many milliseconds and not before,
 * or the end.
 */
export type Verdict = 'retry' | 'fatal' | { readonly after: number };

/** Why there is no connection: an attempt failed, or a connection ended. */
export interface Ending {
  /**
   * What failed: a function of the options ('prepare'), the opening handshake ('connect'), the function
   * `resume`, or the open 'connection'.
   */
  readonly during: 'prepare' | 'connect' | 'resume' | 'connection';
  /** The error: what a function threw, a HandshakeError, an error of the network or of TLS, a CloseError. */
  readonly error: Error;
  /** How the connection ended, if there was one. */
  readonly closeInfo?: CloseInfo | undefined;
}

/** The longest delay that a server can ask for, in milliseconds. */
export const MAX_RETRY_AFTER = 5 * 60_000;

/** One row of a table. The first row that matches decides. */
export interface VerdictRow<Key> {
  readonly of: readonly Key[];
  readonly verdict: 'retry' | 'fatal';
  readonly why: string;
}

/** Numbers, and ranges with both ends. */
export type NumberRow = VerdictRow<number | readonly [from: number, to: number]>;

/** Words; `*` stands for any characters. */
export type WordRow = VerdictRow<string>;

/** By the code of the Close that the server sent. RFC 6455 §7.4. */
export const CLOSE_CODES: readonly NumberRow[] = [
  { of: [1001], verdict: 'retry', why: 'the server goes away, or restarts' },
  { of: [1005, 1006], verdict: 'retry', why: 'a Close without a code, or none at all' },
  { of: [1011], verdict: 'retry', why: 'the server failed' },
  {
    of: [1012, 1013, 1014],
    verdict: 'retry',
    why: 'restart, overload, a gateway without its server',
  },
  { of: [[3000, 3499]], verdict: 'retry', why: 'by convention temporary' },
  { of: [1000], verdict: 'fatal', why: 'the server has finished' },
  { of: [1002, 1003, 1007], verdict: 'fatal', why: 'the server does not understand this program' },
  {
    of: [1008, 1009, 1010],
    verdict: 'fatal',
    why: 'a policy, a message too big, an extension missing',
  },
  { of: [[3500, 3999]], verdict: 'fatal', why: 'by convention permanent' },
  { of: [[4000, 4999]], verdict: 'fatal', why: 'private codes: only `classify` can know' },
  { of: [1004, [1015, 2999]], verdict: 'fatal', why: 'reserved' },
];

/** By who or what ended an open connection, and the cause, as `closeInfo` has them. */
export const CLOSE_CAUSES: readonly WordRow[] = [
  {
    of: ['us *'],
    verdict: 'retry',
    why: 'this program closed the connection and asks for the next',
  },
  { of: ['wire *'], verdict: 'retry', why: 'TCP ended without a Close (1006)' },
  { of: ['timeout *'], verdict: 'retry', why: '`heartbeat` and the other timeouts of this end' },
  {
    of: ['limit maxPayload', 'limit maxFragments'],
    verdict: 'fatal',
    why: 'the server would send that message again: the option must be raised',
  },
  { of: ['limit *'], verdict: 'retry', why: '`messageRate` or `maxBufferedAmount` was exceeded' },
  // The fault is the server's or that of a proxy, often in one message; a received 1002 is ours.
  { of: ['peer violation'], verdict: 'retry', why: 'the server broke a rule of the protocol' },
  { of: ['*'], verdict: 'retry', why: 'another cause' },
];

/** By the HTTP status of the response. RFC 9110 §15. */
export const STATUSES: readonly NumberRow[] = [
  { of: [408, 425, 429], verdict: 'retry', why: 'too slow, too early, too many requests' },
  { of: [501, 505], verdict: 'fatal', why: 'the server lacks what was asked for' },
  { of: [[500, 599]], verdict: 'retry', why: 'the server, or a gateway before it, has a problem' },
  { of: [401, 403], verdict: 'fatal', why: 'not allowed' },
  { of: [[400, 499]], verdict: 'fatal', why: 'the request is wrong, and would be again' },
  {
    of: [[300, 399]],
    verdict: 'fatal',
    why: 'a redirect without `followRedirects`, or without Location',
  },
  { of: [[100, 999]], verdict: 'fatal', why: 'not a WebSocket server' },
];

/** By the `code` of an error. */
export const ERROR_CODES: readonly WordRow[] = [
  {
    of: ['WS_ERR_HANDSHAKE_TIMEOUT', 'WS_ERR_ATTEMPT_TIMEOUT'],
    verdict: 'retry',
    why: 'the attempt took too long',
  },
  { of: ['WS_ERR_CLOSED*'], verdict: 'retry', why: 'the connection ended' },
  { of: ['WS_ERR_PROXY_AUTHENTICATION'], verdict: 'fatal', why: 'the proxy refused the client' },
  { of: ['WS_ERR_PROXY_*'], verdict: 'retry', why: 'the proxy opened no tunnel' },
  {
    of: [
      'WS_ERR_INVALID_*',
      'WS_ERR_UNREQUESTED_*',
      'WS_ERR_MISSING_SUBPROTOCOL',
      'WS_ERR_TOO_MANY_REDIRECTS',
    ],
    verdict: 'fatal',
    why: 'the answer is not that of a WebSocket server which suits this client',
  },
  {
    of: ['CERT_NOT_YET_VALID', 'CRL_NOT_YET_VALID'],
    verdict: 'retry',
    why: 'the clock of a machine that has just started may be wrong',
  },
  {
    of: ['ERR_TLS_CERT_*', 'CERT_*', 'CRL_*', 'ERROR_IN_C*', 'UNABLE_TO_*', '*SELF_SIGNED_CERT*'],
    verdict: 'fatal',
    why: 'the certificate of the server is not valid',
  },
  {
    of: [
      'HOSTNAME_MISMATCH',
      'INVALID_CA',
      'INVALID_PURPOSE',
      'PATH_LENGTH_EXCEEDED',
      'UNSPECIFIED',
    ],
    verdict: 'fatal',
    why: 'the certificate of the server is not valid',
  },
  {
    of: [
      'ERR_SSL_*CERTIFICATE*',
      'ERR_SSL_*UNKNOWN_CA',
      'ERR_SSL_*ACCESS_DENIED',
      'ERR_SSL_*HANDSHAKE_FAILURE',
      'ERR_SSL_*PROTOCOL_VERSION',
      'ERR_SSL_*UNSUPPORTED_PROTOCOL',
      'ERR_SSL_*INSUFFICIENT_SECURITY',
      'ERR_TLS_DH_PARAM_SIZE',
    ],
    verdict: 'fatal',
    why: 'both ends have no TLS version, cipher or client certificate in common',
  },
  {
    of: ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'],
    verdict: 'fatal',
    why: 'the port has no TLS',
  },
  { of: ['HPE_INVALID_EOF_STATE'], verdict: 'retry', why: 'the response ended early' },
  { of: ['HPE_*'], verdict: 'fatal', why: 'the answer is not HTTP' },
  { of: ['*'], verdict: 'retry', why: 'errors of the network, and unknown ones' },
];

/** The error of a caller's mistake. */
const MISTAKES = [TypeError, RangeError, SyntaxError];

/** The verdict without the option `classify`. */
export function judge({ during, error, closeInfo }: Ending): Verdict {
  if (closeInfo !== undefined && during !== 'connect') {
    const verdict = judgeClose(closeInfo);
    // If this end closed the connection because `resume` failed, the error of `resume` decides.
    if (closeInfo.by !== 'us' || verdict !== 'retry' || during === 'connection') return verdict;
  }
  if (isMistake(error, during)) return 'fatal';
  const { status, retryAfter } = error as ErrorFacts;
  const code = codeOf(error);
  const verdict =
    code === 'WS_ERR_UNEXPECTED_RESPONSE' ? ofNumber(STATUSES, status) : ofWord(ERROR_CODES, code);
  return verdict === 'retry' ? afterDelay(retryAfter) : verdict;
}

/** The properties that errors of several classes have. */
interface ErrorFacts {
  readonly code?: string;
  readonly status?: number;
  readonly retryAfter?: number;
}

/**
 * The code of an error. If a TLS handshake fails, Node 20 has EPROTO there, and what OpenSSL says in the
 * message only: `…:SSL routines:ssl3_get_record:wrong version number:…`.
 */
function codeOf({ message, code = '' }: ErrorFacts & Error): string {
  const [, reason] = (code === 'EPROTO' && /:SSL routines:[^:]*:([^:]+):/.exec(message)) || [];
  return reason === undefined ? code : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
}

function judgeClose({ by, cause, received }: CloseInfo): Verdict {
  const asked = received && retryAfterOf(received.reason);
  if (asked !== undefined) return afterDelay(asked);
  if (by === 'peer' && cause === 'close') {
    return ofNumber(CLOSE_CODES, received?.code);
  }
  return ofWord(CLOSE_CAUSES, `${by} ${cause}`);
}

/**
 * Whether the program has made a mistake that no further attempt removes. What its own functions throw is
 * one only without a `cause`: `fetch` throws a TypeError with the error of the network as its cause. A
 * SyntaxError there is a token service that answered with a page.
 */
function isMistake(error: Error, during: Ending['during']): boolean {
  if (during === 'connect') return MISTAKES.some((Class) => error instanceof Class);
  const isOfCode = error instanceof TypeError || error instanceof ReferenceError;
  return isOfCode && error.cause === undefined;
}

// The formats of `shutdown`: `retry-after=17.3`, or `deploy; retry-after=17.3`.
function retryAfterOf(reason: string): number | undefined {
  const [, seconds] = /(?:^|; ?)retry-after=(\d+(?:\.\d+)?)$/.exec(reason) ?? [];
  return seconds === undefined ? undefined : Math.round(Number(seconds) * 1000);
}

/** A delay of 0 is no wish: the back-off counts, so that nobody is asked in a loop without end. */
function afterDelay(ms: number | undefined): Verdict {
  return ms !== undefined && ms > 0 ? { after: Math.min(ms, MAX_RETRY_AFTER) } : 'retry';
}

/** Errors that no row names are retried. */
function ofNumber(rows: readonly NumberRow[], value = 0): 'retry' | 'fatal' {
  const isIn = (one: number | readonly [number, number]): boolean =>
    typeof one === 'number' ? one === value : one[0] <= value && value <= one[1];
  return rows.find(({ of }) => of.some(isIn))?.verdict ?? 'retry';
}

function ofWord(rows: readonly WordRow[], value: string): 'retry' | 'fatal' {
  // The words have no other characters with a meaning in a RegExp.
  const matches = (pattern: string): boolean =>
    new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(value);
  return rows.find(({ of }) => of.some(matches))?.verdict ?? 'retry';
}
