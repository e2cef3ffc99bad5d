/**
 * The history of topics on JetStream: one stream for each topic. Its sequence numbers are the offsets.
 * JetStream publishes what it has stored again, to the subject of the topic, with the number in a header.
 */

import { randomBytes } from 'node:crypto';
import { time } from '../connection/time.js';
import type {
  BrokerHistory,
  HistoryLimits,
  HistoryPublishOptions,
  StoredMessage,
  TopicHistory,
  TopicPosition,
} from '../server/broker.js';
import type { NatsHeaders, NatsMessage } from './nats-client.js';
import {
  isNoResponders,
  JetStream,
  JetStreamCode,
  JetStreamError,
  type StreamInfo,
  type StreamMessage,
} from './nats-jetstream.js';
import type { NatsLink } from './nats-link.js';
import { historySubjectOf, historySubjectsOf, streamNameOf, subjectOf } from './nats-subject.js';
import { NatsSweeper } from './nats-sweeper.js';

/** Of a topic that is asked for before anything was published, by a program that gives no limits. */
const DEFAULT_LIMITS: HistoryLimits = { size: 100, ttl: 60_000 };

/** The most topics of which something is remembered. */
const MAX_REMEMBERED = 10_000;

/** How many messages are asked for at once. */
const WINDOW = 128;

/** How long JetStream itself finds repetitions, in milliseconds. It keeps their names in memory. */
const DUPLICATE_WINDOW = 120_000;

const NANOSECONDS = 1_000_000;

/** What JetStream takes as an age, in milliseconds: at least, and at most (a hundred years). */
const [MIN_TTL, MAX_TTL] = [100, 3_155_760_000_000];

/** How often a call is made again because another server has made or removed the stream meanwhile. */
const MAX_ATTEMPTS = 3;

/** The subject of a stream has the epoch, so that it comes with each message. */
const HISTORY_SUBJECT = /^[\w-]+\.%history\.([0-9a-f]{16})\./;

/** What is known of the stream of a topic. */
interface Known {
  readonly epoch: string;
  readonly subject: string;
  readonly max_msgs: number;
  readonly max_age: number;
}

/** A message that was sent, and whose end is not known. */
interface Unanswered {
  readonly id: string;
  readonly at: number;
}

/** How streams are made. */
export interface NatsHistorySettings {
  readonly headers: () => NatsHeaders;
  readonly storage?: 'file' | 'memory' | undefined;
  readonly replicas?: number | undefined;
}

export class NatsHistory implements BrokerHistory {
  private readonly jetStream: JetStream;
  private readonly prefix: string;
  private readonly settings: NatsHistorySettings;
  private readonly known = new Map<string, Known>();
  private readonly unanswered = new Map<string, Unanswered>();

  private readonly sweeper: NatsSweeper;

  constructor(link: NatsLink, prefix: string, settings: NatsHistorySettings) {
    this.jetStream = new JetStream(link);
    this.prefix = prefix;
    this.settings = settings;
    const subjects = historySubjectsOf(prefix);
    this.sweeper = new NatsSweeper(this.jetStream, subjects, (error) => link.report(error));
  }

  start(): void {
    this.sweeper.start();
  }

  close(): void {
    this.sweeper.close();
  }

  async publish(
    topic: string,
    data: Uint8Array,
    { publisher, sequence, size, ttl }: HistoryPublishOptions,
  ): Promise<TopicPosition> {
    const id = `${publisher}-${sequence}`;
    const limits = { size, ttl };
    const earlier = this.unanswered.get(topic);
    if (earlier?.id !== id) {
      this.unanswered.set(topic, { id, at: time.now() });
      trim(this.unanswered);
    } else if (time.now() - earlier.at > windowOf(ttl) / 2) {
      const position = await this.find(topic, id, limits);
      if (position !== undefined) return this.onStored(topic, position);
    }
    const headers = this.settings.headers();
    headers.set('Nats-Msg-Id', id);
    return this.onStored(topic, await this.send(topic, data, headers, limits));
  }

  async position(topic: string, limits?: HistoryLimits): Promise<TopicPosition> {
    return newestOf(await this.read(topic, limits));
  }

  async since(
    topic: string,
    { epoch, offset }: TopicPosition,
    limits?: HistoryLimits,
  ): Promise<TopicHistory<StoredMessage>> {
    const info = await this.read(topic, limits);
    const position = newestOf(info);
    const incomplete = { complete: false, messages: [], position };
    const isKnown = epoch === position.epoch && offset >= 0 && offset <= position.offset;
    if (!isKnown || (offset < position.offset && offset + 1 < info.state.first_seq)) {
      return incomplete;
    }
    const messages: StoredMessage[] = [];
    for await (const { message, seq } of this.messages(
      info.config.name,
      offset + 1,
      position.offset,
    )) {
      // It was removed meanwhile.
      if (message === undefined) return incomplete;
      messages.push({ data: message.data, offset: seq });
    }
    return { complete: true, messages, position };
  }

  private onStored(topic: string, position: TopicPosition): TopicPosition {
    this.unanswered.delete(topic);
    return position;
  }

