/**
 * Frames that the browser's WebSocket cannot send: Pings, and messages in fragments. The page makes
 * them, and the inspector sends them in the client's place.
 */

import { toHex } from './bytes.js';
import { buildFrame, shortestForm } from './frame-bytes.js';

const OPCODES = { continuation: 0, text: 1, ping: 9 };
const FRAGMENTS = 3;

/** RFC 6455 §5.3 MUST: the key of each frame is new and random. */
function makeFrame(opcode, text, fin = true) {
  const payload = new TextEncoder().encode(text);
  const maskingKey = crypto.getRandomValues(new Uint8Array(4));
  const lengthBits = shortestForm(payload.length);
  return toHex(buildFrame({ fin, opcode, masked: true, maskingKey, lengthBits, payload }));
}

/** @throws RangeError if the text is too long for a control frame */
export function makePing(text) {
  // RFC 6455 §5.5 MUST: a control frame has at most 125 bytes of payload.
  if (new TextEncoder().encode(text).length > 125)
    throw new RangeError('A Ping has at most 125 bytes.');
  return makeFrame(OPCODES.ping, text);
}

/**
 * RFC 6455 §5.4: the first frame has the opcode, the last one FIN. No character is cut.
 * @returns the bytes of each frame in hexadecimal digits
 */
export function makeFragments(text) {
  const characters = [...text];
  const length = Math.ceil(characters.length / FRAGMENTS);
  return Array.from({ length: FRAGMENTS }, (_, i) => {
    const part = characters.slice(i * length, (i + 1) * length).join('');
    const opcode = i === 0 ? OPCODES.text : OPCODES.continuation;
    return makeFrame(opcode, part, i === FRAGMENTS - 1);
  });
}
