/** RFC 9112 §2: the heads of a recorded handshake, which may be wrong. */

import { Buffer } from 'node:buffer';
import { parseExtensions, trim } from '../handshake/fields.js';
import { EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import type { Sender } from './records.js';

/** A header field as it was sent. */
export type HeaderField = readonly [name: string, value: string];

/** Above the limit of `node:http`: proxies and cookies make heads long. */
const MAX_HEAD = 65_536;

const END = '\r\n\r\n';

/** Whether bytes can be the beginning of a request or a response. RFC 9112 §3, §4. */
function isHttp(bytes: Buffer, from: Sender): boolean {
  if (from === 'server') return 'HTTP/'.startsWith(bytes.toString('latin1', 0, 5));
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}($| )/.test(bytes.toString('latin1', 0, 33));
}

/** Collects the bytes of a head. */
export class HeadCollector {
  /** All bytes so far: the head, and those that follow it. */
  bytes: Buffer = Buffer.alloc(0);
  private readonly from: Sender;
  private searched = 0;

  constructor(from: Sender) {
    this.from = from;
  }

  /** Adds bytes. @returns the size of the head, 0 if it is incomplete, undefined if this is not HTTP */
  add(chunk: Buffer): number | undefined {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
    const { bytes } = this;
    if (!isHttp(bytes, this.from)) return undefined;
    const end = bytes.indexOf(END, Math.max(0, this.searched - END.length));
    this.searched = bytes.length;
    if (end === -1) return bytes.length > MAX_HEAD ? undefined : 0;
    return end > MAX_HEAD ? undefined : end + END.length;
  }
}

/** The first line of a head. */
export function startLineOf(head: string): string {
  const [line = ''] = head.split('\r\n', 1);
  return line;
}

/** The status of a response; 0 if its first line is not a status line. */
export function statusOf(head: string): number {
  return Number(/^HTTP\/\S+ (\d{3})(?: |$)/.exec(startLineOf(head))?.[1] ?? 0);
}

/** Whether a status is that of an interim response, which the final one follows. RFC 9110 §15.2. */
export function isInformational(status: number): boolean {
  return status >= 100 && status < 200 && status !== 101;
}

/** The fields of a head, in their order. A line without a colon is left out. */
export function fieldsOf(head: string): HeaderField[] {
  const lines = head.split('\r\n').slice(1);
  return lines.flatMap((line): HeaderField[] => {
    const colon = line.indexOf(':');
    return colon > 0 ? [[line.slice(0, colon), trim(line.slice(colon + 1))]] : [];
  });
}

/** The values of a field, joined with commas; undefined if the head does not have it. */
export function fieldValue(head: string, name: string): string | undefined {
  const values = fieldsOf(head).filter(([one]) => one.toLowerCase() === name);
  return values.length === 0 ? undefined : values.map(([, value]) => value).join(', ');
}

/** Whether a response agrees to permessage-deflate. RFC 7692 §5. */
export function agreesToDeflate(response: string): boolean {
  const extensions = parseExtensions(fieldValue(response, 'sec-websocket-extensions') ?? '');
  return extensions?.some(({ name }) => name === EXTENSION_NAME) ?? false;
}
