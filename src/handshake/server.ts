/** RFC 6455 §4.2: a server judges the request and builds the response. */

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

/** What is judged: a request as `node:http` reads it, or anything of that shape. */
export interface HandshakeRequest {
  readonly method?: string | undefined;
  readonly httpVersion?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Fields;
  /** Only what was read from a wire has these; a request made by a program may lack `Host`. */
  readonly rawHeaders?: readonly string[] | undefined;
}

/** What a valid request asks for. */
export interface ValidRequest {
  readonly key: string;
  /** in the order of the client's preference */
  readonly subprotocols: Set<string>;
  /** in the order of the client's preference */
  readonly extensions: readonly ExtensionOffer[];
}

/** The judgement: what the request asks for, or why it is refused. */
export type ValidationResult = ValidRequest | HandshakeError;

/** A header field as it is written. */
export type FieldLine = readonly [name: string, value: string];

/** Judges an opening handshake request; never throws for a bad one. */
export function validateRequest(request: HandshakeRequest): ValidationResult {
  return validateRequired(request) ?? validateOptional(request);
}

/** Judges whether a request is an opening handshake. @returns undefined if it is */
export function validateRequired(request: HandshakeRequest): HandshakeError | undefined {
  const refusal = checkRequestLine(request) ?? checkFields(request);
  return refusal === undefined ? undefined : new HandshakeError(refusal);
}

/** Judges what an opening handshake asks for. */
export function validateOptional({ headers }: HandshakeRequest): ValidationResult {
  const requested = fieldOf(headers, 'sec-websocket-protocol');
  const subprotocols = requested === undefined ? new Set<string>() : parseSubprotocols(requested);
  if (subprotocols === undefined) return new HandshakeError('INVALID_SUBPROTOCOLS');
  // RFC 6455 §9.1: a field that breaks the grammar fails the handshake, unknown names do not.
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
 * Whether a request to upgrade asks for another protocol than ours. One that has our key asks for
 * ours, in a wrong way.
 */
export function asksForOtherProtocol({ headers }: HandshakeRequest): boolean {
  return !listsWebSocket(headers) && fieldOf(headers, 'sec-websocket-key') === undefined;
}

/** RFC 6455 §4.2.1 item 1: the request line. */
function checkRequestLine(request: HandshakeRequest): Refusal | undefined {
  if (request.method !== 'GET') return 'INVALID_METHOD';
  // RFC 6455 §4.2.1: HTTP/1.1 or higher.
  if (!isHttp11OrHigher(request.httpVersion)) return 'INVALID_HTTP_VERSION';
  return pathOf(request.url) === undefined ? 'INVALID_REQUEST_TARGET' : undefined;
}

/** RFC 6455 §4.2.1 items 2 to 6: the header fields that must be there. */
function checkFields(request: HandshakeRequest): Refusal | undefined {
  const { headers } = request;
  if (!listsWebSocket(headers)) return 'INVALID_UPGRADE';
  if (!listHas(fieldOf(headers, 'connection'), 'upgrade')) return 'INVALID_CONNECTION';
  if (!hasValidHost(request)) return 'INVALID_HOST';
  if (!isKey(fieldOf(headers, 'sec-websocket-key') ?? '')) return 'INVALID_KEY';
  // RFC 6455 §4.2.1: exactly 13; nothing is converted, `013` and `13.0` are not 13.
  if (fieldOf(headers, 'sec-websocket-version') !== '13') return 'INVALID_VERSION';
  return hasBody(headers) ? 'UNEXPECTED_BODY' : undefined;
}

// RFC 6455 §4.2.1: Host is the server's authority; RFC 9112 §3.2: exactly one, and a valid one.
function hasValidHost({ headers, rawHeaders }: HandshakeRequest): boolean {
  if (rawHeaders === undefined) return true;
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  return hosts.length === 1 && /^[^\s,/?#@]+$/.test(fieldOf(headers, 'host') ?? '');
}

// RFC 6455 §4.1: until the response came a client sends nothing more, so there is no body.
function hasBody(headers: Fields): boolean {
  const length = fieldOf(headers, 'content-length');
  return (length !== undefined && !/^0+$/.test(length)) || 'transfer-encoding' in headers;
}

/**
 * The path of a request target in origin-form or absolute-form, without its query.
 * @returns undefined if it has neither form. A target that a program left out is `/`.
 */
export function pathOf(target: string | undefined): string | undefined {
  const [beforeQuery = ''] = (target || '/').split('?', 1);
  if (beforeQuery.startsWith('/')) return beforeQuery;
  // RFC 6455 §4.2.1: the target may be an absolute URI as well.
  const absolute = /^(?:https?|wss?):\/\/[^/]+(\/.*)?$/i.exec(beforeQuery);
  return absolute === null ? undefined : (absolute[1] ?? '/');
}

/**
 * The head of a request without what asks for another protocol: Upgrade, HTTP2-Settings, and their
 * names in Connection. RFC 9110 §7.8.
 * @param keepAlive false adds the option `close` to Connection
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

/** @returns undefined if nothing of the field is left */
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
 * The fields of the response that accepts, as lines. RFC 6455 §4.2.2 item 5.
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

/** What a refusal says beside its status. */
export function refusalFields(status: number): FieldLine[] {
  // RFC 6455 §4.4: the versions we understand. RFC 9110 §15.5.22: 426 names the protocol.
  if (status === 426) {
    return [
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
    ];
  }
  // RFC 9110 §15.5.6: 405 lists the methods that are allowed.
  return status === 405 ? [['Allow', 'GET']] : [];
}

/** Header fields as programs give them to `node:http`: a value may be a list, or absent. */
export function fieldLines(fields: {
  readonly [name: string]: string | number | readonly string[] | undefined;
}): FieldLine[] {
  return Object.entries(fields).flatMap(([name, values]) =>
    values === undefined ? [] : [values].flat().map((value): FieldLine => [name, String(value)]),
  );
}

/** A whole message of HTTP, as bytes of text. */
export function formatMessage(lines: readonly string[], body = ''): string {
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
