/** RFC 6455 §4: both sides of the opening handshake as bytes. */

import { Buffer } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import { zlibPool } from '../connection/zlib.js';
import { buildRequest, type ServerResponse, validateResponse } from '../handshake/client.js';
import { HandshakeError } from '../handshake/errors.js';
import { formatExtension, isFieldText, newKey } from '../handshake/fields.js';
import {
  acceptLines,
  type FieldLine,
  formatMessage,
  refusalFields,
  validateRequest,
} from '../handshake/server.js';
import { PerMessageDeflate } from '../permessage-deflate/codec.js';
import { deflateOptions, type PerMessageDeflateOptions } from '../permessage-deflate/options.js';
import { acceptOffer, acceptResponse, makeOffer } from '../permessage-deflate/parameters.js';
import type { ExtensionOffer } from '../protocol/extension.js';
import { type HttpHead, readHead } from './http-head.js';

/** The options of {@link answerHandshake}. */
export interface AnswerOptions {
  /**
   * Chooses a subprotocol of those that the client asks for, the preferred one first; default: none.
   * RFC 6455 §4.2.2 item 4.
   */
  readonly chooseSubprotocol?: ((requested: Set<string>) => string | undefined) | undefined;
  /** Whether permessage-deflate is accepted, or its options; default: false. RFC 7692. */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /** Further fields of the response. */
  readonly fields?: readonly FieldLine[] | undefined;
}

/** What both sides have agreed on. */
export interface Agreement {
  /** '' for none. */
  readonly subprotocol: string;
  /** The option `extension` of {@link ServerProtocol} and {@link ClientProtocol}; undefined for none. */
  readonly extension: PerMessageDeflate | undefined;
  /** The bytes behind the handshake: the first frames. */
  readonly rest: Buffer;
}

/** The answer of a server to a request. */
export type HandshakeAnswer =
  | ({
      readonly status: 101;
      readonly request: HttpHead;
      /** The bytes to write. */
      readonly response: Buffer;
    } & Agreement)
  | {
      readonly status: number;
      readonly request: HttpHead | undefined;
      readonly response: Buffer;
      /** The rule that the request breaks. */
      readonly error: HandshakeError | SyntaxError;
    };

/**
 * Answers the request of a client. RFC 6455 §4.2.
 * @param bytes all that was received
 * @returns undefined while the request is not complete
 * @throws RangeError for a subprotocol that was not requested
 */
export function answerHandshake(
  bytes: Uint8Array,
  options: AnswerOptions = {},
): HandshakeAnswer | undefined {
  let head: HttpHead | undefined;
  try {
    head = readHead(bytes);
  } catch (error) {
    return refuse(undefined, 400, error as SyntaxError);
  }
  return head && answer(head, options);
}

function answer(head: HttpHead, options: AnswerOptions): HandshakeAnswer {
  const [method, url, version = ''] = head.startLine.split(' ');
  const httpVersion = /^HTTP\/(\d\.\d)$/.exec(version)?.[1] ?? '0.0';
  const valid = validateRequest({ ...head, method, url, httpVersion });
  if (valid instanceof HandshakeError) return refuse(head, valid.status, valid);
  const subprotocol = chooseSubprotocol(valid.subprotocols, options);
  const extension = acceptExtension(valid.extensions, options);
  const extensions = extension === undefined ? '' : formatExtension(extension.response);
  const lines = acceptLines(valid.key, subprotocol || false, extensions);
  const response = write([...lines, ...(options.fields ?? []).map(toLine)]);
  return { status: 101, request: head, response, subprotocol, extension, rest: head.rest };
}

// RFC 6455 §4.2.2 MUST: the subprotocol is one that the client asks for.
function chooseSubprotocol(
  requested: Set<string>,
  { chooseSubprotocol: choose }: AnswerOptions,
): string {
  const chosen = requested.size === 0 ? undefined : choose?.(requested);
  if (chosen === undefined || requested.has(chosen)) return chosen ?? '';
  throw new RangeError(`The client did not ask for the subprotocol ${JSON.stringify(chosen)}`);
}

