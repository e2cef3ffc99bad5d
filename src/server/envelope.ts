/** What a broker carries: a message, with what the other servers need to know of it. */

import { Buffer, isUtf8 } from 'node:buffer';
import type { TopicMessageOptions } from '../websocket/topics-api.js';

/** The bytes of the name of a server. */
export const NODE_ID_LENGTH = 16;

/** The first byte has these flags. The two highest bits are 0: another format would set them. */
const Flag = {
  BINARY: 1,
  UNCOMPRESSED: 2,
  DROPPABLE: 4,
  NOT_DROPPABLE: 8,
  KEY: 16,
  UNION: 32,
} as const;

const OTHER_FORMATS = 0xc0;

/** The bytes of the length of a text. */
const LENGTH_LENGTH = 4;

/** The bytes of the number of a union. */
const UNION_LENGTH = 6;

/** A published message. */
export interface Envelope {
  /** The name of the server that published it. */
  readonly node: string;
  /** What its node published to several topics is numbered: 1, 2, 3…; 0 for one topic. */
  readonly union: number;
  /** Of its topics, those with a history. */
  readonly histories: readonly string[];
  readonly payload: Buffer;
  readonly options: TopicMessageOptions & { readonly binary: boolean };
}

/** @param node the name of this server, {@link NODE_ID_LENGTH} bytes of latin1 */
export function encodeEnvelope({ node, union, histories, payload, options }: Envelope): Buffer {
  const { binary, compress = true, droppable, key } = options;
  const flags =
    (binary ? Flag.BINARY : 0) |
    (compress ? 0 : Flag.UNCOMPRESSED) |
    (droppable === undefined ? 0 : droppable ? Flag.DROPPABLE : Flag.NOT_DROPPABLE) |
    (key === undefined ? 0 : Flag.KEY) |
    (union > 0 ? Flag.UNION : 0);
  const parts: Buffer[] = [Buffer.from([flags]), Buffer.from(node, 'latin1')];
  if (key !== undefined) parts.push(...withLength(Buffer.from(String(key))));
  if (union > 0) {
    parts.push(toBytes(union, UNION_LENGTH), toBytes(histories.length, LENGTH_LENGTH));
    for (const name of histories) parts.push(...withLength(Buffer.from(name)));
  }
  return Buffer.concat([...parts, payload]);
}

/** @returns undefined for bytes that no server of this format made */
export function decodeEnvelope(data: Uint8Array): Envelope | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const [flags = OTHER_FORMATS] = bytes;
  if ((flags & OTHER_FORMATS) !== 0 || bytes.length <= NODE_ID_LENGTH) return undefined;
  const reader = new Reader(bytes, 1 + NODE_ID_LENGTH);
  try {
    const key = flags & Flag.KEY ? reader.text() : undefined;
    const union = flags & Flag.UNION ? reader.number(UNION_LENGTH) : 0;
    const histories = flags & Flag.UNION ? reader.texts() : [];
    const options = {
      binary: (flags & Flag.BINARY) !== 0,
      compress: (flags & Flag.UNCOMPRESSED) === 0,
      droppable: flags & Flag.DROPPABLE ? true : flags & Flag.NOT_DROPPABLE ? false : undefined,
      key,
    };
    const node = bytes.toString('latin1', 1, 1 + NODE_ID_LENGTH);
    const payload = bytes.subarray(reader.at);
    // RFC 6455 §5.6 MUST: text is UTF-8. Peers fail a connection with other text.
    if (!options.binary && !isUtf8(payload)) return undefined;
    return { node, union, histories, payload, options };
  } catch {
    return undefined; // it ends too early
  }
}

class Reader {
  at: number;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  text(): string {
    const length = this.number(LENGTH_LENGTH);
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError('A text ends after the message');
    const text = this.bytes.toString('utf8', this.at, end);
    this.at = end;
    return text;
  }

  texts(): string[] {
    const texts: string[] = [];
    for (let left = this.number(LENGTH_LENGTH); left > 0; left--) texts.push(this.text());
    return texts;
  }

  /** @throws RangeError behind the end */
  number(length: number): number {
    const number = this.bytes.readUIntBE(this.at, length);
    this.at += length;
    return number;
  }
}

function toBytes(number: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(number, 0, length);
  return bytes;
}

function withLength(bytes: Buffer): Buffer[] {
  return [toBytes(bytes.length, LENGTH_LENGTH), bytes];
}
