/** A broker under test, and what arrived at it. */

import { Buffer } from 'node:buffer';
import { time } from '../connection/time.js';
import type { Broker, TopicPosition } from '../server/broker.js';

export const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** A message that arrived. */
export interface Received {
  readonly topic: string;
  readonly data: Buffer;
  readonly position: TopicPosition | undefined;
}

/** A broker under test. */
export interface Peer {
  readonly broker: Broker;
  readonly received: Received[];
}

/** Starts a broker, and collects what arrives. */
export async function open(broker: Broker): Promise<Peer> {
  const received: Received[] = [];
  await broker.start({
    message: (topic, data, position) => {
      received.push({ topic, data: Buffer.from(data), position });
    },
    status: () => {},
  });
  return { broker, received };
}

/** The beginning of topics that no other run uses. */
export function newPrefix(): string {
  return `test ${time.random()} `;
}

/** Four bytes with a number. */
export function numbered(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

/** Waits until so many messages have arrived, but not longer than `timeout` milliseconds. */
export async function waitFor(
  { received }: Peer,
  count: number,
  timeout: number,
): Promise<readonly Received[]> {
  const end = time.now() + timeout;
  while (received.length < count && time.now() < end) {
    await new Promise<void>((next) => time.setTimeout(next, 1));
  }
  return received;
}

/** Compares what arrives with messages. @throws Error that says what differs */
export async function expectMessages(
  rule: string,
  peer: Peer,
  messages: readonly (readonly [topic: string, data: Uint8Array])[],
  timeout: number,
): Promise<void> {
  const received = await waitFor(peer, messages.length, timeout);
  // An engine of several servers keeps the order of each topic, but not between topics.
  const arrived = [...received].sort((a, b) => compare(a.topic, b.topic));
  const sent = [...messages].sort(([a], [b]) => compare(a, b));
  for (const [i, [topic, data]] of sent.entries()) {
    const one = arrived[i];
    if (one?.topic === topic && one.data.equals(data)) continue;
    const what = one === undefined ? 'nothing' : `${one.data.length} bytes of ${one.topic}`;
    throw new Error(`${rule}: expected ${data.length} bytes of ${topic}, and received ${what}`);
  }
  if (received.length > messages.length) throw new Error(`${rule}: more arrived than was sent`);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
