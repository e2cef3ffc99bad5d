/** Which topics a server asks its broker for: in batches, and for a while after the last subscriber. */

import { callProgram, toError } from '../connection/callbacks.js';
import { type Timer, time } from '../connection/time.js';
import type { Broker, BrokerEvents, TopicPosition } from './broker.js';

/** The most topics in one call of the broker. */
const MAX_BATCH = 512;

/** How long a topic without subscribers is kept, in milliseconds: most come back soon. */
const LINGER = 5_000;

/** How often giving up a topic may fail: the engine seems not to know it. The last calls are for it alone. */
const MAX_FAILURES = 10;

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
  /** Whether the broker was ever asked: then `unsubscribe` must follow when the topic is given up. */
  isKnown: boolean;
  /** How many calls for it have failed since the broker was reachable. */
  failures: number;
  confirmed: Promise<void>;
  confirm: () => void;
}

/** Keeps the subscriptions at the broker as the server needs them. */
export class Interest {
  private readonly broker: Broker;
  private readonly owner: InterestOwner;
  private readonly entries = new Map<string, Entry>();
  /** Topics without subscribers, and since when: the oldest first. */
  private readonly lingering = new Map<string, number>();
  /** Topics to subscribe to in the next call. */
  private readonly wanted = new Set<string>();
  /** Topics to give up in the next call, and how many calls for that have failed. */
  private readonly unwanted = new Map<string, number>();
  /** Topics whose call is repeated later, and how many calls to give them up have failed. */
  private readonly delayed = new Map<string, number>();
  isUp = false;
  published = 0;
  lost = 0;
  private isStarted = false;
  private isClosed = false;
  private isScheduled = false;
  private startTimer: Timer | undefined;
  private sweepTimer: Timer | undefined;
  private retryTimer: Timer | undefined;

  constructor(broker: Broker, owner: InterestOwner) {
    this.broker = broker;
    this.owner = owner;
  }

  start(): void {
    if (this.isClosed) return;
    this.isStarted = true;
    const events: BrokerEvents = {
      message: (topic, data, position) => {
        if (!this.isClosed) this.owner.onMessage(topic, data, position);
      },
      status: (isUp, error) => this.onStatus(isUp, error),
    };
    this.call(
      () => this.broker.start(events),
      () => this.onStatus(true),
      () => {
        this.startTimer = this.after(retryDelay(), () => this.start());
      },
    );
  }

  /** A topic got its first subscriber. */
  add(topic: string): void {
    if (this.isClosed) return;
    this.lingering.delete(topic);
    if (this.entries.has(topic)) return;
    const isUnwanted = this.unwanted.delete(topic);
    const isDelayed = this.delayed.delete(topic);
    // The broker may still be subscribed: `unsubscribe` was not called yet.
    this.entries.set(topic, { ...newEntry(), isKnown: isUnwanted || isDelayed });
    this.wanted.add(topic);
    this.schedule();
  }

