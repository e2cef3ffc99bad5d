/** Which topics a server asks its broker for: in batches, and for a while after the last subscriber. */

import { callProgram, toError } from '../connection/callbacks.js';
import { type Timer, time } from '../connection/time.js';
import type { Broker, BrokerEvents, TopicPosition } from './broker.js';

/** The most topics in one call of the broker. */
const MAX_BATCH = 512;

/** How long a topic without subscribers is kept, in milliseconds: most come back soon. */
const LINGER = 5_000;

/** The most milliseconds until a call that failed is repeated, and until all topics are asked for again. */
const MAX_RETRY_DELAY = 1_000;

/** What an interest needs of its server. */
export interface InterestOwner {
  onMessage(topic: string, data: Uint8Array, position?: TopicPosition): void;
  /** The broker has confirmed a topic, the first time or again. @param confirm ends `whenConfirmed` */
  onConfirmed(topic: string, confirm: () => void): void;
  /** A topic is not wanted any more. */
  onGivenUp(topic: string): void;
  onStatus(isUp: boolean): void;
  onError(error: Error): void;
}

/** A topic that the broker is asked for. */
interface Entry {
  phase: 'WAITING' | 'ASKED' | 'CONFIRMED';
  /** Whether the broker was ever asked: then it has to be told that the topic is given up. */
  isKnown: boolean;
  /** When it lost its last subscriber; undefined while there is one. */
  since: number | undefined;
  confirmed: Promise<void>;
  confirm: () => void;
}

/** Keeps the subscriptions at the broker as the server needs them. */
export class Interest {
  private readonly broker: Broker;
  private readonly owner: InterestOwner;
  private readonly entries = new Map<string, Entry>();
  /** Topics to give up at the broker: a call for them is due, or has failed. */
  private readonly unwanted = new Set<string>();
  isUp = false;
  published = 0;
  lost = 0;
  private isClosed = false;
  private isScheduled = false;
  private sweepTimer: Timer | undefined;
  private retryTimer: Timer | undefined;

  constructor(broker: Broker, owner: InterestOwner) {
    this.broker = broker;
    this.owner = owner;
  }

  start(): void {
    if (this.isClosed) return;
    const events: BrokerEvents = {
      message: (topic, data, position) => {
        if (!this.isClosed) this.owner.onMessage(topic, data, position);
      },
      status: (isUp, error) => this.onStatus(isUp, error),
    };
    this.call(
      () => this.broker.start(events),
      () => this.onStatus(true),
      () => this.retry(() => this.start()),
    );
  }

  /** A topic got its first subscriber. */
  add(topic: string): void {
    const existing = this.entries.get(topic);
    if (existing !== undefined) {
      existing.since = undefined;
      return;
    }
    this.unwanted.delete(topic);
    this.entries.set(topic, newEntry());
    this.schedule();
  }

  /** A topic lost its last subscriber. */
  remove(topic: string): void {
    const entry = this.entries.get(topic);
    if (entry === undefined) return;
    entry.since = time.now();
    this.sweepTimer ??= this.after(LINGER, () => this.sweep());
  }

  /** The number of topics that the broker is asked for. */
  get size(): number {
    return this.entries.size;
  }

  /** Whether the broker is asked for a topic. */
  wants(topic: string): boolean {
    return this.entries.has(topic);
  }

  /** Whether the broker has confirmed a topic. */
  has(topic: string): boolean {
    return this.entries.get(topic)?.phase === 'CONFIRMED';
  }

  /** @returns resolves when the broker has confirmed the topics, or nobody wants them any more */
  async whenConfirmed(topics: readonly string[]): Promise<void> {
    await Promise.all(topics.map((topic) => this.entries.get(topic)?.confirmed));
  }

  publish(topic: string, data: Uint8Array): void {
    if (this.isClosed) return;
    if (!this.isUp) {
      this.lost++;
      return;
    }
    this.published++;
    this.call(
      () => this.broker.publish(topic, data),
      () => {},
      () => {
        this.published--;
        this.lost++;
      },
    );
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    time.clearTimeout(this.sweepTimer);
    time.clearTimeout(this.retryTimer);
    for (const { confirm } of this.entries.values()) confirm();
    this.entries.clear();
    this.call(() => this.broker.close());
  }

