/** RFC 6455 §4.1, §4.2.2: the reasons why an opening handshake fails. */

import { completeSentence, setErrorName, WebSocketError } from '../protocol/errors.js';
import type { Fields } from './fields.js';

/** One row of {@link REFUSALS}. */
export interface RefusalRow {
  /** The HTTP status of a server's response; 0 for a client, which sends none. */
  readonly status: number;
  /** The `code` of the {@link HandshakeError}. */
  readonly code: `WS_ERR_${string}`;
  /** The sections that have the rule. */
  readonly rfc: string;
  /** Error message, and body of a server's refusal. `%` is replaced by a detail. */
  readonly sentence: string;
}

/** The rules for requests, then those for responses. */
export const REFUSALS = {
  INVALID_METHOD: {
    status: 405,
    code: 'WS_ERR_INVALID_METHOD',
    rfc: 'RFC 6455 §4.2.1',
    sentence: 'Invalid HTTP method',
  },
  INVALID_HTTP_VERSION: {
    status: 505,
    code: 'WS_ERR_INVALID_HTTP_VERSION',
    rfc: 'RFC 6455 §4.2.1, §4.2.2',
    sentence: 'Invalid HTTP version: HTTP/1.1 or higher is needed',
  },
  INVALID_REQUEST_TARGET: {
    status: 400,
    code: 'WS_ERR_INVALID_REQUEST_TARGET',
    rfc: 'RFC 6455 §4.2.1',
    sentence: 'Invalid request target: a path or an absolute URI is needed',
  },
  INVALID_HOST: {
    status: 400,
    code: 'WS_ERR_INVALID_HOST',
    rfc: 'RFC 6455 §4.2.1',
    sentence: 'Missing or invalid Host header',
  },
  INVALID_UPGRADE: {
    status: 400,
    code: 'WS_ERR_INVALID_UPGRADE',
    rfc: 'RFC 6455 §4.2.1, §4.1',
    sentence: 'Invalid Upgrade header',
  },
  INVALID_CONNECTION: {
    status: 400,
    code: 'WS_ERR_INVALID_CONNECTION',
    rfc: 'RFC 6455 §4.2.1, §4.1',
    sentence: 'Invalid Connection header',
  },
  UNEXPECTED_BODY: {
    status: 400,
    code: 'WS_ERR_UNEXPECTED_BODY',
    rfc: 'RFC 6455 §4.1',
    sentence: 'Unexpected request body: an opening handshake has none',
  },
  INVALID_KEY: {
    status: 400,
    code: 'WS_ERR_INVALID_KEY',
    rfc: 'RFC 6455 §4.2.1',
    sentence: 'Missing or invalid Sec-WebSocket-Key header',
  },
  INVALID_VERSION: {
    status: 426,
    code: 'WS_ERR_INVALID_VERSION',
    rfc: 'RFC 6455 §4.2.2, §4.4',
    sentence: 'Missing or invalid Sec-WebSocket-Version header',
  },
  INVALID_SUBPROTOCOLS: {
    status: 400,
    code: 'WS_ERR_INVALID_SUBPROTOCOLS',
    rfc: 'RFC 6455 §4.2.1, §11.3.4',
    sentence: 'Invalid Sec-WebSocket-Protocol header',
  },
  INVALID_EXTENSIONS: {
    status: 400,
    code: 'WS_ERR_INVALID_EXTENSIONS',
    rfc: 'RFC 6455 §9.1',
    sentence: 'Invalid or unacceptable Sec-WebSocket-Extensions header',
  },
  INVALID_ACCEPT: {
    status: 0,
    code: 'WS_ERR_INVALID_ACCEPT',
    rfc: 'RFC 6455 §4.1',
    sentence: 'Invalid Sec-WebSocket-Accept header',
  },
  UNREQUESTED_SUBPROTOCOL: {
    status: 0,
    code: 'WS_ERR_UNREQUESTED_SUBPROTOCOL',
    rfc: 'RFC 6455 §4.1',
    sentence: 'Server sent a subprotocol but none was requested',
  },
  INVALID_SUBPROTOCOL: {
    status: 0,
    code: 'WS_ERR_INVALID_SUBPROTOCOL',
    rfc: 'RFC 6455 §4.1',
    sentence: 'Server sent an invalid subprotocol',
  },
  // Stricter than RFC 6455 §4.1, where a server may choose none. Browsers and `ws` fail too.
  MISSING_SUBPROTOCOL: {
    status: 0,
    code: 'WS_ERR_MISSING_SUBPROTOCOL',
    rfc: 'RFC 6455 §1.9',
    sentence: 'Server sent no subprotocol',
  },
  UNREQUESTED_EXTENSIONS: {
    status: 0,
    code: 'WS_ERR_UNREQUESTED_EXTENSIONS',
    rfc: 'RFC 6455 §4.1',
    sentence: 'Server sent a Sec-WebSocket-Extensions header but no extension was requested',
  },
  UNREQUESTED_EXTENSION: {
    status: 0,
    code: 'WS_ERR_UNREQUESTED_EXTENSION',
    rfc: 'RFC 6455 §4.1',
    sentence: 'Server indicated an extension that was not requested',
  },
  INVALID_EXTENSIONS_RESPONSE: {
    status: 0,
    code: 'WS_ERR_INVALID_EXTENSIONS',
    rfc: 'RFC 6455 §9.1, RFC 7692 §7.1',
    sentence: 'Invalid Sec-WebSocket-Extensions header',
  },
  UNEXPECTED_RESPONSE: {
    status: 0,
    code: 'WS_ERR_UNEXPECTED_RESPONSE',
    rfc: 'RFC 6455 §4.1',
    sentence: 'Unexpected server response: %',
  },
  INVALID_REDIRECT: {
    status: 0,
    code: 'WS_ERR_INVALID_REDIRECT',
    rfc: 'RFC 6455 §3, §4.1',
    sentence: 'Invalid URL: %',
  },
  TOO_MANY_REDIRECTS: {
    status: 0,
    code: 'WS_ERR_TOO_MANY_REDIRECTS',
    rfc: 'RFC 6455 §4.1',
    sentence: 'Maximum redirects exceeded',
  },
  HANDSHAKE_TIMEOUT: {
    status: 0,
    code: 'WS_ERR_HANDSHAKE_TIMEOUT',
    rfc: 'RFC 6455 §7.1.7',
    sentence: 'Opening handshake has timed out',
  },
  CLOSED_EARLY: {
    status: 0,
    code: 'WS_ERR_CLOSED_EARLY',
    rfc: 'RFC 6455 §7.1.7',
    sentence: 'WebSocket was closed before the connection was established',
  },
} as const satisfies Record<string, RefusalRow>;

