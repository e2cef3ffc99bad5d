/** The history of topics that servers share by a broker. */

import type { Buffer } from 'node:buffer';
import { toError } from '../connection/callbacks.js';
import { WebSocketError } from '../protocol/errors.js';
import type {
  BrokerHistory,
  HistoryLimits,
  StoredMessage,
  TopicHistory,
  TopicPosition,
} from './broker.js';
import { decodeEnvelope } from './envelope.js';
import { Outbox } from './outbox.js';
import { limitsOf, type ServerHistory, toPosition } from './server-history.js';
import { TopicFollower } from './topic-follower.js';
import type { TopicTable } from './topic-options.js';
import type { TopicMessage } from './topics-api.js';

/** What it needs of the topics of its server. */
export interface HistoryOwner {
  /** The broker is asked for a topic. */
  wants(topic: string): boolean;
  /** Resolves when the broker has confirmed a topic, and its position is known. */
  whenConfirmed(topics: readonly string[]): Promise<void>;
  deliver(topic: string, data: Uint8Array): void;
  onGap(topic: string, position: TopicPosition): void;
  onError(error: Error): void;
}

export class RemoteHistory implements ServerHistory {
  readonly outbox: Outbox;
  recovered = 0;
  gaps = 0;
  readonly history: BrokerHistory;
  readonly publisher: string;
  private readonly owner: HistoryOwner;
  private readonly table: TopicTable;
  private readonly followers = new Map<string, TopicFollower>();
  private isUp = false;

  /** @param publisher the name of this server, in hexadecimal digits */
  constructor(history: BrokerHistory, table: TopicTable, publisher: string, owner: HistoryOwner) {
    this.history = history;
    this.table = table;
    this.publisher = publisher;
    this.owner = owner;
    this.outbox = new Outbox(this);
  }

  limitsOf(topic: string): HistoryLimits | undefined {
    return this.table.limitsOf(topic);
  }

  /** For messages that arrive: an exception of the program is an event. */
  hasHistory(topic: string): boolean {
    return this.knownLimits(topic) !== undefined;
  }

  publish(topic: string, envelope: Buffer, limits: HistoryLimits): void {
    this.outbox.add(topic, envelope, limits);
  }

  /** @param position undefined from a broker that keeps to no type */
  onPublished(topic: string, position: TopicPosition | undefined): void {
    if (position) this.followers.get(topic)?.onPublished(position);
  }

  onStatus(isUp: boolean): void {
    this.isUp = isUp;
    this.outbox.onStatus(isUp);
    if (!isUp) for (const follower of this.followers.values()) follower.onDown();
  }

  /** @returns false for a topic without a history */
  onConfirmed(topic: string, onReady: () => void): boolean {
    const follower = this.follow(topic);
    follower?.onConfirmed(onReady);
    return follower !== undefined;
  }

  onGivenUp(topic: string): void {
    this.followers.get(topic)?.close();
    this.followers.delete(topic);
  }

  /** @returns false if the message is to be delivered as one without a history */
  onMessage(topic: string, data: Uint8Array, position: TopicPosition): boolean {
    if (!this.owner.wants(topic)) return true; // it was on its way
    const follower = this.follow(topic);
    follower?.receive(data, position);
    return follower !== undefined;
  }

  deliver(topic: string, data: Uint8Array, isRecovered: boolean): void {
    if (isRecovered) this.recovered++;
    this.owner.deliver(topic, data);
  }

  onGap(topic: string, position: TopicPosition): void {
    this.gaps++;
    this.owner.onGap(topic, position);
  }

  onError(error: Error): void {
    this.owner.onError(error);
  }

  async position(topic: string): Promise<TopicPosition> {
    const limits = limitsOf(this.table, topic);
    const follower = this.followers.get(topic);
    follower?.check();
    if (follower?.position !== undefined) return follower.position;
    if (!this.isUp) throw unreachable();
    if (!this.owner.wants(topic)) return this.history.position(topic, limits);
    await this.owner.whenConfirmed([topic]);
    const known = this.followers.get(topic)?.position;
    if (known === undefined) throw unreachable();
    return known;
  }

  async since(topic: string, given: unknown): Promise<TopicHistory<TopicMessage>> {
    const limits = limitsOf(this.table, topic);
    // What was published here, before the connection that asks was subscribed, must not be missing.
    if (!this.isUp || !(await this.outbox.whenSent(topic))) throw unreachable();
    const found = await this.history.since(topic, toPosition(given), limits);
    return { ...found, messages: found.messages.flatMap(toMessage) };
  }

  close(): void {
    this.outbox.close();
    for (const follower of this.followers.values()) follower.close();
    this.followers.clear();
    this.isUp = false;
  }

  private follow(topic: string): TopicFollower | undefined {
    const existing = this.followers.get(topic);
    if (existing !== undefined) return existing;
    const limits = this.knownLimits(topic);
    if (limits === undefined) return undefined;
    const follower = new TopicFollower(topic, limits, this);
    this.followers.set(topic, follower);
    return follower;
  }

  private knownLimits(topic: string): HistoryLimits | undefined {
    try {
      return this.table.limitsOf(topic);
    } catch (error) {
      this.onError(toError(error));
      return undefined;
    }
  }
}

function unreachable(): Error {
  const sentence = 'The history of topics is not reachable: the broker is away';
  return new WebSocketError(sentence, 'WS_ERR_BROKER_AWAY');
}

/** @returns nothing for bytes that no server made */
function toMessage({ data, offset }: StoredMessage): TopicMessage[] {
  const envelope = decodeEnvelope(data);
  if (envelope === undefined) return [];
  const { payload, options } = envelope;
  const isBinary = options.binary;
  return [{ data: isBinary ? payload : payload.toString(), isBinary, offset }];
}
