/** The names that the broker of Redis uses, and the bytes that it publishes. */

import { Buffer } from 'node:buffer';
import type { TopicPosition } from '../server/broker.js';

/** Redis Cluster spreads all names over so many slots. */
export const SLOTS = 16_384;

/** The first byte of what is published on a channel. */
const Kind = { PLAIN: 0, WITH_POSITION: 1 } as const;

const NEWLINE = 0x0a;

/** An epoch and an offset, as the script writes them. */
const POSITION = /^([\w-]+):([1-9]\d{0,15})$/;

/** The names of topics in Redis. */
export class RedisNames {
  private readonly prefix: string;
  /** The command that publishes. */
  readonly publish: 'PUBLISH' | 'SPUBLISH';

  /** @param isCluster whether a channel must be in the slot of the keys of its topic */
  constructor(prefix: string, isCluster: boolean) {
    this.prefix = prefix;
    this.publish = isCluster ? 'SPUBLISH' : 'PUBLISH';
  }

  get isSharded(): boolean {
    return this.publish === 'SPUBLISH';
  }

  channel(topic: string): string {
    return this.isSharded ? this.tagged(topic) : this.prefix + topic;
  }

  /** @returns the topic of a channel */
  topic(channel: string): string {
    if (!this.isSharded) return channel.slice(this.prefix.length);
    return channel.slice(this.prefix.length + 1, -1).replace(/%7D|%25/g, decodeURIComponent);
  }

  /** @returns the keys of the history: what is known of the topic, and its messages */
  keys(topic: string): [meta: string, log: string] {
    const name = this.tagged(topic);
    return [`${name}:meta`, `${name}:log`];
  }

  /** Redis takes the slot of a name from what is between its first `{` and the next `}`. */
  private tagged(topic: string): string {
    const tag = /[%}]/.test(topic) ? topic.replace(/[%}]/g, encodeURIComponent) : topic;
    return `${this.prefix}{${tag}}`;
  }
}

/** @returns the slot of a key or a channel */
export function slotOf(name: string): number {
  const start = name.indexOf('{');
  const end = start < 0 ? -1 : name.indexOf('}', start + 1);
  const part = end > start + 1 ? name.slice(start + 1, end) : name;
  return crc16(Buffer.from(part)) % SLOTS;
}

/** CRC-16/XMODEM, as the specification of Redis Cluster says. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return crc & 0xffff;
}

/** @returns the bytes of a message without a history */
export function encodePlain(data: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + data.length);
  bytes[0] = Kind.PLAIN;
  bytes.set(data, 1);
  return bytes;
}

/** What arrived on a channel. */
export interface Arrived {
  readonly data: Buffer;
  readonly position?: TopicPosition | undefined;
}

/**
 * @returns the message. Bytes of another program are returned as they are: the server reports them.
 */
export function decodeMessage(bytes: Buffer): Arrived {
  if (bytes[0] === Kind.PLAIN) return { data: bytes.subarray(1) };
  const end = bytes.indexOf(NEWLINE);
  if (bytes[0] !== Kind.WITH_POSITION || end < 0) return { data: bytes };
  const found = POSITION.exec(bytes.toString('latin1', 1, end));
  if (found === null) return { data: bytes };
  const [, epoch = '', offset] = found;
  return { data: bytes.subarray(end + 1), position: { epoch, offset: Number(offset) } };
}
