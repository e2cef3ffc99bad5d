/** RFC 9112 §2: writes the head of a request or a response. */

import { Buffer } from 'node:buffer';
import { describeValue } from '../connection/check-options.js';
import { isFieldText } from '../handshake/fields.js';
import { type FieldLine, formatMessage } from '../handshake/server.js';

/** Writes the start line, the fields and the body of an HTTP message. */
export function writeMessage(
  startLines: readonly string[],
  fields: readonly FieldLine[],
  body = '',
): Buffer {
  return Buffer.from(formatMessage([...startLines, ...fields.map(toLine)], body), 'latin1');
}

/** @throws TypeError for a field that would end its line, or is outside of Latin-1 */
function toLine([name, value]: FieldLine): string {
  const line = `${name}: ${value}`;
  if (isFieldText(line) && /^[\0-\xff]*$/.test(line)) return line;
  throw new TypeError(
    `A header field is Latin-1 without line breaks and NUL: ${describeValue(line)} was given`,
  );
}
