/** Connections to Redis, of either client package. */

import type { Buffer } from 'node:buffer';

/** What a connection tells its owner. */
export interface WireEvents {
  message(channel: string, data: Buffer): void;
  /** It is lost. It may be called more than once. */
  end(error: Error): void;
}

/** One connection to one Redis. It is used once: after its end nothing is repeated, and another one is made. */
export interface Wire {
  /** @returns resolves when commands can be sent */
  connect(): PromiseLike<unknown>;
  /** Sends a command. Strings of the answer are Buffers. */
  send(command: string, args: readonly (string | Buffer)[]): PromiseLike<unknown>;
  /** @param isSharded the channels are in one slot of a cluster */
  subscribe(channels: readonly string[], isSharded: boolean): PromiseLike<unknown>;
  unsubscribe(channels: readonly string[], isSharded: boolean): PromiseLike<unknown>;
  /** Ends it at once. */
  destroy(): void;
}

/** Slots of a cluster in a row: the first and the last one. */
export type SlotRange = readonly [first: number, last: number];

/** A Redis that connections can be made to. */
export interface Node {
  /** Which slots it serves; undefined if it is alone. */
  readonly slots?: readonly SlotRange[] | undefined;
  wire(events: WireEvents): Wire;
}

/** What is known of the client of the program. */
export interface Driver {
  readonly isCluster: boolean;
  /** Looks for the servers. `release` ends what it needed, also while it is waiting. */
  find(): { nodes: PromiseLike<readonly Node[]>; release(): void };
}

/** @returns the slots of the server that gave the answer to CLUSTER NODES */
export function parseOwnSlots(answer: string): SlotRange[] {
  const own = answer.split('\n').find((line) => / (\S+,)?myself[ ,]/.test(line));
  const fields = own?.trim().split(' ').slice(8) ?? [];
  return fields
    .filter((field) => !field.startsWith('['))
    .map((field) => {
      const [first = '', last = first] = field.split('-');
      return [Number(first), Number(last)];
    });
}
