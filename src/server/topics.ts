/** The topics of one server: which of its connections receive what is published. */

import type { EventEmitter } from 'node:events';
import type { SendOutcome } from '../connection/send-limit-settings.js';
import { time } from '../connection/time.js';
import type { BufferLike } from '../websocket/payload.js';
import { PreparedMessage, toReadPayload } from '../websocket/prepared.js';
import type { ServerTopics, Subscriber, TopicNames } from '../websocket/server-topics.js';
import { CLOSED, OPEN } from '../websocket/session.js';
import { subscriptions, topicsOf } from '../websocket/subscriptions.js';
import type { TopicMessageOptions } from '../websocket/topics-api.js';
import { sendPrepared } from './broadcast.js';
import type { TopicHistory, TopicPosition } from './broker.js';
import { emitSafely } from './emit.js';
import type { LocalHistory } from './local-history.js';
import type { ServerOptions } from './options.js';
import type { RemoteTopics } from './remote-topics.js';
import type { ServerHistory } from './server-history.js';
import { toNames } from './topic-names.js';
import type { TopicTable } from './topic-options.js';
import type { TopicMessage, TopicStats } from './topics-api.js';

/** One for all calls: without a broker there is nothing to wait for. */
const CONFIRMED = Promise.resolve();

const NOBODY: ReadonlySet<Subscriber> = new Set();

/** So many topics without subscribers are kept in any case. */
const MAX_VACANT = 1_000;

type TopicEvent = 'topicOccupied' | 'topicVacated';

/** The options that its topics read. */
type TopicsOptions = Pick<ServerOptions, 'broker' | 'topics'>;

export class Topics implements ServerTopics {
  /**
   * The subscribers by topic. A vacated topic has NOBODY, until there are many: V8 keeps the place of a
   * deleted key for long, and a key that comes and goes is searched among all places that it had.
   */
  private readonly byTopic = new Map<string, ReadonlySet<Subscriber>>();
  /** How many topics have NOBODY. */
  private vacant = 0;
  private readonly owner: EventEmitter;
  private readonly table: TopicTable | undefined;
  private readonly remote: RemoteTopics | undefined;
  private readonly local: LocalHistory | undefined;
  /** Gets what was delivered here. */
  private readonly further: RemoteTopics | LocalHistory | undefined;
  /** How many there are, of all topics. */
  private subscriptions = 0;
  /** The receivers of the calls of `sendToEach` in progress: an `overflow` of the program may publish. */
  private readonly receiving: ReadonlySet<Subscriber>[] = [];
  /** Events to emit, in the order of their causes. Empty when none is being emitted. */
  private readonly events: (readonly [event: TopicEvent, topic: string])[] = [];

