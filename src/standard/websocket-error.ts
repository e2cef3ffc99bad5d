/** WebSocketStream draft §3: WebSocketError, the error of a connection that did not close cleanly. */

import { Buffer } from 'node:buffer';
import { checkClose } from './arguments.js';
import { defineInterface, enforceUnsignedShort, toUsvString } from './web-idl.js';

/** The close code and reason of a new WebSocketError. */
export interface WebSocketCloseInfo {
  /** 1000, or a code of programs, 3000 to 4999. RFC 6455 §7.4. */
  closeCode?: number | undefined;
  /** At most 123 bytes in UTF-8. Default ''. RFC 6455 §7.1.6. */
  reason?: string | undefined;
}

/** A close code and reason, checked. */
export interface CheckedClose {
  readonly closeCode: number | undefined;
  readonly reason: string;
}

/**
 * Reads a close code and reason. A reason alone gets the code 1000.
 * @throws TypeError, RangeError for other types; DOMException InvalidAccessError for the code, SyntaxError
 * for a reason of more than 123 bytes
 */
export function readCloseInfo(given: unknown, name: string): CheckedClose {
  const isObject = typeof given === 'object' || typeof given === 'function';
  if (given !== undefined && !isObject) {
    throw new TypeError(
      `${name} must be an object with closeCode and reason, not ${String(given)}`,
    );
  }
  const { closeCode, reason } = (given ?? {}) as { closeCode?: unknown; reason?: unknown };
  const code = closeCode === undefined ? undefined : enforceUnsignedShort(closeCode, 'closeCode');
  const text = reason === undefined ? '' : toUsvString(reason);
  checkClose(code, Buffer.from(text));
  return { closeCode: code ?? (text === '' ? undefined : 1000), reason: text };
}

let createUnchecked: (message: string, code: number | undefined, reason: string) => WebSocketError;

/**
 * The error of a connection that failed or was not closed cleanly. Given to `cancel` or `abort` of a
 * stream, it tells the code and reason of the Close to send.
 */
export class WebSocketError extends DOMException {
  #closeCode: number | null;
  #reason: string;

  static {
    createUnchecked = (message, code, reason) => {
      const error = new WebSocketError(message);
      error.#closeCode = code ?? null;
      error.#reason = reason;
      return error;
    };
  }

  constructor(message: string = '', init: WebSocketCloseInfo = {}) {
    super(toUsvString(message), 'WebSocketError');
    // Some versions of Node return an object whose prototype is that of DOMException.
    Object.setPrototypeOf(this, new.target.prototype);
    const { closeCode, reason } = readCloseInfo(init, 'The second argument of WebSocketError');
    this.#closeCode = closeCode ?? null;
    this.#reason = reason;
  }

  /** The close code of the peer; 1006 if no Close was received. null if none was given. RFC 6455 §7.1.5. */
  get closeCode(): number | null {
    return this.#closeCode;
  }

  /** The close reason of the peer, or ''. RFC 6455 §7.1.6. */
  get reason(): string {
    return this.#reason;
  }
}

defineInterface(WebSocketError);

/** Creates the error of a connection: any close code may have been received. @param cause may be undefined */
export function connectionError(
  message: string,
  closeCode: number,
  reason: string,
  cause: Error | undefined,
): WebSocketError {
  const error = createUnchecked(message, closeCode, reason);
  if (cause !== undefined) {
    Object.defineProperty(error, 'cause', { configurable: true, value: cause, writable: true });
  }
  return error;
}