  private async send(
    topic: string,
    data: Uint8Array,
    headers: NatsHeaders,
    limits: HistoryLimits,
  ): Promise<TopicPosition> {
    for (let attempt = 1; ; attempt++) {
      const { subject, epoch } = await this.open(topic, limits);
      try {
        const { seq } = await this.jetStream.publish(subject, data, headers);
        return { epoch, offset: seq };
      } catch (error) {
        this.known.delete(topic);
        // The stream was removed.
        if (!isNoResponders(error) || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  /** Looks for a message that JetStream itself would not recognize any more. */
  private async find(
    topic: string,
    id: string,
    limits: HistoryLimits,
  ): Promise<TopicPosition | undefined> {
    const info = await this.read(topic, limits);
    const { first_seq: first, last_seq: last } = info.state;
    for await (const { message, seq } of this.messages(info.config.name, first, last)) {
      if (message?.id === id) return { ...newestOf(info), offset: seq };
    }
    return undefined;
  }

  /** The messages from `first` to `last`; undefined for those that are not there. */
  private async *messages(
    name: string,
    first: number,
    last: number,
  ): AsyncGenerator<{ message: StreamMessage | undefined; seq: number }> {
    for (let at = first; at <= last; at += WINDOW) {
      const count = Math.min(WINDOW, last + 1 - at);
      const numbers = Array.from({ length: count }, (_, i) => at + i);
      const found = await Promise.all(numbers.map((seq) => this.jetStream.message(name, seq)));
      for (const [i, message] of found.entries()) yield { message, seq: at + i };
    }
  }

  /** What the stream of a topic has now. */
  private async read(topic: string, limits: HistoryLimits | undefined): Promise<StreamInfo> {
    for (let attempt = 1; ; attempt++) {
      await this.open(topic, limits);
      const info = await this.info(topic);
      if (info !== undefined) return info;
      this.known.delete(topic);
      if (attempt === MAX_ATTEMPTS) throw new Error(`The stream of the topic ${topic} is removed`);
    }
  }

  /** The stream of a topic, with these limits; it is made if there is none. */
  private async open(topic: string, limits: HistoryLimits | undefined): Promise<Known> {
    const known = this.known.get(topic);
    if (known !== undefined && (limits === undefined || isSame(known, limits))) return known;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const info = (await this.info(topic)) ?? (await this.create(topic, limits ?? DEFAULT_LIMITS));
      if (info !== undefined) return this.remember(topic, await this.adjust(info, limits));
    }
    throw new Error(`The stream of the topic ${topic} is made and removed again and again`);
  }

  /** @returns undefined if there is no stream */
  private async info(topic: string): Promise<StreamInfo | undefined> {
    try {
      return await this.jetStream.info(streamNameOf(this.prefix, topic));
    } catch (error) {
      if (codeOf(error) === JetStreamCode.STREAM_NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** @returns undefined if another server was faster */
  private async create(topic: string, limits: HistoryLimits): Promise<StreamInfo | undefined> {
    const subject = historySubjectOf(this.prefix, randomBytes(8).toString('hex'), topic);
    const { storage = 'file', replicas = 1 } = this.settings;
    try {
      return await this.jetStream.create({
        name: streamNameOf(this.prefix, topic),
        subjects: [subject],
        ...toConfig(limits),
        retention: 'limits',
        discard: 'old',
        storage,
        num_replicas: replicas,
        allow_direct: true,
        republish: { src: subject, dest: subjectOf(this.prefix, topic) },
      });
    } catch (error) {
      if (codeOf(error) === JetStreamCode.NAME_IN_USE) return undefined;
      throw error;
    }
  }

  private async adjust(info: StreamInfo, limits: HistoryLimits | undefined): Promise<Known> {
    const found = toKnown(info);
    if (limits === undefined || isSame(found, limits)) return found;
    return toKnown(await this.jetStream.update({ ...info.config, ...toConfig(limits) }));
  }

  private remember(topic: string, known: Known): Known {
    this.known.delete(topic);
    this.known.set(topic, known);
    trim(this.known);
    return known;
  }
}

/** The position of a message that JetStream has published again; undefined for others. */
export function positionOf({ headers }: NatsMessage): TopicPosition | undefined {
  if (headers === undefined) return undefined;
  const epoch = HISTORY_SUBJECT.exec(headers.get('Nats-Subject'))?.[1];
  const offset = Number(headers.get('Nats-Sequence'));
  return epoch !== undefined && offset > 0 ? { epoch, offset } : undefined;
}

function newestOf(info: StreamInfo): TopicPosition {
  return { epoch: toKnown(info).epoch, offset: info.state.last_seq };
}

/** @throws an error for a stream of another program */
function toKnown({ config }: StreamInfo): Known {
  const [subject = ''] = config.subjects;
  const epoch = HISTORY_SUBJECT.exec(subject)?.[1];
  if (epoch === undefined) throw new Error(`The stream ${config.name} is of another program`);
  return { epoch, subject, max_msgs: config.max_msgs, max_age: config.max_age };
}

function toConfig({ size, ttl }: HistoryLimits) {
  const max_age = Math.round(Math.min(Math.max(ttl, MIN_TTL), MAX_TTL)) * NANOSECONDS;
  return { max_msgs: size, max_age, duplicate_window: windowOf(ttl) * NANOSECONDS };
}

function isSame(known: Known, limits: HistoryLimits): boolean {
  const { max_msgs, max_age } = toConfig(limits);
  return known.max_msgs === max_msgs && known.max_age === max_age;
}

function windowOf(ttl: number): number {
  return Math.round(Math.min(Math.max(ttl, MIN_TTL), DUPLICATE_WINDOW));
}

/** Removes the oldest entries above the limit. */
function trim(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= MAX_REMEMBERED) return;
    map.delete(oldest);
  }
}

function codeOf(error: unknown): number | undefined {
  return error instanceof JetStreamError ? error.code : undefined;
}
