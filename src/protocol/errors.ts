/** RFC 6455 §7.1.7, §7.4.1: the violations of a peer, with close code, error code and message. */

/** One row of {@link VIOLATIONS}: a rule about frames or messages. */
export interface ViolationRow {
  /** The close code sent to the peer. RFC 6455 §7.4.1. */
  readonly closeCode: number;
  /** The `code` of the {@link ProtocolError}. */
  readonly code: `WS_ERR_${string}` | 'Z_DATA_ERROR';
  /** The section of the rule. */
  readonly rfc: string;
  /** Error message and close reason; `%` stands for the offending value. */
  readonly sentence: string;
}

/** The rules that a peer can break after the opening handshake. */
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
  MESSAGE_RATE: {
    closeCode: 1008,
    code: 'WS_ERR_MESSAGE_RATE',
    rfc: 'RFC 6455 §7.4.1, §10.4',
    sentence: 'Too many messages: more than % per second',
  },
  FIRST_MESSAGE_TIMEOUT: {
    closeCode: 1008,
    code: 'WS_ERR_FIRST_MESSAGE_TIMEOUT',
    rfc: 'RFC 6455 §7.4.1',
    sentence: 'No message was received within % ms',
  },
  INVALID_UTF8: {
    closeCode: 1007,
    code: 'WS_ERR_INVALID_UTF8',
    rfc: 'RFC 6455 §8.1',
    sentence: 'Invalid WebSocket frame: invalid UTF-8 sequence',
  },
  INVALID_COMPRESSED_DATA: {
    closeCode: 1007,
    code: 'Z_DATA_ERROR', // the code of zlib, as in `ws`
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

/** Replaces `%` by the detail. */
export function completeSentence(sentence: string, detail: string | number | undefined): string {
  return detail === undefined ? sentence : sentence.replace('%', String(detail));
}

/**
 * Sets the name of the errors of a class. It is a string, because minifiers change class names. It is
 * on the prototype, because the stack is captured before a constructor could set it.
 */
export function setErrorName(Class: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(Class.prototype, 'name', {
    configurable: true,
    writable: true,
    value: name,
  });
}

/** An error of this library. */
export class WebSocketError extends Error {
  static {
    setErrorName(WebSocketError, 'WebSocketError');
  }

  /** Identifies the error: `WS_ERR_…`, listed in docs/errors.md. */
  readonly code: string;

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

  /** `code` of the violation: `WS_ERR_…` or `Z_DATA_ERROR`. */
  readonly code: string;
  /** The close code that the peer receives. */
  readonly closeCode: number;
  /** The section of the RFC that the peer violated. */
  readonly rfc: string;

  /**
   * @param violation a row of {@link VIOLATIONS}
   * @param detail replaces `%` in the sentence
   */
  constructor(violation: Violation, detail?: string | number) {
    const row: ViolationRow = VIOLATIONS[violation];
    super(completeSentence(row.sentence, detail));
    this.code = row.code;
    this.closeCode = row.closeCode;
    this.rfc = row.rfc;
  }
}
