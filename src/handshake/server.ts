/** RFC 6455 §4.2: a server validates the request and builds the response. */

import type { ExtensionOffer } from '../protocol/extension.js';
import { HandshakeError, type Refusal } from './errors.js';
import {
  acceptFor,
  type Fields,
  fieldOf,
  isHttp11OrHigher,
  isKey,
  listHas,
  parseExtensions,
  parseSubprotocols,
  trim,
} from './fields.js';

/** A request as `node:http` reads it, or an object with the same properties. */
export interface HandshakeRequest {
  readonly method?: string | undefined;
  readonly httpVersion?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Fields;
  /** undefined for a request that a program made. Such a request may have no `Host`. */
  readonly rawHeaders?: readonly string[] | undefined;
}

/** The values of a valid request. */
interface ValidRequest {
  readonly key: string;
  /** The requested subprotocols, the preferred one first. */
  readonly subprotocols: Set<string>;
  /** The offers, the preferred one first. */
  readonly extensions: readonly ExtensionOffer[];
}

/** The values of the request, or the reason to refuse it. */
export type ValidationResult = ValidRequest | HandshakeError;

/** A header field to write. */
export type FieldLine = readonly [name: string, value: string];

/** Validates a request completely. An error is returned, not thrown. */
export function validateRequest(request: HandshakeRequest): ValidationResult {
  return validateRequired(request) ?? validateOptional(request);
}

/** Checks whether a request is an opening handshake. @returns undefined if it is */
export function validateRequired(request: HandshakeRequest): HandshakeError | undefined {
  const refusal = checkRequestLine(request) ?? checkFields(request);
  return refusal === undefined ? undefined : new HandshakeError(refusal);
}

/** Checks the subprotocols and extensions that an opening handshake asks for. */
export function validateOptional({ headers }: HandshakeRequest): ValidationResult {
  const requested = fieldOf(headers, 'sec-websocket-protocol');
  const subprotocols = requested === undefined ? new Set<string>() : parseSubprotocols(requested);
  if (subprotocols === undefined) return new HandshakeError('INVALID_SUBPROTOCOLS');
  // RFC 6455 §9.1 MUST: a malformed field fails the handshake. Unknown names do not.
  const offered = fieldOf(headers, 'sec-websocket-extensions');
  const extensions = offered === undefined ? [] : parseExtensions(offered);
  if (extensions === undefined) return new HandshakeError('INVALID_EXTENSIONS');
  return { key: fieldOf(headers, 'sec-websocket-key') ?? '', subprotocols, extensions };
}

/** Whether a request asks for the protocol websocket. RFC 9110 §7.8: Upgrade is a list. */
function listsWebSocket(headers: Fields): boolean {
  return listHas(fieldOf(headers, 'upgrade'), 'websocket');
}

/**
 * Whether an upgrade request asks for another protocol. A request with a Sec-WebSocket-Key asks for
 * WebSocket, though not correctly.
 */
export function asksForOtherProtocol({ headers }: HandshakeRequest): boolean {
  return !listsWebSocket(headers) && fieldOf(headers, 'sec-websocket-key') === undefined;
}

/** RFC 6455 §4.2.1 item 1: the request line. */
function checkRequestLine(request: HandshakeRequest): Refusal | undefined {
  // RFC 6455 §4.2.1 MUST: the method is GET, and the version HTTP/1.1 or higher.
  if (request.method !== 'GET') return 'INVALID_METHOD';
  if (!isHttp11OrHigher(request.httpVersion)) return 'INVALID_HTTP_VERSION';
  return pathOf(request.url) === undefined ? 'INVALID_REQUEST_TARGET' : undefined;
}

/** RFC 6455 §4.2.1 items 2 to 6: the required header fields. */
function checkFields(request: HandshakeRequest): Refusal | undefined {
  const { headers } = request;
  // RFC 6455 §4.2.1 MUST: Upgrade has "websocket", in any case.
  if (!listsWebSocket(headers)) return 'INVALID_UPGRADE';
  // RFC 6455 §4.2.1 MUST: Connection has "Upgrade", in any case.
  if (!listHas(fieldOf(headers, 'connection'), 'upgrade')) return 'INVALID_CONNECTION';
  if (!hasValidHost(request)) return 'INVALID_HOST';
  // RFC 6455 §4.2.1 MUST: Sec-WebSocket-Key is 16 bytes in base64.
  if (!isKey(fieldOf(headers, 'sec-websocket-key') ?? '')) return 'INVALID_KEY';
  // RFC 6455 §4.2.1 MUST: Sec-WebSocket-Version is 13, exactly: not `013`, not `13.0`.
  // RFC 6455 §4.2.2 MUST: another version is answered with an error and the versions understood.
  // RFC 6455 §11.3.5 MUST NOT: it comes once. `node:http` joins two fields, and the result is not 13.
  if (fieldOf(headers, 'sec-websocket-version') !== '13') return 'INVALID_VERSION';
  return hasBody(headers) ? 'UNEXPECTED_BODY' : undefined;
}

