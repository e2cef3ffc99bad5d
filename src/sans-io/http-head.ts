/** RFC 9112 §2, §5: reads the head of a request or response, for programs without `node:http`. */

import { Buffer } from 'node:buffer';
import { type Fields, trim } from '../handshake/fields.js';

/** The head of an HTTP message. */
export interface HttpHead {
  /** The request line or status line. */
  readonly startLine: string;
  /** The fields; names in lower case. Fields of the same name are joined with a comma. */
  readonly headers: Fields;
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
  /** The bytes behind the head. */
  readonly rest: Buffer;
}

const END = '\r\n\r\n';

/** The default of `node:http`. */
const MAX_HEAD = 16_384;

/** RFC 9110 §5.6.2, §5.5: a token, a colon, and visible text or blanks. */
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)$/;

/**
 * @returns undefined while the head is not complete
 * @throws SyntaxError for a head that is no HTTP, or has more than 16 KiB
 */
export function readHead(bytes: Uint8Array): HttpHead | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.indexOf(END);
  if (end > MAX_HEAD || (end === -1 && buffer.length > MAX_HEAD)) {
    throw new SyntaxError(`The head of an HTTP message has more than ${MAX_HEAD} bytes`);
  }
  if (end === -1) return undefined;
  const [startLine = '', ...lines] = buffer.toString('latin1', 0, end).split('\r\n');
  const rawHeaders = lines.flatMap(readField);
  return {
    startLine,
    headers: join(rawHeaders),
    rawHeaders,
    rest: buffer.subarray(end + END.length),
  };
}

function readField(line: string): string[] {
  const [, name, value = ''] = FIELD.exec(line) ?? [];
  if (name === undefined) throw new SyntaxError(`No HTTP header field: ${JSON.stringify(line)}`);
  return [name, trim(value)];
}

function join(rawHeaders: readonly string[]): Fields {
  const fields: Record<string, string> = Object.create(null);
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase(); // names and values come in pairs
    const value = rawHeaders[i + 1] as string;
    const before = fields[name];
    fields[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return fields;
}
