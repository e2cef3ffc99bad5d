/** RFC 6455 §4.2: a server answers an opening handshake, bytes for bytes. */

import type { Buffer } from 'node:buffer';
import {
  checkConnectionOptions,
  checkFunctions,
  describeValue,
  warnOfUnknownOptions,
} from '../connection/check-options.js';
import { zlibPool } from '../connection/zlib.js';
import { HandshakeError } from '../handshake/errors.js';
import { formatExtension } from '../handshake/fields.js';
import { type HttpHead, readHead } from '../handshake/http-head.js';
import {
  acceptLines,
  type FieldLine,
  refusalFields,
  validateRequest,
} from '../handshake/server.js';
import { PerMessageDeflate } from '../permessage-deflate/codec.js';
import { deflateOptions, type PerMessageDeflateOptions } from '../permessage-deflate/options.js';
import { acceptOffer } from '../permessage-deflate/parameters.js';
import type { Extension, ExtensionOffer } from '../protocol/extension.js';
import { writeMessage } from './http-lines.js';
import { viewOf } from './to-bytes.js';

/** The options of {@link answerHandshake}. */
export interface ServerHandshakeOptions {
  /**
   * Chooses one of the subprotocols that the client asks for, which come in its order of preference.
   * undefined and '' mean none. Default: none. RFC 6455 §4.2.2 item 4.
   */
  readonly chooseSubprotocol?: ((requested: Set<string>) => string | undefined) | undefined;
  /** Whether an offer of permessage-deflate is accepted, or how. Default false. RFC 7692 §5. */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /** Header fields to add to the response with status 101, such as Set-Cookie. */
  readonly fields?: readonly FieldLine[] | undefined;
}

/** What client and server have agreed on, and where their frames begin. */
export interface HandshakeAgreement {
  /** The subprotocol; '' for none. RFC 6455 §1.9. */
  readonly subprotocol: string;
  /** For the option `extension` of one {@link ServerProtocol} or {@link ClientProtocol}. */
  readonly extension: Extension | undefined;
  /** Bytes that were received behind the handshake: the first frames. */
  readonly rest: Buffer;
}

/** A request as {@link answerHandshake} has read it. */
export interface HandshakeRequestHead extends HttpHead {
  readonly method: string;
  /** The request target: path and query. */
  readonly url: string;
  readonly httpVersion: string;
}

/** The request is an opening handshake. */
export interface AcceptedHandshake extends HandshakeAgreement {
  readonly error: undefined;
  readonly status: 101;
  readonly request: HandshakeRequestHead;
  /** The bytes to write before the first frame. */
  readonly response: Buffer;
}

/** The request is not an opening handshake, or not a correct one. */
export interface RefusedHandshake {
  /** The rule that the request breaks; a SyntaxError if it is not HTTP. */
  readonly error: HandshakeError | SyntaxError;
  /** The status of the response. */
  readonly status: number;
  /** undefined if the request is not HTTP. */
  readonly request: HandshakeRequestHead | undefined;
  /** The bytes to write before the connection is closed. RFC 6455 §4.2.2. */
  readonly response: Buffer;
}

const OPTION_NAMES = ['chooseSubprotocol', 'perMessageDeflate', 'fields'];

/**
 * Answers the opening handshake of a client. RFC 6455 §4.2. A program that has more conditions checks
 * `request` and writes a response of its own.
 * @param bytes all bytes that were received so far
 * @returns undefined while the head of the request is not complete
 * @throws TypeError for a wrong option, and for a chosen subprotocol that was not requested
 */
export function answerHandshake(
  bytes: Uint8Array,
  options: ServerHandshakeOptions = {},
): AcceptedHandshake | RefusedHandshake | undefined {
  checkConnectionOptions({ perMessageDeflate: options.perMessageDeflate });
  checkFunctions(options, ['chooseSubprotocol']);
  warnOfUnknownOptions(options, OPTION_NAMES, 'answerHandshake');
  const request = readRequest(viewOf(bytes));
  if (request === undefined) return undefined;
  if (request instanceof SyntaxError) return refuse(undefined, 400, request);
  const valid = validateRequest(request);
  if (valid instanceof HandshakeError) return refuse(request, valid.status, valid);
  const subprotocol = chooseSubprotocol(valid.subprotocols, options);
  const extension = acceptExtension(valid.extensions, options);
  const chosen = extension === undefined ? '' : formatExtension(extension.response);
  const lines = acceptLines(valid.key, subprotocol || false, chosen);
  const response = writeMessage(lines, options.fields ?? []);
  const { rest } = request;
  return { error: undefined, status: 101, request, response, subprotocol, extension, rest };
}

function readRequest(bytes: Buffer): HandshakeRequestHead | SyntaxError | undefined {
  try {
    const head = readHead(bytes);
    return head && { ...head, ...parseRequestLine(head.startLine) };
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}

// RFC 9112 §3: method, target and version, with one space between them.
function parseRequestLine(line: string): { method: string; url: string; httpVersion: string } {
  const [, method, url = '', httpVersion = ''] = /^(\S+) (\S+) HTTP\/(\d\.\d)$/.exec(line) ?? [];
  if (method !== undefined) return { method, url, httpVersion };
  throw new SyntaxError(`The first line is not a request line of HTTP: ${describeValue(line)}`);
}

/** RFC 6455 §4.2.2 MUST: the subprotocol is one of the request. @returns '' for none */
function chooseSubprotocol(requested: Set<string>, options: ServerHandshakeOptions): string {
  const chosen = requested.size === 0 ? undefined : options.chooseSubprotocol?.(requested);
  if (!chosen) return '';
  if (requested.has(chosen)) return chosen;
  throw new TypeError(
    'chooseSubprotocol must return one of the subprotocols that the client asks for, or undefined: ' +
      `it returned ${describeValue(chosen)}`,
  );
}

// RFC 6455 §4.2.2 MUST: an extension is one of the request.
function acceptExtension(
  offers: readonly ExtensionOffer[],
  { perMessageDeflate }: ServerHandshakeOptions,
): PerMessageDeflate | undefined {
  const options = deflateOptions(perMessageDeflate, false);
  const negotiation = options && acceptOffer(offers, options);
  return negotiation && new PerMessageDeflate('server', negotiation, options, zlibPool);
}

/** The reason phrases of the statuses with which a handshake is refused. RFC 9110 §15. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  426: 'Upgrade Required',
  505: 'HTTP Version Not Supported',
};

function refuse(
  request: HandshakeRequestHead | undefined,
  status: number,
  error: HandshakeError | SyntaxError,
): RefusedHandshake {
  const body = `${error.message}\n`.replace(/[^\n\x20-\x7e]/g, '?');
  const fields: FieldLine[] = [
    ['Connection', 'close'],
    ['Content-Type', 'text/plain'],
    ['Content-Length', String(body.length)],
    ...refusalFields(status),
  ];
  const response = writeMessage([`HTTP/1.1 ${status} ${REASONS[status] ?? ''}`], fields, body);
  return { error, status, request, response };
}