  private onStatus(isUp: boolean, error?: Error): void {
    if (this.isClosed) return;
    if (error !== undefined) this.owner.onError(error);
    if (isUp === this.isUp) return;
    const wasUsed = [...this.entries.values()].some(({ phase }) => phase === 'CONFIRMED');
    this.isUp = isUp;
    this.owner.onStatus(isUp);
    if (!isUp) return;
    for (const [topic, entry] of this.entries) {
      if (entry.phase !== 'WAITING') this.askAgain(topic, entry);
    }
    // Many servers lose one engine at once: they must not all come back in the same moment.
    if (wasUsed) this.retry(() => this.flush());
    else this.schedule();
  }

  /** Once per tick. */
  private schedule(): void {
    if (this.isScheduled || !this.isUp) return;
    this.isScheduled = true;
    time.nextTick(() => {
      this.isScheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    if (!this.isUp || this.isClosed) return;
    for (const batch of batches([...this.unwanted])) this.giveUp(batch);
    const waiting = [...this.entries].filter(([, { phase }]) => phase === 'WAITING');
    for (const batch of batches(waiting)) this.ask(batch);
  }

  private ask(batch: readonly (readonly [string, Entry])[]): void {
    for (const [, entry] of batch) {
      entry.phase = 'ASKED';
      entry.isKnown = true;
    }
    this.call(
      () => this.broker.subscribe(batch.map(([topic]) => topic)),
      () => {
        for (const [topic, entry] of batch) {
          if (entry.phase !== 'ASKED') continue;
          entry.phase = 'CONFIRMED';
          if (this.entries.get(topic) === entry) this.owner.onConfirmed(topic, entry.confirm);
          else entry.confirm();
        }
      },
      () => {
        for (const [, entry] of batch) if (entry.phase === 'ASKED') entry.phase = 'WAITING';
        this.retry(() => this.flush());
      },
    );
  }

  /** The same entry would take the answer of the call before for its own. */
  private askAgain(topic: string, { since, confirmed, confirm, phase }: Entry): void {
    const pending = phase === 'CONFIRMED' ? newEntry() : { ...newEntry(), confirmed, confirm };
    this.entries.set(topic, { ...pending, isKnown: true, since });
  }

  private giveUp(topics: readonly string[]): void {
    for (const topic of topics) this.unwanted.delete(topic);
    this.call(
      () => this.broker.unsubscribe(topics),
      () => {},
      () => {
        for (const topic of topics) if (!this.entries.has(topic)) this.unwanted.add(topic);
        this.retry(() => this.flush());
      },
    );
  }

  /** The timer of topics without subscribers. */
  private sweep(): void {
    this.sweepTimer = undefined;
    const now = time.now();
    let next = Infinity;
    for (const [topic, { since, isKnown, confirm }] of this.entries) {
      if (since === undefined) continue;
      if (now - since < LINGER) {
        next = Math.min(next, since + LINGER - now);
        continue;
      }
      this.entries.delete(topic);
      this.owner.onGivenUp(topic);
      if (isKnown) this.unwanted.add(topic);
      confirm();
    }
    if (next < Infinity) this.sweepTimer = this.after(next, () => this.sweep());
    this.schedule();
  }

  private retry(action: () => void): void {
    if (this.isClosed) return;
    time.clearTimeout(this.retryTimer);
    const delay = Math.ceil(time.random() * MAX_RETRY_DELAY);
    this.retryTimer = this.after(delay, action);
  }

  private after(milliseconds: number, action: () => void): Timer {
    const timer = time.setTimeout(action, milliseconds);
    timer.unref();
    return timer;
  }

  private call(action: () => unknown, onDone = () => {}, onFailed = () => {}): void {
    callProgram(action, onDone, (error) => {
      this.owner.onError(toError(error));
      if (!this.isClosed) onFailed();
    });
  }
}

function newEntry(): Entry {
  let confirm = (): void => {};
  const confirmed = new Promise<void>((resolve) => {
    confirm = resolve;
  });
  return { phase: 'WAITING', isKnown: false, since: undefined, confirmed, confirm };
}

function batches<T>(all: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let at = 0; at < all.length; at += MAX_BATCH) found.push(all.slice(at, at + MAX_BATCH));
  return found;
}
