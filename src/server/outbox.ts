/** Messages of topics with a history, until the broker has confirmed them. */

import type { Buffer } from 'node:buffer';
import { callProgram, toError } from '../connection/callbacks.js';
import { type Timer, time } from '../connection/time.js';
import { WebSocketError } from '../protocol/errors.js';
import { Fifo } from '../protocol/fifo.js';
import type { BrokerHistory, HistoryLimits, TopicPosition } from './broker.js';

/** The most messages that wait, of all topics together. */
const MAX_MESSAGES = 10_000;

/** The most bytes that wait. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The most milliseconds until what waits is sent again. */
const MAX_RETRY_DELAY = 1_000;

/** How often a message is refused, while the engine is reachable, until it is given up. */
const MAX_REFUSALS = 20;

/** How often a full outbox looks for messages that are too old, in milliseconds. */
const PURGE_INTERVAL = 1_000;

/** What an outbox needs. */
export interface OutboxOwner {
  readonly history: BrokerHistory;
  /** The name of this server as a publisher. */
  readonly publisher: string;
  onPublished(topic: string, position: TopicPosition): void;
  onError(error: Error): void;
}

interface Entry {
  readonly data: Buffer;
  readonly limits: HistoryLimits;
  readonly sequence: number;
  readonly expires: number;
  /** How often the engine did not take it. */
  refusals: number;
  /** Called when it waits no longer; with false if the engine is away. */
  waiting: ((isSettled: boolean) => void)[];
}

/**
 * The messages of one topic. One at a time is handed over: if an earlier one failed and a later one did
 * not, the engine would take the earlier one for a repetition.
 */
interface Queue {
  readonly entries: Fifo<Entry>;
  /** SENT: the oldest one was handed over. REFUSED: it waits for its next attempt. */
  phase: 'IDLE' | 'SENT' | 'REFUSED';
  /** Answers of earlier calls do not change the phase. */
  call: number;
}

export class Outbox {
  /** How many messages wait. */
  messages = 0;
  /** How many messages the broker has confirmed. */
  published = 0;
  lost = 0;
  private readonly owner: OutboxOwner;
  private readonly queues = new Map<string, Queue>();
  private bytes = 0;
  private sequence = 0;
  private phase: 'DOWN' | 'WAITING' | 'OPEN' | 'CLOSED' = 'DOWN';
  private isFull = false;
  private lastPurge = -Infinity;
  private retryTimer: Timer | undefined;
  /** What the timer does. */
  private retries: (() => void)[] = [];

  constructor(owner: OutboxOwner) {
    this.owner = owner;
  }

  add(topic: string, data: Buffer, limits: HistoryLimits): void {
    if (this.phase === 'CLOSED') return;
    if (!this.hasRoom(data.length)) {
      this.lost++;
      this.reportFull();
      return;
    }
    const queue = this.queues.get(topic) ?? { entries: new Fifo(), phase: 'IDLE', call: 0 };
    this.queues.set(topic, queue);
    const expires = time.now() + limits.ttl;
    const sequence = ++this.sequence;
    queue.entries.push({ data, limits, sequence, expires, refusals: 0, waiting: [] });
    this.messages++;
    this.bytes += data.length;
    this.send(topic, queue);
  }

  /** @returns whether what was published to a topic before has left; false if the engine is away */
  async whenSent(topic: string): Promise<boolean> {
    const [last] = this.queues.get(topic)?.entries.newest(1) ?? [];
    if (last === undefined) return this.phase !== 'DOWN';
    if (this.phase === 'DOWN') return false;
    return new Promise((resolve) => last.waiting.push(resolve));
  }

  /** The engine is reachable, or not any more. */
  onStatus(isUp: boolean): void {
    if (this.phase === 'CLOSED') return;
    this.stopRetries();
    if (!isUp) {
      this.phase = 'DOWN';
      this.settleAll();
      return;
    }
    for (const queue of this.queues.values()) {
      // An answer to a call before the outage may never come.
      queue.phase = 'IDLE';
      queue.call++;
    }
    // Many servers lose one engine at once: they must not all come back in the same moment.
    this.phase = this.messages > 0 ? 'WAITING' : 'OPEN';
    if (this.phase === 'WAITING') this.schedule();
  }

  /** Hands over what waits, without a wait for answers. */
  close(): void {
    const isUp = this.phase === 'OPEN' || this.phase === 'WAITING';
    this.phase = 'CLOSED';
    this.stopRetries();
    for (const [topic, { entries, phase }] of this.queues) {
      for (const [i, entry] of entries.takeAll().entries()) {
        settle(entry, false);
        if (isUp) {
          if (i > 0 || phase !== 'SENT') this.handOver(topic, entry);
        } else this.lost++;
      }
    }
    this.queues.clear();
    this.messages = 0;
    this.bytes = 0;
  }

  private settleAll(): void {
    for (const { entries } of this.queues.values()) {
      for (const entry of entries.list()) settle(entry, false);
    }
  }

