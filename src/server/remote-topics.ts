/** The topics of other servers: what is published here goes to a broker, what comes from it is delivered. */

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { toError, warnOfError } from '../connection/callbacks.js';
import type { BufferLike } from '../websocket/payload.js';
import { PreparedMessage, toReadPayload } from '../websocket/prepared.js';
import type { TopicNames } from '../websocket/server-topics.js';
import type { TopicMessageOptions } from '../websocket/topics-api.js';
import type { Broker, TopicPosition } from './broker.js';
import { emitSafely } from './emit.js';
import { decodeEnvelope, encodeEnvelope, NODE_ID_LENGTH } from './envelope.js';
import { Interest, type InterestOwner } from './interest.js';
import type { HistoryOwner, RemoteHistory } from './remote-history.js';
import type { TopicTable } from './topic-options.js';
import type { BrokerStats } from './topics-api.js';

/** Delivers a message to the subscribers of this server, but not to those of some other topics. */
type Deliver = (
  topics: TopicNames,
  payload: Buffer,
  options: TopicMessageOptions,
  others?: readonly string[],
) => unknown;

export class RemoteTopics implements InterestOwner, HistoryOwner {
  readonly interest: Interest;
  readonly history: RemoteHistory | undefined;
  /** The name of this server: messages with it are its own. */
  private readonly node = randomBytes(NODE_ID_LENGTH).toString('latin1');
  private readonly emitter: EventEmitter;
  private readonly sendToSubscribers: Deliver;
  private received = 0;

  /** @param table which topics have a history */
  constructor(
    broker: Broker,
    emitter: EventEmitter,
    sendToSubscribers: Deliver,
    table: TopicTable | undefined,
  ) {
    this.emitter = emitter;
    this.sendToSubscribers = sendToSubscribers;
    this.interest = new Interest(broker, this);
    if (table === undefined || broker.history === undefined) return;
    const { RemoteHistory } =
      require('./remote-history.js') as typeof import('./remote-history.js');
    const publisher = Buffer.from(this.node, 'latin1').toString('hex');
    this.history = new RemoteHistory(broker.history, table, publisher, this);
  }

  /** Sends a message to the other servers. The data was checked before. */
  publish(
    names: readonly string[],
    data: BufferLike | PreparedMessage,
    options: TopicMessageOptions,
  ): void {
    const union = names.length > 1 ? names : [];
    const envelope = encodeEnvelope({ node: this.node, union, ...toEnvelope(data, options) });
    for (const name of new Set(names)) {
      const limits = this.history?.limitsOf(name);
      if (limits === undefined) this.interest.publish(name, envelope);
      else this.history?.publish(name, envelope, limits);
    }
  }

  wants(topic: string): boolean {
    return this.interest.wants(topic);
  }

  whenConfirmed(topics: readonly string[]): Promise<void> {
    return this.interest.whenConfirmed(topics);
  }

  onConfirmed(topic: string, confirm: () => void): void {
    if (!this.history?.onConfirmed(topic, confirm)) confirm();
  }

  onGivenUp(topic: string): void {
    this.history?.onGivenUp(topic);
  }

  onMessage(topic: string, data: Uint8Array, position?: TopicPosition): void {
    if (position !== undefined && this.history?.onMessage(topic, data, position)) return;
    this.deliver(topic, data);
  }

  /** Delivers a message of another server. */
  deliver(topic: string, data: Uint8Array): void {
    const envelope = decodeEnvelope(data);
    if (envelope === undefined) {
      this.onError(new Error(`A message of the topic ${topic} comes from another program`));
      return;
    }
    const { node, union, payload, options } = envelope;
    if (node === this.node) return;
    if (union.some((name) => this.history?.hasHistory(name))) {
      this.received++;
      this.send(topic, payload, options, this.beforeInUnion(topic, union));
      return;
    }
    // A union arrives once for each of its topics that is subscribed: the first one is for all.
    if (union.length > 0 && union.find((name) => this.interest.has(name)) !== topic) return;
    this.received++;
    this.send(union.length > 0 ? union : topic, payload, options);
  }

  private send(...message: Parameters<Deliver>): void {
    try {
      this.sendToSubscribers(...message);
    } catch (error) {
      this.onError(toError(error));
    }
  }

  /**
   * A union of which a topic has a history may arrive late, or again. Each connection gets it by the first
   * topic that it is subscribed to, those with a history first.
   */
  private beforeInUnion(topic: string, union: readonly string[]): string[] {
    const hasHistory = (name: string): boolean => this.history?.hasHistory(name) ?? false;
    const order = [...union.filter(hasHistory), ...union.filter((name) => !hasHistory(name))];
    return order.slice(0, order.indexOf(topic));
  }

  close(): void {
    this.history?.close();
    this.interest.close();
  }

  get stats(): BrokerStats {
    const { isUp, size: topics, published, lost } = this.interest;
    const { outbox, recovered = 0, gaps = 0 } = this.history ?? {};
    return {
      isUp,
      topics,
      published: published + (outbox?.published ?? 0),
      received: this.received,
      lost: lost + (outbox?.lost ?? 0),
      waiting: outbox?.messages ?? 0,
      recovered,
      gaps,
    };
  }

  onGap(topic: string, position: TopicPosition): void {
    emitSafely(this.emitter, 'topicGap', topic, position);
  }

  onStatus(isUp: boolean): void {
    this.history?.onStatus(isUp);
    emitSafely(this.emitter, 'brokerStatus', isUp);
  }

  onError(error: Error): void {
    if (emitSafely(this.emitter, 'brokerError', error)) return;
    warnOfError("The broker failed, and 'brokerError' has no listener", error);
  }
}

function toEnvelope(data: BufferLike | PreparedMessage, options: TopicMessageOptions) {
  if (data instanceof PreparedMessage) {
    return { payload: data.payload, options: { ...options, binary: data.isBinary } };
  }
  const payload = toReadPayload(data);
  const binary = options.binary ?? typeof payload !== 'string';
  return { payload: Buffer.from(payload as Buffer), options: { ...options, binary } }; // or a string
}
