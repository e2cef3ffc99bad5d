/** RFC 9112 §2.1: finds where the head of an HTTP message ends, and leaves its bytes as they are. */

import { Buffer } from 'node:buffer';

/** A longer head is not looked at. It is the limit of `node:http`. */
const MAX_HEAD = 16_384;

const END = '\r\n\r\n';

/** The bytes up to the empty line, and those behind it. */
export interface SplitHead {
  /** undefined if there is no head: too many bytes came without an empty line. */
  readonly head: Buffer | undefined;
  readonly rest: Buffer;
}

/** Collects bytes until a head is complete. */
export class HeadReader {
  private bytes: Buffer = Buffer.alloc(0);

  /** All bytes that came. */
  get received(): Buffer {
    return this.bytes;
  }

  /** @returns undefined while the head is not complete */
  push(chunk: Buffer): SplitHead | undefined {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
    const end = this.bytes.indexOf(END);
    if (end === -1 && this.bytes.length <= MAX_HEAD) return undefined;
    if (end === -1 || end > MAX_HEAD) return { head: undefined, rest: this.bytes };
    const head = this.bytes.subarray(0, end + END.length);
    return { head, rest: this.bytes.subarray(head.length) };
  }
}

/** The value of a field in a head; undefined if it is not there. RFC 9110 §5.3: lines are joined. */
export function fieldIn(head: string, name: string): string | undefined {
  const prefix = `${name.toLowerCase()}:`;
  const lines = head.split('\r\n').slice(1);
  const values = lines.filter((line) => line.toLowerCase().startsWith(prefix));
  if (values.length === 0) return undefined;
  return values.map((line) => line.slice(prefix.length).trim()).join(', ');
}

/** The status of a response; 0 if the head is not one. */
export function statusIn(head: string): number {
  return Number(/^HTTP\/\d\.\d (\d{3})/.exec(head)?.[1] ?? 0);
}

/** Whether a request asks for the protocol websocket. RFC 6455 §4.2.1. */
export function asksForWebSocket(head: string): boolean {
  return /(^|[\s,])websocket($|[\s,])/i.test(fieldIn(head, 'Upgrade') ?? '');
}
