/** Bytes that a program gives, also as hexadecimal text. */

import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { describeValue } from '../connection/check-options.js';

/** What programs write between hexadecimal digits: `81 05`, `81:05`, `0x81, 0x05`, `\x81\x05`. */
const BETWEEN_DIGITS = /0x|\\x|[\s,:-]/gi;

/** Separates the bytes of hexadecimal digits: `8105` becomes `81 05`. */
export function spaced(digits: string): string {
  return digits.replace(/..(?=.)/g, '$& ');
}

/** Returns a view of the bytes. @throws TypeError for anything but a Uint8Array */
export function viewOf(bytes: Uint8Array): Buffer {
  if (types.isUint8Array(bytes)) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  throw new TypeError(`Bytes are a Buffer or a Uint8Array: ${describeValue(bytes)} was given`);
}

/** Returns a copy of the bytes, or of the UTF-8 of a text. @throws TypeError for anything else */
export function copyOf(data: Uint8Array | string): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  if (types.isUint8Array(data)) return Buffer.from(data);
  throw new TypeError(
    `A payload is a string, a Buffer or a Uint8Array: ${describeValue(data)} was given`,
  );
}

/**
 * Returns a view of the bytes, or the bytes that hexadecimal digits stand for.
 * @throws SyntaxError for a text that is not hexadecimal, or ends with half a byte
 */
export function toBytes(given: Uint8Array | string): Buffer {
  if (typeof given !== 'string') return viewOf(given);
  const digits = given.replace(BETWEEN_DIGITS, '');
  const [wrong] = /[^0-9a-f]/iu.exec(digits) ?? [];
  if (wrong !== undefined) {
    throw new SyntaxError(
      `Bytes as text are hexadecimal digits, such as "81 05 48": ${JSON.stringify(wrong)} is not one`,
    );
  }
  if (digits.length % 2 !== 0) {
    throw new SyntaxError(
      `Each byte is two hexadecimal digits: ${digits.length} digits are half a byte too many`,
    );
  }
  return Buffer.from(digits, 'hex');
}
