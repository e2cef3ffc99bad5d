/**
 * Every rule a peer can break, once: its name, what it means on the wire and what a program sees.
 * RFC 6455 §7.1.7 and §7.4.1 for frames, §4.1 and §4.2.2 for the opening handshake.
 */

/** One row of {@link VIOLATIONS}: a rule about frames or messages. */
export interface ViolationRow {
  /** The close code sent to the peer that broke the rule (RFC 6455 §7.4.1). */
  readonly closeCode: number;
  /** The `code` of the error a program receives. */
  readonly code: `WS_ERR_${string}` | 'Z_DATA_ERROR';
  /** Where the rule stands. */
  readonly rfc: string;
  /** Error message and close reason; `%` stands for the offending value. */
  readonly sentence: string;
}

/** What a peer can do wrong after the connection is established. */
export const VIOLATIONS = {
  UNEXPECTED_RSV_2_3: {
    closeCode: 1002,
    code: 'WS_ERR_UNEXPECTED_RSV_2_3',
    rfc: 'RFC 6455 §5.2',
    sentence: 'Invalid WebSocket frame: RSV2 and RSV3 must be clear',
  },
  UNEXPECTED_RSV_1: {
    closeCode: 1002,
    code: 'WS_ERR_UNEXPECTED_RSV_1',
    rfc: 'RFC 6455 §5.2',
    sentence: 'Invalid WebSocket frame: RSV1 must be clear',
  },
  INVALID_OPCODE: {
    closeCode: 1002,
    code: 'WS_ERR_INVALID_OPCODE',
    rfc: 'RFC 6455 §5.2, §5.4',
    sentence: 'Invalid WebSocket frame: invalid opcode %',
  },
  EXPECTED_FIN: {
    closeCode: 1002,
    code: 'WS_ERR_EXPECTED_FIN',
    rfc: 'RFC 6455 §5.5',
    sentence: 'Invalid WebSocket frame: FIN must be set',
  },
  INVALID_CONTROL_PAYLOAD_LENGTH: {
    closeCode: 1002,
    code: 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    rfc: 'RFC 6455 §5.5, §5.5.1',
    sentence: 'Invalid WebSocket frame: invalid payload length %',
  },
  EXPECTED_MASK: {
    closeCode: 1002,
    code: 'WS_ERR_EXPECTED_MASK',
    rfc: 'RFC 6455 §5.1',
    sentence: 'Invalid WebSocket frame: MASK must be set',
  },
  UNEXPECTED_MASK: {
    closeCode: 1002,
    code: 'WS_ERR_UNEXPECTED_MASK',
    rfc: 'RFC 6455 §5.1',
    sentence: 'Invalid WebSocket frame: MASK must be clear',
  },
  NON_MINIMAL_PAYLOAD_LENGTH: {
    closeCode: 1002,
    code: 'WS_ERR_NON_MINIMAL_PAYLOAD_LENGTH',
    rfc: 'RFC 6455 §5.2',
    sentence: 'Invalid WebSocket frame: payload length % not in its shortest form',
  },
  UNSUPPORTED_DATA_PAYLOAD_LENGTH: {
    closeCode: 1009,
    code: 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
    rfc: 'RFC 6455 §5.2, §7.4.1',
    sentence: 'Unsupported WebSocket frame: payload length > 2^53 - 1',
  },
  UNSUPPORTED_MESSAGE_LENGTH: {
    closeCode: 1009,
    code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    rfc: 'RFC 6455 §7.4.1, §10.4',
    sentence: 'Max payload size exceeded',
  },
  TOO_MANY_FRAGMENTS: {
    closeCode: 1008,
    code: 'WS_ERR_TOO_MANY_BUFFERED_PARTS',
    rfc: 'RFC 6455 §7.4.1, §10.4',
    sentence: 'Too many message fragments',
  },
  INVALID_UTF8: {
    closeCode: 1007,
    code: 'WS_ERR_INVALID_UTF8',
    rfc: 'RFC 6455 §8.1',
    sentence: 'Invalid WebSocket frame: invalid UTF-8 sequence',
  },
  INVALID_COMPRESSED_DATA: {
    closeCode: 1007,
    code: 'Z_DATA_ERROR', // zlib's name for it, which programs written for `ws` know
    rfc: 'RFC 7692 §7.2.2',
    sentence: 'Invalid compressed message: %',
  },
  CANNOT_DECODE: {
    closeCode: 1011,
    code: 'WS_ERR_CANNOT_DECODE',
    rfc: 'RFC 6455 §7.4.1',
    sentence: 'The message cannot be decoded here: %',
  },
  INVALID_CLOSE_CODE: {
    closeCode: 1002,
    code: 'WS_ERR_INVALID_CLOSE_CODE',
    rfc: 'RFC 6455 §7.4',
    sentence: 'Invalid WebSocket frame: invalid status code %',
  },
} as const satisfies Record<string, ViolationRow>;

/** The name of a row of {@link VIOLATIONS}. */
export type Violation = keyof typeof VIOLATIONS;

/** One row of {@link REFUSALS}: why an opening handshake failed. */
export interface RefusalRow {
  /** The HTTP status a server answers; 0 where a client judges, which answers nothing. */
  readonly status: number;
  /** The `code` of the error a program receives. */
  readonly code: `WS_ERR_${string}`;
  /** Where the rule stands. */
  readonly rfc: string;
  /** Error message, and the body of a server's refusal; `%` stands for a detail. */
  readonly sentence: string;
}

/** What can be wrong with an opening handshake: requests first, then responses. */
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
  // Stricter than RFC 6455 §4.1, which lets a server choose none; browsers and `ws` fail here too.
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
  INVALID_ANSWER: {
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

function complete(sentence: string, detail: string | number | undefined): string {
  return detail === undefined ? sentence : sentence.replace('%', String(detail));
}

/** An error this library made; `code` says which one. */
export class WebSocketError extends Error {
  /** `WS_ERR_…`, as listed in the table of errors. */
  readonly code: string;

  /** @param message what was wrong and what was expected; @param code `WS_ERR_…` */
  constructor(message: string, code: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The opening handshake failed. RFC 6455 §4.1 (client), §4.2.2 (server). */
export class HandshakeError extends WebSocketError {
  /** The HTTP status to answer (server) or the one received (client; 0 where there was none). */
  readonly status: number;
  /** Where the rule stands. */
  readonly rfc: string;

  /**
   * @param refusal a row of {@link REFUSALS}
   * @param status the HTTP status received, where it is not the row's own
   * @param detail what stands in for `%` in the row's sentence
   */
  constructor(refusal: Refusal, status?: number, detail?: string | number) {
    const row: RefusalRow = REFUSALS[refusal];
    super(complete(row.sentence, detail), row.code);
    this.status = status ?? row.status;
    this.rfc = row.rfc;
  }
}

/** The peer broke a rule about frames or messages: the connection is failed. RFC 6455 §7.1.7. */
export class ProtocolError extends RangeError {
  /** `WS_ERR_…`, as listed in the table of errors. */
  readonly code: string;
  /** The close code sent to the peer. */
  readonly closeCode: number;
  /** Where the rule stands. */
  readonly rfc: string;

  /**
   * @param violation a row of {@link VIOLATIONS}
   * @param detail what stands in for `%` in the row's sentence
   */
  constructor(violation: Violation, detail?: string | number) {
    const row: ViolationRow = VIOLATIONS[violation];
    super(complete(row.sentence, detail));
    this.name = new.target.name;
    this.code = row.code;
    this.closeCode = row.closeCode;
    this.rfc = row.rfc;
  }
}