function acceptExtension(
  offers: readonly ExtensionOffer[],
  { perMessageDeflate }: AnswerOptions,
): PerMessageDeflate | undefined {
  const options = deflateOptions(perMessageDeflate, false);
  const negotiation = options && acceptOffer(offers, options);
  return negotiation && new PerMessageDeflate('server', negotiation, options, zlibPool);
}

function refuse(
  request: HttpHead | undefined,
  status: number,
  error: HandshakeError | SyntaxError,
): HandshakeAnswer {
  const fields: FieldLine[] = [
    ['Connection', 'close'],
    ['Content-Type', 'text/plain'],
    ['Content-Length', String(Buffer.byteLength(error.message))],
    ...refusalFields(status),
  ];
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...fields.map(toLine)];
  return { status, request, response: write(lines, error.message), error };
}

/** The options of {@link offerHandshake}. */
export interface OfferOptions {
  /** The subprotocols, the preferred one first; default: none. */
  readonly subprotocols?: readonly string[] | undefined;
  /** Whether permessage-deflate is offered, or its options; default: false. RFC 7692. */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /** The field Origin; default: none. */
  readonly origin?: string | undefined;
  /** Further fields of the request. */
  readonly fields?: readonly FieldLine[] | undefined;
  /** The field Sec-WebSocket-Key; default: 16 random bytes. */
  readonly key?: string | undefined;
}

/** The request of a client, which waits for its response. */
export interface HandshakeOffer {
  /** The bytes to write. */
  readonly request: Buffer;
  /**
   * Reads the response.
   * @param bytes all that was received
   * @returns undefined while the response is not complete
   * @throws HandshakeError for a response that does not accept; SyntaxError if it is no HTTP
   */
  readResponse(bytes: Uint8Array): Agreement | undefined;
}

/**
 * Writes the request of a client. RFC 6455 §4.1.
 * @param url where to: its host and path
 */
export function offerHandshake(url: string | URL, options: OfferOptions = {}): HandshakeOffer {
  const { subprotocols = [], origin, key = newKey(), fields = [] } = options;
  const deflate = deflateOptions(options.perMessageDeflate, false);
  const extensions = deflate === undefined ? '' : formatExtension(makeOffer(deflate));
  const request = { key, subprotocols, extensions };
  const { host, pathname, search } = new URL(url);
  const lines = [
    `GET ${pathname}${search} HTTP/1.1`,
    `Host: ${host}`,
    ...[...buildRequest(request, origin), ...fields].map(toLine),
  ];
  return {
    request: write(lines),
    readResponse: (bytes) => {
      const head = readHead(bytes);
      return head && accept(head, request, deflate);
    },
  };
}

function accept(
  head: HttpHead,
  request: Parameters<typeof validateResponse>[1],
  deflate: PerMessageDeflateOptions | undefined,
): Agreement {
  const [, httpVersion = '0.0', status = '0'] =
    /^HTTP\/(\d\.\d) (\d{3})(?: |$)/.exec(head.startLine) ?? [];
  if (status !== '101') throw new HandshakeError('UNEXPECTED_RESPONSE', Number(status), status);
  const valid = validateResponse({ httpVersion, headers: head.headers }, request);
  if (valid instanceof HandshakeError) throw valid;
  const { subprotocol } = valid;
  return { subprotocol, extension: useExtension(valid, deflate), rest: head.rest };
}

function useExtension(
  { extensions: [chosen] }: ServerResponse,
  deflate: PerMessageDeflateOptions | undefined,
): PerMessageDeflate | undefined {
  if (chosen === undefined || deflate === undefined) return undefined;
  const negotiation = acceptResponse(chosen, deflate);
  if (negotiation === undefined) throw new HandshakeError('INVALID_EXTENSIONS_RESPONSE', 101);
  return new PerMessageDeflate('client', negotiation, deflate, zlibPool);
}

function toLine([name, value]: FieldLine): string {
  const line = `${name}: ${value}`;
  if (isFieldText(line)) return line;
  throw new TypeError(`A header field cannot have a line break or NUL: ${JSON.stringify(line)}`);
}

function write(lines: readonly string[], body = ''): Buffer {
  return Buffer.from(formatMessage(lines, body), 'latin1');
}
