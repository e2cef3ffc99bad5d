/** RFC 6455 §4.1: a client writes an opening handshake and reads its response. */

import { Buffer } from 'node:buffer';
import { credentialsOf, readAddress } from '../client/url.js';
import {
  checkConnectionOptions,
  describeValue,
  warnOfUnknownOptions,
} from '../connection/check-options.js';
import { time } from '../connection/time.js';
import { zlibPool } from '../connection/zlib.js';
import {
  buildRequest,
  type Request,
  type ServerResponse,
  validateResponse,
} from '../handshake/client.js';
import { HandshakeError } from '../handshake/errors.js';
import { formatExtension, isKey, isToken, newKey } from '../handshake/fields.js';
import { type HttpHead, readHead } from '../handshake/http-head.js';
import { parseRetryAfter } from '../handshake/retry-after.js';
import type { FieldLine } from '../handshake/server.js';
import { PerMessageDeflate } from '../permessage-deflate/codec.js';
import { deflateOptions, type PerMessageDeflateOptions } from '../permessage-deflate/options.js';
import { acceptResponse, makeOffer } from '../permessage-deflate/parameters.js';
import { writeMessage } from './http-lines.js';
import type { HandshakeAgreement } from './server-handshake.js';
import { viewOf } from './to-bytes.js';

/** The options of {@link startHandshake}. */
export interface ClientHandshakeOptions {
  /** The subprotocols to ask for, the preferred one first. Default: none. RFC 6455 §1.9. */
  readonly subprotocols?: readonly string[] | undefined;
  /** Whether permessage-deflate is offered, or how. Default false. RFC 7692 §5. */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /** The field Origin. Default: none. RFC 6455 §10.2. */
  readonly origin?: string | undefined;
  /** Header fields to add to the request, such as Cookie. */
  readonly fields?: readonly FieldLine[] | undefined;
  /** The field Sec-WebSocket-Key: 16 bytes in base64. Default: random ones. RFC 6455 §4.1 item 7. */
  readonly key?: string | undefined;
}

/** An opening handshake that waits for its response. */
export interface ClientHandshake {
  /** The bytes to write. */
  readonly request: Buffer;
  /**
   * Reads the response. RFC 6455 §4.1.
   * @param bytes all bytes that were received so far
   * @returns undefined while the head of the response is not complete
   * @throws HandshakeError for a response that does not accept, or breaks a rule; SyntaxError for bytes
   * that are not HTTP
   */
  readResponse(bytes: Uint8Array): HandshakeAgreement | undefined;
}

const OPTION_NAMES = ['subprotocols', 'perMessageDeflate', 'origin', 'fields', 'key'];

/** How many bytes of a body the error has. */
const MAX_BODY = 4096;

/**
 * Writes the request of an opening handshake, and reads its response. RFC 6455 §4.1.
 * @param url host, path and query; nothing is connected
 * @throws SyntaxError for a wrong URL or subprotocol; TypeError or RangeError for a wrong option
 */
export function startHandshake(
  url: string | URL,
  options: ClientHandshakeOptions = {},
): ClientHandshake {
  checkConnectionOptions({ perMessageDeflate: options.perMessageDeflate });
  warnOfUnknownOptions(options, OPTION_NAMES, 'startHandshake');
  const { subprotocols = [], key = newKey(), origin, fields = [] } = options;
  checkSubprotocols(subprotocols);
  checkKey(key);
  const deflate = deflateOptions(options.perMessageDeflate, false);
  const extensions = deflate === undefined ? '' : formatExtension(makeOffer(deflate));
  const request = { key, subprotocols, extensions };
  const { startLine, hostFields } = beginRequest(url);
  const all = [...hostFields, ...buildRequest(request, origin), ...fields];
  return {
    request: writeMessage([startLine], all),
    readResponse: (bytes) => readResponse(viewOf(bytes), request, deflate),
  };
}

function beginRequest(address: string | URL): { startLine: string; hostFields: FieldLine[] } {
  const { url, resourceName } = readAddress(address);
  const credentials = credentialsOf(url);
  const hostFields: FieldLine[] = [['Host', url.host || 'localhost']];
  if (credentials !== undefined) {
    const encoded = Buffer.from(credentials).toString('base64');
    hostFields.push(['Authorization', `Basic ${encoded}`]);
  }
  return { startLine: `GET ${resourceName} HTTP/1.1`, hostFields };
}

// RFC 6455 §4.1 MUST: subprotocols are tokens, and unique.
function checkSubprotocols(subprotocols: readonly string[]): void {
  const wrong = subprotocols.find((one, i) => !isToken(one) || subprotocols.indexOf(one) !== i);
  if (wrong === undefined) return;
  throw new SyntaxError(
    `A subprotocol is a token of HTTP, and is listed once: ${describeValue(wrong)} was given`,
  );
}

function checkKey(key: string): void {
  if (isKey(key)) return;
  throw new TypeError(
    `The option key must be 16 bytes in base64, such as "dGhlIHNhbXBsZSBub25jZQ==": ` +
      `${describeValue(key)} was given`,
  );
}

function readResponse(
  bytes: Buffer,
  request: Request,
  deflate: PerMessageDeflateOptions | undefined,
): HandshakeAgreement | undefined {
  const head = readHead(bytes);
  if (head === undefined) return undefined;
  const { status, httpVersion } = parseStatusLine(head.startLine);
  // RFC 9110 §15.2: an informational response comes before the final one.
  if (status < 200 && status !== 101) return readResponse(head.rest, request, deflate);
  if (status !== 101) throw refusedError(status, head);
  const valid = validateResponse({ httpVersion, headers: head.headers }, request);
  if (valid instanceof HandshakeError) throw valid;
  const extension = useExtension(valid, deflate);
  return { subprotocol: valid.subprotocol, extension, rest: head.rest };
}

// RFC 9112 §4: the reason phrase may be missing.
function parseStatusLine(line: string): { status: number; httpVersion: string } {
  const [, httpVersion, status] = /^HTTP\/(\d\.\d) ([1-5]\d\d)(?: |$)/.exec(line) ?? [];
  if (httpVersion !== undefined) return { httpVersion, status: Number(status) };
  throw new SyntaxError(`The first line is not a status line of HTTP: ${describeValue(line)}`);
}

/** The body is what has been received of it. */
function refusedError(status: number, { headers, rest }: HttpHead): HandshakeError {
  const retryAfter = parseRetryAfter(headers, time.wallClock());
  const body = rest.subarray(0, MAX_BODY);
  return new HandshakeError('UNEXPECTED_RESPONSE', status, status, { headers, body, retryAfter });
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
