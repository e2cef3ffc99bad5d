/** Who received what was published to several topics: a broker carries such a message once for each of them. */

import type { Subscriber } from '../websocket/server-topics.js';

/** The most receivers that are remembered, twice. The copies of a message come one after the other. */
const MAX_RECEIVERS = 50_000;

/** The receivers of one message. */
interface Reached {
  readonly subscribers: WeakSet<Subscriber>;
  /** Whether this is the first copy of the message. */
  readonly isNew: boolean;
}

/** Remembers the receivers of the last unions. A closed connection is not kept by it. */
export class UnionReceivers {
  private recent = new Map<string, WeakSet<Subscriber>>();
  private older: ReadonlyMap<string, WeakSet<Subscriber>> = new Map();
  private size = 0;

  /** @param union the number of the message at its node */
  of(node: string, union: number): Reached {
    const key = `${union} ${node}`;
    const known = this.recent.get(key) ?? this.older.get(key);
    if (known !== undefined) return { subscribers: known, isNew: false };
    const subscribers = new WeakSet<Subscriber>();
    this.recent.set(key, subscribers);
    this.add(1);
    return { subscribers, isNew: true };
  }

  /** So many were added to a result of `of`. */
  add(count: number): void {
    this.size += count;
    if (this.size < MAX_RECEIVERS) return;
    this.older = this.recent;
    this.recent = new Map();
    this.size = 0;
  }
}
