/** The messages of fan-out.mjs and their frames. */

export const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Each message has its number and its topic, so that no two are alike. */
export function messageOf(number, topic, size) {
  return `${String(number).padStart(8, '0')} ${topic} `.padEnd(size, 'abcdefghij');
}

/** A text frame as a server sends it, of at most 65,535 bytes. */
export function textFrame(text) {
  const payload = Buffer.from(text);
  const { length } = payload;
  const header = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(header), payload]);
}

/** A short text frame as a client sends it, with a masking key of zeros. */
export function maskedFrame(text) {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}
