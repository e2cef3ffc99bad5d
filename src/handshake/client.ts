/** RFC 6455 §4.1: a client builds the request and judges the response. */

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

/** What the client asked for. */
export interface Request {
  readonly key: string;
  readonly subprotocols: readonly string[];
  /** The Sec-WebSocket-Extensions field that was sent; '' if none was. */
  readonly extensions: string;
}

/** What a client's judgment needs of a response with status 101. */
export interface HandshakeResponse {
  /** As in the status line: `1.1`. Absent where a program made the response itself. */
  readonly httpVersion?: string;
  readonly headers: Fields;
}

/** What the two ends agreed on. */
export interface ServerResponse {
  /** '' if there is none */
  readonly subprotocol: string;
  /** Those that the server took, each at most once; their parameters are still to be judged. */
  readonly extensions: readonly ExtensionOffer[];
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
export function validateResponse(
  { httpVersion, headers }: HandshakeResponse,
  request: Request,
): ServerResponse | HandshakeError {
  // RFC 6455 §4.1, §4.2.2: the handshake is one of HTTP/1.1 or higher.
  if (!isHttp11OrHigher(httpVersion)) return new HandshakeError('INVALID_HTTP_VERSION', 101);
  // RFC 6455 §4.1: Upgrade must be "websocket", in any case.
  if (fieldOf(headers, 'upgrade')?.toLowerCase() !== 'websocket') {
    return new HandshakeError('INVALID_UPGRADE', 101);
  }
  // RFC 6455 §4.1: Connection must hold the token "Upgrade", in any case.
  if (!listHas(fieldOf(headers, 'connection'), 'upgrade')) {
    return new HandshakeError('INVALID_CONNECTION', 101);
  }
  // RFC 6455 §4.1: the accept value shows that the server understood this very request.
  if (fieldOf(headers, 'sec-websocket-accept') !== acceptFor(request.key)) {
    return new HandshakeError('INVALID_ACCEPT', 101);
  }
  const extensions = validateExtensions(fieldOf(headers, 'sec-websocket-extensions'), request);
  if (extensions instanceof HandshakeError) return extensions;
  const subprotocol = validateSubprotocol(
    fieldOf(headers, 'sec-websocket-protocol'),
    request.subprotocols,
  );
  return subprotocol instanceof HandshakeError ? subprotocol : { subprotocol, extensions };
}

// RFC 6455 §4.1: an extension that was not asked for fails the connection.
function validateExtensions(
  field: string | undefined,
  request: Request,
): readonly ExtensionOffer[] | HandshakeError {
  if (field === undefined) return [];
  if (request.extensions === '') return new HandshakeError('UNREQUESTED_EXTENSIONS', 101);
  const extensions = parseExtensions(field);
  if (extensions === undefined) return new HandshakeError('INVALID_EXTENSIONS_RESPONSE', 101);
  const names = extensions.map(({ name }) => name);
  const requested = (parseExtensions(request.extensions) ?? []).map(({ name }) => name);
  if (!names.every((name) => requested.includes(name))) {
    return new HandshakeError('UNREQUESTED_EXTENSION', 101);
  }
  // RFC 7692 §5: a server takes one of the offers of an extension, not several.
  const isRepeated = new Set(names).size < names.length;
  return isRepeated ? new HandshakeError('INVALID_EXTENSIONS_RESPONSE', 101) : extensions;
}

// RFC 6455 §4.1: the subprotocol must be one that was asked for, compared as it is written.
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
