/** Bytes that a person gives as text. */

import { Buffer } from 'node:buffer';

/** @throws TypeError for a text that is not hexadecimal, or has half a byte */
export function toBytes(given: Uint8Array | string): Buffer {
  if (typeof given !== 'string') {
    return Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  }
  const digits = given.replace(/0x|[\s,:]/gi, '');
  const wrong = /[^0-9a-f]/i.exec(digits);
  if (wrong !== null) {
    throw new TypeError(
      `Bytes are given as hexadecimal digits, such as 81 05 48: ${JSON.stringify(wrong[0])} is none`,
    );
  }
  if (digits.length % 2 !== 0) {
    throw new TypeError(`Each byte has two hexadecimal digits: there are ${digits.length} digits`);
  }
  return Buffer.from(digits, 'hex');
}
