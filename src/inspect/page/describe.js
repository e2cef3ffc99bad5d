/** What a record says in a row of the list, in English. */

import { fromHex, spaced, toHex } from './bytes.js';
import { payloadOf } from './frame-bytes.js';

const CLOSE_CODES = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1004: 'reserved',
  1005: 'no code was sent',
  1006: 'no Close frame was received',
  1007: 'invalid payload data',
  1008: 'policy violation',
  1009: 'message too big',
  1010: 'an extension is missing',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
  1015: 'TLS handshake failed',
};

/** RFC 6455 §7.4: what a close code means, in the words of the command `ws6455`. */
export function nameOfCloseCode(code) {
  if (CLOSE_CODES[code]) return CLOSE_CODES[code];
  if (code >= 4000 && code < 5000) return 'private use of the application';
  if (code >= 3000 && code < 4000) return 'registered by a library or framework';
  return code >= 1000 && code < 3000 ? 'not assigned' : 'not a close code';
}

export const seconds = (time) => (time / 1000).toFixed(3);

export function bytes(count) {
  if (count < 10_000) return `${count} B`;
  return count < 10_000_000
    ? `${(count / 1024).toFixed(1)} KiB`
    : `${(count / 1_048_576).toFixed(1)} MiB`;
}

export const arrowOf = ({ from }) => (from === 'client' ? '→' : from === 'server' ? '←' : '');

export const wireLengthOf = ({ record, wireLength }) => wireLength ?? record.bytes.length / 2;

function previewOfFrame(record, inText) {
  const { close, text, messageLength, payloadLength } = record;
  if (close)
    return `${close.code} ${nameOfCloseCode(close.code)}${close.reason && `: ${close.reason}`}`;
  if (text !== undefined) return text;
  if (payloadLength === 0) return messageLength === undefined ? '' : 'empty';
  const start = payloadOf(fromHex(record.bytes.slice(0, 80))).slice(0, 24);
  const rest = payloadLength > start.length ? ' …' : '';
  // RFC 6455 §5.4: only the last frame has the whole message.
  const part = inText && textOfPart(start);
  if (part) return `${part}${rest}`;
  const hex = `${spaced(toHex(start))}${rest}`;
  return record.rsv1 ? `compressed: ${hex}` : hex;
}

/** The text; its last character may be cut. @returns undefined if it cannot be read */
function textOfPart(bytes) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return /\p{Cc}/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Bytes outside of frames: the body of a response is text most of the time. */
function textOrHex(digits) {
  const start = fromHex(digits.slice(0, 320));
  const isText = start.every((byte) => byte > 0x1f && byte < 0x7f);
  return isText ? String.fromCharCode(...start) : spaced(digits.slice(0, 72));
}

/** @param inText whether the payload is a part of an uncompressed text */
export function previewOf(record, inText = false) {
  switch (record.type) {
    case 'frame':
      return previewOfFrame(record, inText);
    case 'handshake':
      return record.head.split('\r\n', 1)[0];
    case 'connection':
      return record.url;
    case 'bytes':
      return record.bytes === '' ? 'a held frame was dropped' : textOrHex(record.bytes);
    default:
      return record.how === 'end' ? 'FIN: nothing more is sent' : (record.error ?? 'reset');
  }
}

const TYPES = { connection: 'TCP', bytes: 'bytes', end: 'TCP end' };

export function titleOf(record) {
  if (record.type === 'frame') return record.opcodeName;
  if (record.type === 'handshake') return record.from === 'client' ? 'request' : 'response';
  return TYPES[record.type];
}

/** The sizes: on the wire, and of the message after inflation if that differs from the payload. */
export function sizesOf(entry) {
  const { record } = entry;
  if (record.type === 'handshake') return bytes(record.head.length);
  if (record.type !== 'frame' && record.type !== 'bytes') return '';
  const wire = bytes(wireLengthOf(entry));
  const { messageLength, payloadLength } = record;
  const isShown = messageLength !== undefined && messageLength !== payloadLength;
  return isShown ? `${wire.replace(/ B$/, '')} ⇒ ${bytes(messageLength)}` : wire;
}

export const flagsOf = ({ type, fin, rsv1, rsv2, rsv3, masked }) =>
  type !== 'frame'
    ? []
    : Object.entries({ FIN: fin, RSV1: rsv1, RSV2: rsv2, RSV3: rsv3, MASK: masked })
        .filter(([, isSet]) => isSet)
        .map(([name]) => name);

/** What stands at the end of a row. */
export function remarkOf({ type, violation, roundTrip, edited }) {
  if (violation) return violation.message.replace(/^Invalid WebSocket frame: /, '');
  if (roundTrip !== undefined) return `round trip ${roundTrip.toFixed(1)} ms`;
  // The inspector changes Host in each request.
  if (!edited || type === 'handshake') return '';
  return edited.original === null ? 'sent by the inspector' : 'edited';
}