  /** A topic lost its last subscriber. */
  remove(topic: string): void {
    if (!this.entries.has(topic)) return;
    this.lingering.set(topic, time.now());
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

  /** @returns resolves when the broker has confirmed the topics, or nobody wants them any more */
  async whenConfirmed(topics: readonly string[]): Promise<void> {
    await Promise.all(topics.map((topic) => this.entries.get(topic)?.confirmed));
  }

  publish(topic: string, data: Uint8Array): void {
    if (!this.isUp) {
      this.lost++;
      return;
    }
    callProgram(
      () => this.broker.publish(topic, data),
      () => this.published++,
      (error) => {
        this.lost++;
        // In another turn: a listener that publishes may cause the next error.
        time.setImmediate(() => this.owner.onError(toError(error)));
      },
    );
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isUp = false;
    for (const timer of [this.startTimer, this.sweepTimer, this.retryTimer])
      time.clearTimeout(timer);
    for (const { confirm } of this.entries.values()) confirm();
    this.entries.clear();
    this.lingering.clear();
    if (this.isStarted) this.call(() => this.broker.close());
  }

  private onStatus(isUp: boolean, error?: Error): void {
    if (this.isClosed) return;
    if (error !== undefined) this.owner.onError(error);
    if (isUp === this.isUp) return;
    this.isUp = isUp;
    this.owner.onStatus(isUp);
    if (!isUp) return;
    // Many servers lose one engine at once: they must not all come back in the same moment.
    for (const [topic, entry] of this.entries) {
      if (entry.phase !== 'WAITING') this.askAgain(topic, entry);
    }
    this.schedule();
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
    const unwanted = [...this.unwanted];
    this.unwanted.clear();
    for (const batch of batches(unwanted, ([, failures]) => failures)) this.giveUp(batch);
    const waiting = [...this.wanted].flatMap((topic) => {
      const entry = this.entries.get(topic);
      return entry?.phase === 'WAITING' ? [{ topic, entry }] : [];
    });
    this.wanted.clear();
    for (const batch of batches(waiting, ({ entry }) => entry.failures)) this.ask(batch);
  }

  private ask(batch: readonly { readonly topic: string; readonly entry: Entry }[]): void {
    const topics = batch.map(({ topic, entry }) => {
      entry.phase = 'ASKED';
      entry.isKnown = true;
      return topic;
    });
    this.call(
      () => this.broker.subscribe(topics),
      () => {
        for (const { topic, entry } of batch) {
          // After an outage, or after it was given up, the topic has another entry.
          if (this.entries.get(topic) !== entry) continue;
          entry.phase = 'CONFIRMED';
          this.owner.onConfirmed(topic, entry.confirm);
        }
      },
      () => {
        for (const { entry } of batch) {
          entry.phase = 'WAITING';
          entry.failures++;
        }
        for (const topic of topics) this.retry(topic);
      },
    );
  }

  /** A new entry: that of before would take the answer of the call before for its own. */
  private askAgain(topic: string, { confirmed, confirm, phase }: Entry): void {
    const pending = phase === 'CONFIRMED' ? newEntry() : { ...newEntry(), confirmed, confirm };
    this.entries.set(topic, { ...pending, isKnown: true });
    this.retry(topic);
  }

  private giveUp(batch: readonly (readonly [topic: string, failures: number])[]): void {
    this.call(
      () => this.broker.unsubscribe(batch.map(([topic]) => topic)),
      () => {},
      () => {
        for (const [topic, failures] of batch) {
          if (failures < MAX_FAILURES) this.retry(topic, failures + 1);
        }
      },
    );
  }

  /** The timer of topics without subscribers. */
  private sweep(): void {
    this.sweepTimer = undefined;
    const now = time.now();
    for (const [topic, since] of this.lingering) {
      if (now - since < LINGER) {
        this.sweepTimer = this.after(since + LINGER - now, () => this.sweep());
        break;
      }
      this.lingering.delete(topic);
      const entry = this.entries.get(topic);
      this.entries.delete(topic);
      this.owner.onGivenUp(topic);
      if (entry?.isKnown) this.unwanted.set(topic, 0);
      entry?.confirm();
    }
    this.schedule();
  }

  /** Calls the broker for a topic again, later. If nobody wants it then, it is given up. */
  private retry(topic: string, failures = 0): void {
    this.delayed.set(topic, failures);
    this.retryTimer ??= this.after(retryDelay(), () => {
      this.retryTimer = undefined;
      for (const [topic, failures] of this.delayed) {
        if (this.entries.has(topic)) this.wanted.add(topic);
        else this.unwanted.set(topic, failures);
      }
      this.delayed.clear();
      this.flush();
    });
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

function retryDelay(): number {
  return Math.ceil(time.random() * MAX_RETRY_DELAY);
}

function newEntry(): Entry {
  let confirm = (): void => {};
  const confirmed = new Promise<void>((resolve) => {
    confirm = resolve;
  });
  return { phase: 'WAITING', isKnown: false, failures: 0, confirmed, confirm };
}

/**
 * Splits a list. What has failed is called in smaller batches, so that a topic that the engine refuses
 * harms no other in the end.
 */
function batches<T>(all: readonly T[], failuresOf: (item: T) => number): T[][] {
  const found: T[][] = [];
  let batch: T[] = [];
  let max = 0;
  for (const item of all) {
    const maxOfItem = Math.ceil(MAX_BATCH / 2 ** failuresOf(item));
    if (batch.length >= Math.min(max, maxOfItem)) {
      batch = [];
      found.push(batch);
      max = maxOfItem;
    }
    max = Math.min(max, maxOfItem);
    batch.push(item);
  }
  return found;
}
