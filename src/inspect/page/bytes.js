/** Bytes and their hexadecimal digits. */

export function toHex(bytes) {
  let digits = '';
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0');
  return digits;
}

/** @returns the bytes; undefined if the text is not pairs of hexadecimal digits */
export function fromHex(text) {
  const digits = text.replace(/[\s:,]|0x/gi, '');
  if (digits.length % 2 !== 0 || /[^\da-f]/i.test(digits)) return undefined;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** `8105` → `81 05` */
export const spaced = (digits) => digits.replace(/..(?=.)/g, '$& ');

/** The ASCII character of a byte, or a dot. */
export const characterOf = (byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '·');

export const bitsOf = (byte) => byte.toString(2).padStart(8, '0');
