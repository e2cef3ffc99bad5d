/** The topics of one server: which of its connections receive what is published. */

import type { EventEmitter } from 'node:events';
import { describeValue } from '../connection/check-options.js';
import type { SendOutcome } from '../connection/send-limit-settings.js';
import { time } from '../connection/time.js';
import type { BufferLike } from '../websocket/payload.js';
import { PreparedMessage, toReadPayload } from '../websocket/prepared.js';
import type { ServerTopics, Subscriber, TopicNames } from '../websocket/server-topics.js';
import { CLOSED, OPEN } from '../websocket/session.js';
import { subscriptions, topicsOf } from '../websocket/subscriptions.js';
import type { TopicMessageOptions } from '../websocket/topics-api.js';
import { sendPrepared } from './broadcast.js';
import { emitSafely } from './emit.js';
import type { LocalHistory } from './local-history.js';
import type { ServerOptions } from './options.js';
import type { RemoteTopics } from './remote-topics.js';
import type { ServerHistory } from './server-history.js';
import type { TopicTable } from './topic-options.js';
import type { BrokerStats } from './topics-api.js';

/** One for all calls: without a broker there is nothing to wait for. */
const CONFIRMED = Promise.resolve();

const NOBODY: ReadonlySet<Subscriber> = new Set();

/** The options that its topics read. */
type TopicsOptions = Pick<ServerOptions, 'broker' | 'topics'>;

export class Topics implements ServerTopics {
  /** The subscribers by topic. A topic without any is not in it. */
  private readonly byTopic = new Map<string, Set<Subscriber>>();
  private readonly owner: EventEmitter;
  private readonly remote: RemoteTopics | undefined;
  private readonly local: LocalHistory | undefined;
  /** Gets what was delivered here. */
  private readonly further: RemoteTopics | LocalHistory | undefined;

  /** @param owner emits the events */
  constructor(owner: EventEmitter, { broker, topics }: TopicsOptions) {
    this.owner = owner;
    const table = topics ? newTable(topics) : undefined;
    if (broker) {
      const { RemoteTopics } = require('./remote-topics.js') as typeof import('./remote-topics.js');
      const deliver = this.deliverFromOthers.bind(this);
      this.remote = new RemoteTopics(broker, owner, deliver, table);
    } else if (table !== undefined) {
      const { LocalHistory } = require('./local-history.js') as typeof import('./local-history.js');
      this.local = new LocalHistory(table);
    }
    this.further = this.remote ?? this.local;
  }

  subscribe(subscriber: Subscriber, topics: TopicNames): Promise<void> {
    const names = toNames(topics);
    if (subscriber.readyState !== OPEN) return CONFIRMED;
    const own = ensureTopics(subscriber);
    const occupied: string[] = [];
    for (const name of names) {
      if (own.has(name)) continue;
      own.add(name);
      if (this.add(name, subscriber)) occupied.push(name);
    }
    for (const name of occupied) this.remote?.interest.add(name);
    this.emitEach('topicOccupied', occupied);
    return this.remote?.interest.whenConfirmed(names) ?? CONFIRMED;
  }

  unsubscribe(subscriber: Subscriber, topics: TopicNames): void {
    const names = toNames(topics);
    const own = subscriptions.get(subscriber);
    // After the end of a connection its topics are what they were.
    if (own === undefined || subscriber.readyState === CLOSED) return;
    const vacated: string[] = [];
    for (const name of names) {
      if (own.delete(name) && this.remove(name, subscriber)) vacated.push(name);
    }
    if (own.size === 0) subscriptions.delete(subscriber);
    this.onVacated(vacated);
  }

  /** Ends all subscriptions of a connection. */
  onEnd(subscriber: Subscriber): void {
    const vacated: string[] = [];
    for (const name of topicsOf(subscriber)) {
      if (this.remove(name, subscriber)) vacated.push(name);
    }
    this.onVacated(vacated);
  }

  /** Starts the broker, when the program had the time to add listeners. */
  open(): void {
    time.nextTick(() => this.remote?.interest.start());
  }

  get brokerStats(): BrokerStats | undefined {
    return this.remote?.stats;
  }

  /** @throws TypeError without the option `topics` */
  get history(): ServerHistory {
    const history = this.remote?.history ?? this.local;
    if (history !== undefined) return history;
    throw new TypeError('No topic has a history: the server needs the option topics');
  }