// RFC 6455 §4.2.1 MUST: Host has the authority of the server. RFC 9112 §3.2: there is exactly one.
function hasValidHost({ headers, rawHeaders }: HandshakeRequest): boolean {
  if (rawHeaders === undefined) return true;
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  return hosts.length === 1 && /^[^\s,/?#@]+$/.test(fieldOf(headers, 'host') ?? '');
}

// RFC 6455 §4.1 MUST: a client sends nothing between its request and the response, no body either.
function hasBody(headers: Fields): boolean {
  const length = fieldOf(headers, 'content-length');
  return (length !== undefined && !/^0+$/.test(length)) || 'transfer-encoding' in headers;
}

/**
 * Returns the path of a request target in origin-form or absolute-form, without the query.
 * @returns undefined if it has neither form; `/` for a request of a program without a target
 */
export function pathOf(target: string | undefined): string | undefined {
  const [beforeQuery = ''] = (target || '/').split('?', 1);
  if (beforeQuery.startsWith('/')) return beforeQuery;
  // RFC 6455 §4.2.1: the target may be an absolute URI.
  const absolute = /^(?:https?|wss?):\/\/[^/]+(\/.*)?$/i.exec(beforeQuery);
  return absolute === null ? undefined : (absolute[1] ?? '/');
}

/**
 * Returns the head of a request without the fields that ask for another protocol: Upgrade,
 * HTTP2-Settings, and their names in Connection. RFC 9110 §7.8.
 * @param keepAlive false adds `Connection: close`
 */
export function requestWithoutUpgrade(request: HandshakeRequest, keepAlive: boolean): string {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  const raw = request.rawHeaders ?? [];
  for (let i = 0; i < raw.length; i += 2) {
    const [name = '', value = ''] = [raw[i], raw[i + 1]];
    const kept = fieldWithoutUpgrade(name.toLowerCase(), value);
    if (kept !== undefined) lines.push(`${name}: ${kept}`);
  }
  if (!keepAlive) lines.push('Connection: close');
  return formatMessage(lines);
}

/** @returns the rest of the field; undefined if nothing is left */
function fieldWithoutUpgrade(name: string, value: string): string | undefined {
  if (name === 'upgrade' || name === 'http2-settings') return undefined;
  if (name !== 'connection') return value;
  const options = value.split(',').map(trim);
  return (
    options
      .filter((option) => option !== '' && !/^(upgrade|http2-settings)$/i.test(option))
      .join(', ') || undefined
  );
}

/**
 * Returns the head of the response that accepts. RFC 6455 §4.2.2 MUST: it is a valid HTTP response
 * with status 101, Upgrade, Connection and Sec-WebSocket-Accept.
 * @param extensions the Sec-WebSocket-Extensions field; '' for none
 */
export function acceptLines(
  key: string,
  subprotocol: string | false,
  extensions: string,
): string[] {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptFor(key)}`,
  ];
  if (subprotocol !== false) lines.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  if (extensions !== '') lines.push(`Sec-WebSocket-Extensions: ${extensions}`);
  return lines;
}

/** The header fields that a refusal has because of its status. */
export function refusalFields(status: number): FieldLine[] {
  // RFC 6455 §4.4 MUST: the response names the versions that the server understands.
  // RFC 9110 §15.5.22: 426 names the protocol.
  if (status === 426) {
    return [
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
    ];
  }
  // RFC 9110 §15.5.6: 405 lists the methods that are allowed.
  return status === 405 ? [['Allow', 'GET']] : [];
}

/** Converts header fields in the form of `node:http`: a value may be a list, or undefined. */
export function fieldLines(fields: {
  readonly [name: string]: string | number | readonly string[] | undefined;
}): FieldLine[] {
  return Object.entries(fields).flatMap(([name, values]) =>
    values === undefined ? [] : [values].flat().map((value): FieldLine => [name, String(value)]),
  );
}

/** Joins the lines of a head, and a body, to an HTTP message. */
export function formatMessage(lines: readonly string[], body = ''): string {
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
