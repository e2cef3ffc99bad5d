/** WHATWG WebSockets §3.1: the arguments of the constructor, of `send` and of `close`. */

import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { isToken } from '../handshake/fields.js';
import { type Close, CloseCode, MAX_CLOSE_REASON } from '../protocol/close.js';
import { clampToUnsignedShort, toDomString } from './web-idl.js';

const SCHEMES = new Map([
  ['ws:', 'ws:'],
  ['wss:', 'wss:'],
  ['http:', 'ws:'],
  ['https:', 'wss:'],
]);

function syntaxError(message: string): DOMException {
  return new DOMException(message, 'SyntaxError');
}

/**
 * Reads the URL of a WebSocket: absolute, because Node has no page that it could be relative to.
 * @throws DOMException SyntaxError
 */
export function parseUrl(given: unknown): URL {
  const text = toDomString(given);
  if (!URL.canParse(text)) {
    throw syntaxError(
      `Invalid URL: ${text}; a WebSocket has an absolute one, such as "ws://host/"`,
    );
  }
  const url = new URL(text);
  const scheme = SCHEMES.get(url.protocol);
  if (scheme === undefined) {
    throw syntaxError(
      `The URL's protocol must be "ws:", "wss:", "http:" or "https:", not "${url.protocol}"`,
    );
  }
  url.protocol = scheme;
  // RFC 6455 §3 MUST NOT: no fragment identifier, not even an empty one, which `url.hash` hides.
  if (url.href.includes('#')) throw syntaxError('The URL must not have a fragment (#)');
  return url;
}

/**
 * Checks subprotocols. RFC 6455 §4.1 MUST: they are tokens and unique; WHATWG: whatever their case.
 * @throws DOMException SyntaxError
 */
export function checkSubprotocols(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    const folded = name.toLowerCase();
    if (!isToken(name)) throw syntaxError(`Not a valid subprotocol: "${name}"`);
    if (seen.has(folded)) throw syntaxError(`The subprotocol "${name}" is given twice`);
    seen.add(folded);
  }
}

/**
 * Reads the arguments of `close`, as the code and reason of a Close frame.
 * @throws DOMException InvalidAccessError for the code, SyntaxError for a reason of more than 123 bytes
 */
export function parseClose(givenCode: unknown, givenReason: unknown): Close {
  const code = givenCode === undefined ? undefined : clampToUnsignedShort(givenCode);
  const reason = Buffer.from(givenReason === undefined ? '' : toDomString(givenReason));
  checkClose(code, reason);
  return { code: code ?? defaultCode(reason), reason };
}

/** @throws as {@link parseClose} */
export function checkClose(code: number | undefined, reason: Buffer): void {
  if (code !== undefined && code !== CloseCode.NORMAL && !(code >= 3000 && code <= 4999)) {
    throw new DOMException(
      `The close code must be 1000 or from 3000 to 4999, not ${code}`,
      'InvalidAccessError',
    );
  }
  if (reason.length > MAX_CLOSE_REASON) {
    throw syntaxError(
      `The close reason must have at most ${MAX_CLOSE_REASON} bytes in UTF-8, not ${reason.length}`,
    );
  }
}

/** RFC 6455 §5.5.1: a reason cannot be sent without a code. */
function defaultCode(reason: Buffer): number {
  return reason.length === 0 ? CloseCode.NO_STATUS : CloseCode.NORMAL;
}

/**
 * Converts the argument of `send`: `(BufferSource or Blob or USVString)`.
 * @throws TypeError for memory that is shared or can be resized, and a symbol
 */
export function parseData(data: unknown): string | Buffer | Blob {
  if (typeof data === 'string') return data;
  if (ArrayBuffer.isView(data)) return bytesOf(data.buffer, data.byteOffset, data.byteLength);
  if (types.isArrayBuffer(data)) return bytesOf(data, 0, data.byteLength);
  return data instanceof Blob ? data : toDomString(data);
}

function bytesOf(memory: ArrayBufferLike, offset: number, length: number): Buffer {
  if (types.isSharedArrayBuffer(memory)) {
    throw new TypeError('send: the memory must not be a SharedArrayBuffer; send a copy of it');
  }
  if ((memory as { resizable?: boolean }).resizable) {
    throw new TypeError('send: the ArrayBuffer must not be resizable; send a copy of it');
  }
  return Buffer.from(memory, offset, length);
}
