/** RFC 6455 §4.1: a client builds the request and validates the response. */

import type { ExtensionOffer } from '../protocol/extension.js';
import { HandshakeError } from './errors.js';
import {
  acceptFor,
  type Fields,
  fieldOf,
  isHttp11OrHigher,
  listHas,
  parseExtensions,
} from './fields.js';

/** The parts of a request that its response is compared with. */
export interface Request {
  readonly key: string;
  readonly subprotocols: readonly string[];
  /** The Sec-WebSocket-Extensions field that was sent; '' if none was. */
  readonly extensions: string;
}

/** The parts of a response with status 101 that a client validates. */
export interface HandshakeResponse {
  /** The version in the status line: `1.1`. undefined for a response that a program made. */
  readonly httpVersion?: string;
  readonly headers: Fields;
}

/** What a valid response says. */
export interface ServerResponse {
  /** The subprotocol; '' if there is none. */
  readonly subprotocol: string;
  /** The extensions that the server accepted, each at most once. Parameters are not checked yet. */
  readonly extensions: readonly ExtensionOffer[];
}

/**
 * Returns the header fields of an opening handshake, in their order. RFC 6455 §4.1 MUST: Upgrade,
 * Connection, Sec-WebSocket-Key and Sec-WebSocket-Version are always there.
 */
export function buildRequest(request: Request, origin: string | undefined): [string, string][] {
  const fields: [string, string][] = [
    ['Sec-WebSocket-Version', '13'], // RFC 6455 §4.1 MUST: the version is 13.
    ['Sec-WebSocket-Key', request.key],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
  ];
  if (request.extensions !== '') fields.push(['Sec-WebSocket-Extensions', request.extensions]);
  if (request.subprotocols.length > 0) {
    fields.push(['Sec-WebSocket-Protocol', request.subprotocols.join(', ')]);
  }
  // RFC 6455 §4.1: a browser must send Origin. Here the program decides.
  if (origin) fields.push(['Origin', origin]);
  return fields;
}

/**
 * Validates a response with status 101. RFC 6455 §4.1 MUST: a client validates the response.
 * @returns the error of an invalid response, which is not thrown
 */
export function validateResponse(
  { httpVersion, headers }: HandshakeResponse,
  request: Request,
): ServerResponse | HandshakeError {
  // RFC 6455 §4.1 MUST: a response that does not conform to §4.2.2, such as one of HTTP/1.0, fails.
  if (!isHttp11OrHigher(httpVersion)) return new HandshakeError('INVALID_HTTP_VERSION', 101);
  // RFC 6455 §4.1 MUST: an Upgrade field other than "websocket", in any case, fails the connection.
  if (fieldOf(headers, 'upgrade')?.toLowerCase() !== 'websocket') {
    return new HandshakeError('INVALID_UPGRADE', 101);
  }
  // RFC 6455 §4.1 MUST: a Connection field without the token "Upgrade", in any case, fails it.
  if (!listHas(fieldOf(headers, 'connection'), 'upgrade')) {
    return new HandshakeError('INVALID_CONNECTION', 101);
  }
  // RFC 6455 §4.1 MUST: a value other than the one computed from the key fails the connection.
  // RFC 6455 §11.3.3 MUST NOT: it comes once. `node:http` joins two fields, and the result differs.
  if (fieldOf(headers, 'sec-websocket-accept') !== acceptFor(request.key)) {
    return new HandshakeError('INVALID_ACCEPT', 101);
  }
  const subprotocol = validateSubprotocol(
    fieldOf(headers, 'sec-websocket-protocol'),
    request.subprotocols,
  );
  if (subprotocol instanceof HandshakeError) return subprotocol;
  const extensions = validateExtensions(fieldOf(headers, 'sec-websocket-extensions'), request);
  return extensions instanceof HandshakeError ? extensions : { subprotocol, extensions };
}

// RFC 6455 §4.1 MUST: an extension that was not requested fails the connection.
// RFC 6455 §9.1 MUST NOT: without this field in the response no extension is used.
// RFC 7692 §5 MUST: a response that is not valid, or accepts a second extension, fails the connection.
function validateExtensions(
  field: string | undefined,
  request: Request,
): readonly ExtensionOffer[] | HandshakeError {
  if (field === undefined) return [];
  if (request.extensions === '') return new HandshakeError('UNREQUESTED_EXTENSIONS', 101);
  const extensions = parseExtensions(field);
  // RFC 6455 §9.1 MUST: a malformed field fails the connection.
  if (extensions === undefined) return new HandshakeError('INVALID_EXTENSIONS_RESPONSE', 101);
  const names = extensions.map(({ name }) => name);
  const requested = (parseExtensions(request.extensions) ?? []).map(({ name }) => name);
  if (!names.every((name) => requested.includes(name))) {
    return new HandshakeError('UNREQUESTED_EXTENSION', 101);
  }
  // RFC 7692 §5: a server accepts one of the offers of an extension, not several.
  // RFC 6455 §11.3.2 MUST NOT: the field comes once. `node:http` joins two fields, which is refused
  // here, because permessage-deflate is the only extension that is offered.
  const isRepeated = new Set(names).size < names.length;
  return isRepeated ? new HandshakeError('INVALID_EXTENSIONS_RESPONSE', 101) : extensions;
}

// RFC 6455 §4.1 MUST: a subprotocol that was not requested fails the connection. Case matters.
// RFC 6455 §11.3.4 MUST NOT: it comes once. `node:http` joins two fields, and the result is no match.
function validateSubprotocol(
  chosen: string | undefined,
  requested: readonly string[],
): string | HandshakeError {
  if (chosen === undefined) {
    return requested.length === 0 ? '' : new HandshakeError('MISSING_SUBPROTOCOL', 101);
  }
  if (requested.length === 0) return new HandshakeError('UNREQUESTED_SUBPROTOCOL', 101);
  return requested.includes(chosen) ? chosen : new HandshakeError('INVALID_SUBPROTOCOL', 101);
}
