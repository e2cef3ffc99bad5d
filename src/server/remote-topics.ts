/** The topics of other servers: what is published here goes to a broker, what comes from it is delivered. */

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { types } from 'node:util';
import { toError, warnOfError } from '../connection/callbacks.js';
import { describeValue } from '../connection/check-options.js';
import { time } from '../connection/time.js';
import type { PreparedMessage } from '../websocket/prepared.js';
import type { Subscriber } from '../websocket/server-topics.js';
import type { TopicMessageOptions } from '../websocket/topics-api.js';
import type { Broker, TopicPosition } from './broker.js';
import { emitSafely } from './emit.js';
import { decodeEnvelope, encodeEnvelope, NODE_ID_LENGTH } from './envelope.js';
import { Interest, type InterestOwner } from './interest.js';
import type { HistoryOwner, RemoteHistory } from './remote-history.js';
import type { TopicTable } from './topic-options.js';
import type { BrokerStats } from './topics-api.js';
import { UnionReceivers } from './union-receivers.js';

/** The least time between two process warnings, in milliseconds. A broken engine causes many errors. */
const WARNING_INTERVAL = 60_000;

/** Each of them tells its events to one server. */
const brokersOfServers = new WeakSet<Broker>();

/**
 * Delivers a message to the subscribers of this server.
 * @param others their subscribers get it as a message of these topics
 * @param reached those that have it already; the others are added
 * @returns how many it was sent to
 */
type Deliver = (
  topic: string,
  payload: Buffer,
  options: TopicMessageOptions,
  others: readonly string[],
  reached: WeakSet<Subscriber> | undefined,
) => number;

export class RemoteTopics implements InterestOwner, HistoryOwner {
  readonly interest: Interest;
  readonly history: RemoteHistory | undefined;
  /** The name of this server: messages with it are its own. */
  private readonly node = randomBytes(NODE_ID_LENGTH).toString('latin1');
  private readonly emitter: EventEmitter;
  private readonly sendToSubscribers: Deliver;
  private received = 0;
  private unions = 0;
  private readonly receivers = new UnionReceivers();
  private nextWarning = -Infinity;

  /**
   * @param table the option `topics`
   * @throws Error for the broker of another server
   */
  constructor(
    broker: Broker,
    emitter: EventEmitter,
    sendToSubscribers: Deliver,
    table: TopicTable | undefined,
  ) {
    claim(broker);
    this.emitter = emitter;
    this.sendToSubscribers = sendToSubscribers;
    this.interest = new Interest(broker, this);
    if (table === undefined || broker.history === undefined) return;
    const { RemoteHistory } =
      require('./remote-history.js') as typeof import('./remote-history.js');
    const publisher = Buffer.from(this.node, 'latin1').toString('hex');
    this.history = new RemoteHistory(broker.history, table, publisher, this);
  }

  /** Sends a message to the other servers. The names were checked before. */
  publish(names: readonly string[], message: PreparedMessage, options: TopicMessageOptions): void {
    const topics = new Set(names);
    const isUnion = topics.size > 1;
    const { payload, isBinary: binary, isCompressible: compress } = message;
    const envelope = encodeEnvelope({
      node: this.node,
      union: isUnion ? ++this.unions : 0,
      histories: isUnion ? [...topics].filter((topic) => this.history?.limitsOf(topic)) : [],
      payload,
      options: { ...options, binary, compress },
    });
    for (const topic of topics) {
      const limits = this.history?.limitsOf(topic);
      if (limits === undefined) this.interest.publish(topic, envelope);
      else this.history?.publish(topic, envelope, limits);
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
    const envelope = types.isUint8Array(data) ? decodeEnvelope(data) : undefined;
    if (envelope === undefined) {
      this.onError(unreadable(topic, data));
      return;
    }
    const { node, union, histories, payload, options } = envelope;
    if (node === this.node) return;
    // A union arrives once for each of its topics. Each connection gets it by its first topic with a
    // history: such a message may arrive late, or again. The others get it by what comes first.
    const place = histories.indexOf(topic);
    const isKept = place !== -1;
    const reached = union > 0 && !isKept ? this.receivers.of(node, union) : undefined;
    if (reached?.isNew !== false) this.received++;
    try {
      const others = isKept ? histories.slice(0, place) : histories;
      const count = this.sendToSubscribers(topic, payload, options, others, reached?.subscribers);
      if (reached !== undefined) this.receivers.add(count);
    } catch (error) {
      this.onError(toError(error));
    }
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
    if (emitSafely(this.emitter, 'brokerError', error) || time.now() < this.nextWarning) return;
    this.nextWarning = time.now() + WARNING_INTERVAL;
    warnOfError("The broker failed, and 'brokerError' has no listener", error);
  }
}

/** Marks a broker as the one of this server. */
function claim(broker: Broker): void {
  if (brokersOfServers.has(broker)) {
    throw new Error(
      'The option broker is the broker of another server, also if that one is closed: ' +
        'make one for each server. They may share the client of the engine',
    );
  }
  brokersOfServers.add(broker);
}

function unreadable(topic: string, data: unknown): Error {
  if (types.isUint8Array(data)) {
    return new Error(`A message of the topic ${topic} comes from another program`);
  }
  const given = describeValue(data);
  return new TypeError(`A broker must give messages as Uint8Array: ${given} came for ${topic}`);
}