/** The name of a row of {@link REFUSALS}. */
export type Refusal = keyof typeof REFUSALS;

/** The most bytes of a body that an error carries. */
export const MAX_REFUSAL_BODY = 4096;

/** The response with which a server refused an opening handshake. */
export interface RefusalResponse {
  /** Its header fields; names in lower case. */
  readonly headers: Fields;
  /** The first 4 KiB of its body, as they were received. */
  readonly body: Buffer;
  /** Its Retry-After in milliseconds; undefined if it has none. */
  readonly retryAfter: number | undefined;
}

/** The opening handshake failed. RFC 6455 §4.1 (client), §4.2.2 (server). */
export class HandshakeError extends WebSocketError {
  static {
    setErrorName(HandshakeError, 'HandshakeError');
  }

  /** Server: the status of the response. Client: the status received; 0 without a response. */
  readonly status: number;
  /** The section of the RFC that has the rule. */
  readonly rfc: string;
  /**
   * Client: the header fields of the response that refused; names in lower case. This property and
   * `body` are not enumerable: a log of the error must not have cookies.
   */
  declare readonly headers: Fields | undefined;
  /** Client: the first 4 KiB of the body of that response, as they were received. */
  declare readonly body: Buffer | undefined;
  /**
   * Client: how long that response asks to wait before the next attempt, in milliseconds. Retry-After
   * may also be a date: then it is the time from the Date of the response until then.
   */
  declare readonly retryAfter: number | undefined;

  /**
   * @param refusal a row of {@link REFUSALS}, or one of another table
   * @param status the HTTP status; default: that of the row
   * @param detail replaces `%` in the sentence of the row
   * @param response the response of the server, if it refused
   */
  constructor(
    refusal: Refusal | RefusalRow,
    status?: number,
    detail?: string | number,
    response?: RefusalResponse,
  ) {
    const row: RefusalRow = typeof refusal === 'string' ? REFUSALS[refusal] : refusal;
    super(completeSentence(row.sentence, detail), row.code);
    this.status = status ?? row.status;
    this.rfc = row.rfc;
    if (response === undefined) return;
    const { headers, body, retryAfter } = response;
    Object.defineProperty(this, 'headers', { configurable: true, value: headers });
    Object.defineProperty(this, 'body', { configurable: true, value: body });
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}
