/**
 * RFC 6455 §7.1.7, §7.4.1: every rule about frames and messages that a peer can break: its name, its
 * close code and what a program sees.
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

/** Puts the detail in the place of `%`. */
export function completeSentence(sentence: string, detail: string | number | undefined): string {
  return detail === undefined ? sentence : sentence.replace('%', String(detail));
}

/**
 * Gives the errors of a class their name. It is spelled out: a minifier changes the names of classes.
 * On the prototype it is there when the stack is captured.
 */
export function setErrorName(Class: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(Class.prototype, 'name', {
    configurable: true,
    writable: true,
    value: name,
  });
}

/** An error of this library; `code` says which one. */
export class WebSocketError extends Error {
  static {
    setErrorName(WebSocketError, 'WebSocketError');
  }

  /** `WS_ERR_…`, as listed in the table of errors. */
  readonly code: string;

  /** @param message what was wrong and what was expected; @param code `WS_ERR_…` */
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** The peer broke a rule about frames or messages: the connection is failed. RFC 6455 §7.1.7. */
export class ProtocolError extends RangeError {
  static {
    setErrorName(ProtocolError, 'ProtocolError');
  }

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
    super(completeSentence(row.sentence, detail));
    this.code = row.code;
    this.closeCode = row.closeCode;
    this.rfc = row.rfc;
  }
}
