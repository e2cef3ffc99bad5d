/** The topics of one server: which of its connections receive what is published. */

import type { EventEmitter } from 'node:events';
import { describeValue } from '../connection/check-options.js';
import { time } from '../connection/time.js';
import type { BufferLike } from '../websocket/payload.js';
import { PreparedMessage } from '../websocket/prepared.js';
import type { ServerTopics, Subscriber, TopicNames } from '../websocket/server-topics.js';
import { CLOSED, OPEN } from '../websocket/session.js';
import { subscriptions, topicsOf } from '../websocket/subscriptions.js';
import type { TopicMessageOptions } from '../websocket/topics-api.js';
import { sendPrepared } from './broadcast.js';

/** One for all calls: without a broker there is nothing to wait for. */
const CONFIRMED = Promise.resolve();

const NOBODY: ReadonlySet<Subscriber> = new Set();

export class Topics implements ServerTopics {
  /** The subscribers by topic. A topic without any is not in it. */
  private readonly byTopic = new Map<string, Set<Subscriber>>();
  private readonly owner: EventEmitter;

  /** @param owner emits the events */
  constructor(owner: EventEmitter) {
    this.owner = owner;
  }

  subscribe(subscriber: Subscriber, topics: TopicNames): Promise<void> {
    const names = toNames(topics);
    if (subscriber.readyState !== OPEN) return CONFIRMED;
    const own = ensureTopics(subscriber);
    const occupied = names.filter((name) => !own.has(name) && this.add(name, subscriber, own));
    this.emitEach('topicOccupied', occupied);
    return CONFIRMED;
  }

  unsubscribe(subscriber: Subscriber, topics: TopicNames): void {
    const names = toNames(topics);
    const own = subscriptions.get(subscriber);
    // After the end of a connection its topics are what they were.
    if (own === undefined || subscriber.readyState === CLOSED) return;
    const vacated = names.filter((name) => own.delete(name) && this.remove(name, subscriber));
    if (own.size === 0) subscriptions.delete(subscriber);
    this.emitEach('topicVacated', vacated);
  }

  /** The connection has ended. */
  onEnd(subscriber: Subscriber): void {
    const names = [...topicsOf(subscriber)];
    const vacated = names.filter((name) => this.remove(name, subscriber));
    this.emitEach('topicVacated', vacated);
  }

  publish(
    topics: TopicNames,
    data: BufferLike | PreparedMessage,
    options: TopicMessageOptions = {},
    excluded: Subscriber | undefined,
  ): number {
    const receivers = this.receiversOf(toNames(topics));
    const prepared = data instanceof PreparedMessage ? data : new PreparedMessage(data, options);
    let count = 0;
    for (const subscriber of receivers) {
      if (subscriber === excluded) continue;
      const outcome = sendPrepared(subscriber, prepared, options);
      if (outcome === 'sent' || outcome === 'queued') count++;
    }
    return count;
  }

  /** The number of subscribers of a topic. */
  count(topic: string): number {
    return this.byTopic.get(topic)?.size ?? 0;
  }

  private receiversOf(names: readonly string[]): Iterable<Subscriber> {
    const sets = names.flatMap((name) => this.byTopic.get(name) ?? []);
    const [only = NOBODY] = sets;
    return sets.length <= 1 ? only : new Set(sets.flatMap((set) => [...set]));
  }

  /** @returns whether it is the first subscriber */
  private add(name: string, subscriber: Subscriber, own: Set<string>): boolean {
    own.add(name);
    const others = this.byTopic.get(name);
    if (others === undefined) this.byTopic.set(name, new Set([subscriber]));
    else others.add(subscriber);
    return others === undefined;
  }

  /** @returns whether it was the last subscriber */
  private remove(name: string, subscriber: Subscriber): boolean {
    const all = this.byTopic.get(name);
    if (!all?.delete(subscriber) || all.size > 0) return false;
    return this.byTopic.delete(name);
  }

  private emitEach(event: 'topicOccupied' | 'topicVacated', names: readonly string[]): void {
    for (const name of names) {
      try {
        this.owner.emit(event, name);
      } catch (error) {
        // It is uncaught, as it is in other listeners, but the connection ends as any other.
        time.nextTick(rethrow, error);
      }
    }
  }
}

function rethrow(error: unknown): never {
  throw error;
}

function ensureTopics(subscriber: Subscriber): Set<string> {
  const existing = subscriptions.get(subscriber);
  if (existing !== undefined) return existing;
  const own = new Set<string>();
  subscriptions.set(subscriber, own);
  return own;
}

/** @throws TypeError for a name that is no topic */
function toNames(topics: TopicNames): readonly string[] {
  const names: readonly unknown[] = Array.isArray(topics) ? topics : [topics];
  const wrong = names.findIndex((name) => typeof name !== 'string' || name === '');
  if (wrong === -1) return names as readonly string[];
  const given = describeValue(names[wrong]);
  throw new TypeError(`A topic must be a string that is not empty: ${given} was given`);
}
