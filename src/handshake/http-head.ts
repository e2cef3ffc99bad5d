/** RFC 9112 §2, §5: reads the head of a request or a response, without `node:http`. */

import type { Buffer } from 'node:buffer';
import { type Fields, trim } from './fields.js';

/** The head of an HTTP message. */
export interface HttpHead {
  /** The request line or the status line. */
  readonly startLine: string;
  /** The fields; names in lower case. The values of a repeated field are joined with a comma. */
  readonly headers: Fields;
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
  /** The bytes behind the head. */
  readonly rest: Buffer;
}

const END = '\r\n\r\n';

/** The default of `node:http`, in bytes. */
const MAX_HEAD = 16_384;

/** RFC 9110 §5.5, §5.6.2: a token, a colon, and a value without control characters. */
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)$/;

/**
 * @returns undefined while the head is not complete
 * @throws SyntaxError for a head that is not HTTP, or has more than 16 KiB
 */
export function readHead(bytes: Buffer): HttpHead | undefined {
  const end = bytes.indexOf(END);
  if (end > MAX_HEAD || (end === -1 && bytes.length > MAX_HEAD + END.length)) {
    throw new SyntaxError(`The head of the HTTP message has more than ${MAX_HEAD} bytes`);
  }
  if (end === -1) return undefined;
  const [startLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const rawHeaders = lines.flatMap(readField);
  const rest = bytes.subarray(end + END.length);
  return { startLine, headers: join(rawHeaders), rawHeaders, rest };
}

function readField(line: string): string[] {
  const [, name, value = ''] = FIELD.exec(line) ?? [];
  if (name !== undefined) return [name, trim(value)];
  throw new SyntaxError(`A line of the HTTP head is not a header field: ${JSON.stringify(line)}`);
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