  /** @param owner emits the events */
  constructor(owner: EventEmitter, { broker, topics }: TopicsOptions) {
    this.owner = owner;
    const table = topics ? newTable(topics) : undefined;
    this.table = table;
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
    if (names.length === 0 || subscriber.readyState !== OPEN) return CONFIRMED;
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

  get stats(): TopicStats {
    const { byTopic, vacant, subscriptions, remote } = this;
    const topics = { occupied: byTopic.size - vacant, subscriptions };
    return remote === undefined ? { topics } : { topics, broker: remote.stats };
  }

  position(topic: string): Promise<TopicPosition> {
    return this.requireHistory().position(topic);
  }

  since(topic: string, position: unknown): Promise<TopicHistory<TopicMessage>> {
    return this.requireHistory().since(topic, position);
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
    const { further } = this;
    if (further === undefined) return this.deliver(topics, data, options, excluded);
    const names = toNames(topics);
    // What a function of the program throws is thrown before anybody has the message.
    for (const name of names) this.table?.limitsOf(name);
    const message = data instanceof PreparedMessage ? data : new PreparedMessage(data, options);
    try {
      return this.deliver(topics, message, options, excluded);
    } finally {
      further.publish(names, message, options);
    }
  }

  /** The number of subscribers of a topic. */
  count(topic: string): number {
    toNames([topic]);
    return this.byTopic.get(topic)?.size ?? 0;
  }

  /** Sends a message to the subscribers of this server. @returns how many there were */
  private deliver(
    topics: TopicNames,
    data: BufferLike | PreparedMessage,
    options: TopicMessageOptions,
    excluded: Subscriber | undefined,
  ): number {
    return this.sendToEach(this.receiversOf(topics), data, options, excluded);
  }

  /**
   * Delivers a message that came by the broker.
   * @param others their subscribers get it as a message of these topics
   * @param reached those that have it already; the others are added
   */
  private deliverFromOthers(
    topic: string,
    data: Buffer,
    options: TopicMessageOptions,
    others: readonly string[],
    reached?: WeakSet<Subscriber>,
  ): number {
    const all = this.byTopic.get(topic) ?? NOBODY;
    // An engine hands over many messages in one tick: a connection gets them in one write.
    for (const { connection } of all) connection?.collect();
    if (others.length === 0) return this.sendToEach(all, data, options, undefined, reached);
    const receivers = new Set(all);
    for (const other of others) {
      for (const subscriber of this.byTopic.get(other) ?? []) receivers.delete(subscriber);
    }
    return this.sendToEach(receivers, data, options, undefined, reached);
  }

  /** @throws what an `overflow` of the program throws, when all others have the message */
  private sendToEach(
    receivers: ReadonlySet<Subscriber>,
    data: BufferLike | PreparedMessage,
    options: TopicMessageOptions,
    excluded: Subscriber | undefined,
    reached?: WeakSet<Subscriber>,
  ): number {
    const message = toMessage(data, options, receivers.size);
    let count = 0;
    let failure: { readonly error: unknown } | undefined;
    this.receiving.push(receivers);
    for (const subscriber of receivers) {
      if (subscriber === excluded || reached?.has(subscriber)) continue;
      reached?.add(subscriber);
      try {
        const outcome = sendTo(subscriber, message, options);
        if (outcome === 'sent' || outcome === 'queued') count++;
      } catch (error) {
        failure ??= { error };
      }
    }
    this.receiving.pop();
    if (failure !== undefined) throw failure.error;
    return count;
  }

  /** @throws TypeError without the option `topics` */
  private requireHistory(): ServerHistory {
    const history = this.remote?.history ?? this.local;
    if (history) return history;
    throw new TypeError('No topic has a history: the server needs the option topics');
  }

  private receiversOf(topics: TopicNames): ReadonlySet<Subscriber> {
    const subscribers = typeof topics === 'string' ? this.byTopic.get(topics) : undefined;
    if (subscribers !== undefined) return subscribers;
    const [first, ...others] = toNames(topics).flatMap((name) => this.byTopic.get(name) ?? []);
    if (first === undefined || others.length === 0) return first ?? NOBODY;
    const union = new Set(first);
    for (const other of others) for (const subscriber of other) union.add(subscriber);
    return union;
  }

  /** @returns whether it is the first subscriber */
  private add(name: string, subscriber: Subscriber): boolean {
    this.subscriptions++;
    const others = this.subscribersToChange(name);
    others?.add(subscriber);
    if (others !== undefined) return false;
    if (this.byTopic.has(name)) this.vacant--;
    this.byTopic.set(name, new Set([subscriber]));
    return true;
  }

  /** @returns whether it was the last subscriber */
  private remove(name: string, subscriber: Subscriber): boolean {
    const all = this.subscribersToChange(name);
    if (!all?.delete(subscriber)) return false;
    this.subscriptions--;
    if (all.size > 0) return false;
    this.byTopic.set(name, NOBODY);
    this.vacant++;
    if (this.vacant > MAX_VACANT && this.vacant * 2 > this.byTopic.size) this.removeVacant();
    return true;
  }

  private removeVacant(): void {
    for (const [name, all] of this.byTopic) if (all === NOBODY) this.byTopic.delete(name);
    this.vacant = 0;
  }

  /** The Set that a message is being sent to must not change: a copy takes its place. */
  private subscribersToChange(name: string): Set<Subscriber> | undefined {
    const all = this.byTopic.get(name) ?? NOBODY;
    if (all === NOBODY) return undefined;
    if (!this.receiving.includes(all)) return all as Set<Subscriber>; // all but NOBODY may change
    const copy = new Set(all);
    this.byTopic.set(name, copy);
    return copy;
  }

  private onVacated(names: readonly string[]): void {
    for (const name of names) this.remote?.interest.remove(name);
    this.emitEach('topicVacated', names);
  }

  /** What a listener causes is emitted after what caused it, for all listeners in the same order. */
  private emitEach(event: TopicEvent, names: readonly string[]): void {
    const isEmitting = this.events.length > 0;
    for (const name of names) this.events.push([event, name]);
    if (isEmitting) return;
    for (const [event, name] of this.events) emitSafely(this.owner, event, name);
    this.events.length = 0;
  }
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