  private hasRoom(length: number): boolean {
    if (this.fits(length)) return true;
    const now = time.now();
    if (now - this.lastPurge < PURGE_INTERVAL) return false;
    this.lastPurge = now;
    for (const [topic, queue] of this.queues) this.dropExpired(topic, queue);
    return this.fits(length);
  }

  private fits(length: number): boolean {
    return this.messages < MAX_MESSAGES && this.bytes + length <= MAX_BYTES;
  }

  private send(topic: string, queue: Queue): void {
    if (this.phase !== 'OPEN') return;
    this.dropExpired(topic, queue);
    const { head } = queue.entries;
    // A listener of the error about dropped messages may have published, which sends the next one.
    if (head === undefined || queue.phase !== 'IDLE') return;
    queue.phase = 'SENT';
    const call = ++queue.call;
    callProgram(
      async () => this.publish(topic, head),
      (position) => this.onSent(topic, queue, head, position as TopicPosition),
      (error) => {
        this.owner.onError(toError(error));
        if (call === queue.call && this.phase === 'OPEN') this.onRefused(topic, queue, head);
      },
    );
  }

  /** One message that the engine never takes must not stop the others of its topic for ever. */
  private onRefused(topic: string, queue: Queue, entry: Entry): void {
    const { call } = queue;
    entry.refusals++;
    if (entry.refusals < MAX_REFUSALS) {
      queue.phase = 'REFUSED';
      this.retries.push(() => {
        if (call !== queue.call) return;
        queue.phase = 'IDLE';
        this.send(topic, queue);
      });
      this.schedule();
      return;
    }
    queue.phase = 'IDLE';
    this.remove(topic, queue);
    this.lost++;
    this.report(
      'WS_ERR_OUTBOX_REFUSED',
      `one of the topic ${topic} was refused ${MAX_REFUSALS} times`,
    );
    this.send(topic, queue);
  }

  private publish(topic: string, { data, limits, sequence }: Entry): PromiseLike<TopicPosition> {
    const { history, publisher } = this.owner;
    const { size, ttl } = limits;
    return history.publish(topic, data, { publisher, sequence, size, ttl });
  }

  private onSent(topic: string, queue: Queue, entry: Entry, position: TopicPosition): void {
    // It was sent again, and confirmed twice.
    if (queue.entries.head !== entry) return;
    queue.call++;
    queue.phase = 'IDLE';
    this.published++;
    this.remove(topic, queue);
    this.owner.onPublished(topic, position);
    this.send(topic, queue);
  }

  /** Removes the oldest message of a topic. */
  private remove(topic: string, { entries }: Queue): void {
    const entry = entries.shift();
    if (entry === undefined) return;
    this.messages--;
    this.bytes -= entry.data.length;
    if (this.messages * 2 <= MAX_MESSAGES && this.bytes * 2 <= MAX_BYTES) this.isFull = false;
    if (entries.length === 0) this.queues.delete(topic);
    settle(entry, true);
  }

  private dropExpired(topic: string, queue: Queue): void {
    const now = time.now();
    let count = 0;
    while (queue.phase === 'IDLE' && (queue.entries.head?.expires ?? Infinity) <= now) {
      this.remove(topic, queue);
      count++;
    }
    if (count === 0) return;
    this.lost += count;
    this.report(
      'WS_ERR_OUTBOX_EXPIRED',
      `${count} messages of the topic ${topic} waited longer than its ttl`,
    );
  }

  private retry(): void {
    const { retries } = this;
    this.retryTimer = undefined;
    this.retries = [];
    if (this.phase === 'WAITING') {
      this.phase = 'OPEN';
      for (const [topic, queue] of this.queues) this.send(topic, queue);
    }
    for (const again of retries) again();
  }

  private schedule(): void {
    if (this.retryTimer !== undefined) return;
    const delay = Math.ceil(time.random() * MAX_RETRY_DELAY);
    this.retryTimer = time.setTimeout(() => this.retry(), delay);
    this.retryTimer.unref();
  }

  private stopRetries(): void {
    time.clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.retries = [];
  }

  private handOver(topic: string, entry: Entry): void {
    const onFailed = (error: unknown): void => {
      this.lost++;
      this.owner.onError(toError(error));
    };
    callProgram(
      () => this.publish(topic, entry),
      () => this.published++,
      onFailed,
    );
  }

  /** Once, until it is half empty. A listener may publish the error: there is no room for that either. */
  private reportFull(): void {
    if (this.isFull) return;
    this.isFull = true;
    this.report('WS_ERR_OUTBOX_FULL', `${this.messages} messages wait, and one is lost`);
  }

  private report(code: string, sentence: string): void {
    const message = `The broker did not take messages in time: ${sentence}`;
    this.owner.onError(new WebSocketError(message, code));
  }
}

function settle(entry: Entry, isSettled: boolean): void {
  const { waiting } = entry;
  entry.waiting = [];
  for (const resolve of waiting) resolve(isSettled);
}
