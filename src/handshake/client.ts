/** RFC 6455 §4.1: a client builds the request and judges the response. */

import { HandshakeError } from '../protocol/errors.js';
import { acceptFor, type Fields, fieldOf, listHas } from './fields.js';

/** What the client asked for. */
export interface Request {
  readonly key: string;
  readonly subprotocols: readonly string[];
  /** The Sec-WebSocket-Extensions field that was sent; '' if none was. */
  readonly extensions: string;
}

/** What the two ends agreed on. */
export interface Agreement {
  /** '' if there is none */
  readonly subprotocol: string;
}

/** The header fields of an opening handshake, in their order. RFC 6455 §4.1. */
export function buildRequest(request: Request, origin: string | undefined): [string, string][] {
  const fields: [string, string][] = [
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', request.key],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
  ];
  if (request.extensions !== '') fields.push(['Sec-WebSocket-Extensions', request.extensions]);
  if (request.subprotocols.length > 0) {
    fields.push(['Sec-WebSocket-Protocol', request.subprotocols.join(', ')]);
  }
  if (origin) fields.push(['Origin', origin]);
  return fields;
}

/** Judges a response with status 101; never throws for a bad one. */
export function judgeResponse(headers: Fields, asked: Request): Agreement | HandshakeError {
  // RFC 6455 §4.1: Upgrade must be "websocket", in any case.
  if (fieldOf(headers, 'upgrade')?.toLowerCase() !== 'websocket') {
    return new HandshakeError('INVALID_UPGRADE', 101);
  }
  // RFC 6455 §4.1: Connection must hold the token "Upgrade", in any case.
  if (!listHas(fieldOf(headers, 'connection'), 'upgrade')) {
    return new HandshakeError('INVALID_CONNECTION', 101);
  }
  // RFC 6455 §4.1: the accept value shows that the server understood this very request.
  if (fieldOf(headers, 'sec-websocket-accept') !== acceptFor(asked.key)) {
    return new HandshakeError('INVALID_ACCEPT', 101);
  }
  // RFC 6455 §4.1: an extension that was not asked for fails the connection.
  if (headers['sec-websocket-extensions'] !== undefined) {
    return new HandshakeError('UNREQUESTED_EXTENSIONS', 101);
  }
  return judgeSubprotocol(fieldOf(headers, 'sec-websocket-protocol'), asked.subprotocols);
}

// RFC 6455 §4.1: the subprotocol must be one that was asked for, compared as it is written.
function judgeSubprotocol(
  chosen: string | undefined,
  asked: readonly string[],
): Agreement | HandshakeError {
  if (chosen === undefined) {
    if (asked.length === 0) return { subprotocol: '' };
    return new HandshakeError('MISSING_SUBPROTOCOL', 101);
  }
  if (asked.length === 0) return new HandshakeError('UNREQUESTED_SUBPROTOCOL', 101);
  if (!asked.includes(chosen)) return new HandshakeError('INVALID_SUBPROTOCOL', 101);
  return { subprotocol: chosen };
}