  /** The server is closed. */
  close(): void {
    this.remote?.close();
    this.local?.close();
  }

  publish(
    topics: TopicNames,
    data: BufferLike | PreparedMessage,
    options: TopicMessageOptions = {},
    excluded: Subscriber | undefined,
  ): number {
    const count = this.deliver(topics, data, options, excluded);
    this.further?.publish(toNames(topics), data, options);
    return count;
  }

  /** The number of subscribers of a topic. */
  count(topic: string): number {
    toNames(topic);
    return this.byTopic.get(topic)?.size ?? 0;
  }

  /** Sends a message to the subscribers of this server. @returns how many there were */
  private deliver(
    topics: TopicNames,
    data: BufferLike | PreparedMessage,
    options: TopicMessageOptions,
    excluded?: Subscriber,
  ): number {
    return sendToEach(this.receiversOf(topics), data, options, excluded);
  }

  /** @param others their subscribers get it as a message of these topics */
  private deliverFromOthers(
    topics: TopicNames,
    data: BufferLike,
    options: TopicMessageOptions,
    others: readonly string[] = [],
  ): void {
    const all = this.receiversOf(topics);
    if (others.length === 0) {
      sendToEach(all, data, options);
      return;
    }
    const receivers = new Set(all);
    for (const other of others) {
      for (const subscriber of this.byTopic.get(other) ?? []) receivers.delete(subscriber);
    }
    sendToEach(receivers, data, options);
  }

  private receiversOf(topics: TopicNames): ReadonlySet<Subscriber> {
    if (typeof topics === 'string' && topics !== '') return this.byTopic.get(topics) ?? NOBODY;
    const [first, ...others] = toNames(topics).flatMap((name) => this.byTopic.get(name) ?? []);
    if (first === undefined || others.length === 0) return first ?? NOBODY;
    const union = new Set(first);
    for (const other of others) for (const subscriber of other) union.add(subscriber);
    return union;
  }

  /** @returns whether it is the first subscriber */
  private add(name: string, subscriber: Subscriber): boolean {
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

  private onVacated(names: readonly string[]): void {
    for (const name of names) this.remote?.interest.remove(name);
    this.emitEach('topicVacated', names);
  }

  private emitEach(event: 'topicOccupied' | 'topicVacated', names: readonly string[]): void {
    for (const name of names) emitSafely(this.owner, event, name);
  }
}

function sendToEach(
  receivers: ReadonlySet<Subscriber>,
  data: BufferLike | PreparedMessage,
  options: TopicMessageOptions,
  excluded?: Subscriber,
): number {
  const message = toMessage(data, options, receivers.size);
  let count = 0;
  for (const subscriber of receivers) {
    if (subscriber === excluded) continue;
    const outcome = sendTo(subscriber, message, options);
    if (outcome === 'sent' || outcome === 'queued') count++;
  }
  return count;
}

/** A frame for all receivers is not worth its memory if there is one. @throws TypeError for the data */
function toMessage(
  data: BufferLike | PreparedMessage,
  options: TopicMessageOptions,
  receivers: number,
): PreparedMessage | string {
  if (data instanceof PreparedMessage) return data;
  const payload = toReadPayload(data);
  if (receivers <= 1 && typeof payload === 'string') return payload;
  return new PreparedMessage(payload, options);
}

function sendTo(
  subscriber: Subscriber,
  message: PreparedMessage | string,
  options: TopicMessageOptions,
): SendOutcome {
  const { connection } = subscriber;
  if (typeof message !== 'string') return sendPrepared(subscriber, message, options);
  if (connection === undefined) return 'rejected';
  if (connection.limit !== undefined) {
    return sendPrepared(subscriber, new PreparedMessage(message, options), options);
  }
  const { binary = false, compress = true } = options;
  const { sender } = connection.endpoint;
  return sender.sendMessage(message, binary, true, compress, undefined) ? 'sent' : 'rejected';
}

/** Few programs have the option: it is loaded with the first one. */
function newTable(topics: NonNullable<TopicsOptions['topics']>): TopicTable {
  const { TopicTable } = require('./topic-options.js') as typeof import('./topic-options.js');
  return new TopicTable(topics);
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
