/** RFC 6455 §4.2.2 item 2: what `authenticate`, `hosts` and `origins` decide. */

import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { describeValue } from '../connection/check-options.js';
import { hasForeignOrigin, isHostAllowed, isOriginAllowed } from '../handshake/origin.js';
import { fieldLines, type HandshakeRequest } from '../handshake/server.js';
import type { AdmissionRefusal } from './admission.js';
import type { AdmissionOptions, AuthenticationRefusal } from './admission-options.js';

const REFUSAL_MEMBERS = ['status', 'headers', 'body'];

/** Whether a request came over TLS to this process. */
export function isSecure(request: IncomingMessage): boolean {
  const socket = request.socket as TLSSocket | undefined;
  return Boolean(socket?.authorized || socket?.encrypted);
}

/** Returns the first argument of `verifyClient`. */
export function describeClient(req: IncomingMessage): object {
  return { origin: req.headers.origin, secure: isSecure(req), req };
}

/**
 * RFC 6455 §4.2.2 MUST: an origin that is not accepted is answered with an HTTP error.
 * RFC 6455 §10.2 SHOULD: it is 403.
 * @throws what the function `origins` throws
 */
export function checkHostAndOrigin(
  { hosts, origins }: AdmissionOptions<never>,
  request: IncomingMessage,
): AdmissionRefusal | undefined {
  if (hosts && !isHostAllowed(hosts, request as HandshakeRequest)) {
    return { reason: 'hosts', status: 403, message: 'This host is not served' };
  }
  if (origins && !isOriginAllowed(origins, request as never, isSecure(request))) {
    return { reason: 'origins', status: 403, message: 'This origin is not accepted' };
  }
  return undefined;
}

/** How `authenticate` refuses. @returns undefined if it returned a context */
export function authenticationRefusal(answer: unknown): AdmissionRefusal | undefined {
  if (answer === false || answer === undefined || answer === null) {
    return { reason: 'authenticate', status: 401, message: '' };
  }
  if (!isRefusal(answer)) return undefined;
  const { status, headers, body } = answer;
  return {
    reason: 'authenticate',
    status,
    message: String(body ?? ''),
    fields: fieldLines(headers ?? {}),
  };
}

function isRefusal(answer: object | string | number | boolean): answer is AuthenticationRefusal {
  if (typeof answer !== 'object' || typeof Reflect.get(answer, 'status') !== 'number') return false;
  return Object.keys(answer).every((name) => REFUSAL_MEMBERS.includes(name));
}

/**
 * Emits a process warning for a connection from a foreign origin that nobody has checked: browsers
 * send cookies from pages of every site. RFC 6455 §10.2.
 * @returns whether it was emitted
 */
export function warnOfForeignOrigin(
  { origins, authenticate, verifyClient, noServer }: AdmissionOptions<never> & UncheckedOptions,
  request: IncomingMessage,
): boolean {
  // With noServer the program has the request before it calls handleUpgrade.
  if (origins || authenticate || verifyClient || noServer) return false;
  if (!hasForeignOrigin(request as HandshakeRequest, isSecure(request))) return false;
  const { origin, host } = request.headers;
  process.emitWarning(
    `A WebSocketServer has accepted a connection from another origin: Origin is ` +
      `${describeValue(origin)}, Host is ${describeValue(host)}. Pages of every site can connect, ` +
      "with the cookies of their visitors. Set the option origins to 'same' or to a list, or to " +
      "'*' if every origin is welcome; list the origins if a proxy changes Host",
    { code: 'WS6455_CSWSH' },
  );
  return true;
}

interface UncheckedOptions {
  readonly verifyClient?: unknown;
  readonly noServer?: boolean | undefined;
}
