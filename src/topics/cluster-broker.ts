/** The broker of a worker: what it says to the hub in the primary process, and what it hears. */

import { randomUUID } from 'node:crypto';
import { type Timer, time } from '../connection/time.js';
import type {
  Broker,
  BrokerEvents,
  BrokerHistory,
  HistoryLimits,
  StoredMessage,
  TopicHistory,
  TopicPosition,
} from '../server/broker.js';
import { joinChannel } from './cluster-channel.js';
import { DEFAULT_MAX_QUEUED_BYTES, Link, send, sizeOf } from './cluster-link.js';
import {
  type Answer,
  type ClusterMessage,
  fromWire,
  helloOf,
  isAdvanced,
  type PrimaryRecord,
  toWire,
  VERSION,
  type WireData,
  type WireHistory,
  type WorkerPort,
  type WorkerRecord,
} from './cluster-port.js';

/** How often the primary process is asked, in milliseconds. */
const HELLO_INTERVAL = 500;

const DEFAULT_TIMEOUT = 5_000;

/** How long `close` waits for answers that are on their way, in milliseconds. */
const CLOSE_TIMEOUT = 1_000;

/** The options of `cluster`. */
export interface ClusterOptions {
  /** How long the primary process may take to answer at first, in milliseconds. Default 5,000. */
  timeout?: number | undefined;
  /**
   * How many bytes may wait for the primary process. Messages beyond that are lost, and counted as `lost`.
   * Default 16,777,216 (16 MiB).
   */
  maxQueuedBytes?: number | undefined;
}

/** A call that waits for its answer. */
interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** The promise of `start`. */
interface Opening {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
}

export class ClusterBroker implements Broker {
  readonly history: BrokerHistory = {
    publish: async (topic, data, options) => {
      const wire = this.encode(data);
      const { publisher, sequence, size, ttl } = options;
      const record = { publisher, sequence, size, ttl };
      return this.ask<TopicPosition>(
        (request) => ['append', request, topic, wire, record],
        sizeOf(topic, wire),
      );
    },
    position: async (topic, limits) =>
      this.ask<TopicPosition>((request) => ['position', request, topic, copyOf(limits)]),
    since: async (topic, { epoch, offset }, limits) => {
      const position = { epoch, offset };
      const history = await this.ask<WireHistory>((request) => {
        return ['since', request, topic, position, copyOf(limits)];
      });
      return fromHistory(history);
    },
  };
  private readonly worker: WorkerPort;
  private readonly timeout: number;
  private readonly id = randomUUID();
  private readonly link: Link<WorkerRecord>;
  private readonly pending = new Map<number, Pending>();
  private phase: 'NEW' | 'STARTING' | 'UP' | 'RESET' | 'CLOSING' | 'ENDED' = 'NEW';
  private isAdvanced = false;
  private requests = 0;
  private events: BrokerEvents | undefined;
  private opening: Opening | undefined;
  private leaveChannel = (): void => {};
  private onAnswered = (): void => {};
  private timer: Timer | undefined;

  constructor(worker: WorkerPort, { timeout, maxQueuedBytes }: ClusterOptions = {}) {
    this.worker = worker;
    this.timeout = Number(timeout ?? DEFAULT_TIMEOUT);
    this.link = new Link(worker, this.id, Number(maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES));
  }

  start(events: BrokerEvents): Promise<void> {
    if (!this.worker.isConnected()) throw disconnectedError();
    this.events = events;
    this.phase = 'STARTING';
    this.leaveChannel = joinChannel(this.worker, this.id, this);
    return new Promise((resolve, reject) => {
      this.opening = { resolve, reject, deadline: time.now() + this.timeout };
      this.sayHello();
    });
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    const size = topics.reduce((sum, { length }) => sum + length, 0);
    await this.ask((request) => ['subscribe', request, topics], size);
  }

  unsubscribe(topics: readonly string[]): void {
    this.push(['unsubscribe', topics]);
  }

  publish(topic: string, data: Uint8Array): void {
    const wire = this.encode(data);
    this.push(['publish', topic, wire], sizeOf(topic, wire));
  }

  async close(): Promise<void> {
    if (this.phase === 'CLOSING' || this.phase === 'ENDED') return;
    this.link.push(['leave'], 0);
    this.link.flush();
    this.opening?.resolve();
    this.stopHello();
    this.phase = 'CLOSING';
    if (this.pending.size > 0) await this.whenAnswered();
    this.end(new Error('The broker was closed'));
  }

  onMessage(message: ClusterMessage): void {
    if (message.hello !== undefined) this.onWelcome(message);
    if (this.phase !== 'UP' && this.phase !== 'CLOSING') return;
    for (const record of message.list ?? []) this.onRecord(record as PrimaryRecord);
  }

  onDisconnect(): void {
    const error = disconnectedError();
    const { opening, phase } = this;
    this.end(error);
    if (opening !== undefined) opening.reject(error);
    else if (phase !== 'CLOSING') this.events?.status(false, error);
  }

  private push(record: WorkerRecord, size?: number): void {
    if (this.phase !== 'UP') throw new Error('The primary process is not reachable');
    if (this.link.push(record, size)) return;
    throw new Error(
      `Too much waits for the primary process: ${this.link.queuedBytes} bytes; see maxQueuedBytes`,
    );
  }

  private ask<A extends Answer>(
    toRecord: (request: number) => WorkerRecord,
    size?: number,
  ): Promise<A> {
    return new Promise((resolve, reject) => {
      const request = ++this.requests;
      this.push(toRecord(request), size);
      // The primary process gives each request its kind of answer.
      this.pending.set(request, { resolve: (answer) => resolve(answer as A), reject });
    });
  }

  private encode(data: Uint8Array): WireData {
    return toWire(data, this.isAdvanced);
  }

  /** Repeated, because `primary()` may be called later. */
  private sayHello(): void {
    const { opening } = this;
    if (opening !== undefined && time.now() >= opening.deadline) {
      this.failToOpen(opening, silentError(this.timeout));
      return;
    }
    send(this.worker, helloOf(this.id));
    this.timer = time.setTimeout(() => this.sayHello(), HELLO_INTERVAL);
    this.timer.unref();
  }

  private onWelcome(message: ClusterMessage): void {
    if (this.phase !== 'STARTING' && this.phase !== 'RESET') return;
    const { opening } = this;
    if (message.version !== VERSION) {
      if (opening !== undefined) this.failToOpen(opening, versionError());
      return;
    }
    this.stopHello();
    this.isAdvanced = isAdvanced(message);
    this.phase = 'UP';
    if (opening !== undefined) opening.resolve();
    else this.events?.status(true);
  }

  private onRecord(record: PrimaryRecord): void {
    switch (record[0]) {
      case 'message':
        this.onPublished(record[1], fromWire(record[2]), record[3]);
        return;
      case 'answer':
        this.pending.get(record[1])?.resolve(record[2]);
        this.pending.delete(record[1]);
        if (this.pending.size === 0) this.onAnswered();
        return;
      case 'reset':
        this.onReset(new Error(record[1]));
    }
  }

  /** An exception of the program must not take the records after this one along. */
  private onPublished(topic: string, data: Uint8Array, position?: TopicPosition): void {
    if (this.phase === 'CLOSING') return;
    try {
      this.events?.message(topic, data, position);
    } catch (error) {
      time.nextTick(() => {
        throw error;
      });
    }
  }

  private onReset(error: Error): void {
    if (this.phase === 'CLOSING') return;
    this.phase = 'RESET';
    this.link.clear();
    this.events?.status(false, error);
    this.rejectPending(error);
    this.sayHello();
  }

  private failToOpen({ reject }: Opening, error: Error): void {
    this.stopHello();
    this.leaveChannel();
    this.phase = 'NEW';
    reject(error);
  }

  private stopHello(): void {
    this.opening = undefined;
    time.clearTimeout(this.timer);
  }

  private async whenAnswered(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.onAnswered = resolve;
      this.timer = time.setTimeout(resolve, CLOSE_TIMEOUT);
      this.timer.unref();
    });
  }

  private end(error: Error): void {
    this.onAnswered();
    this.phase = 'ENDED';
    this.stopHello();
    this.leaveChannel();
    this.rejectPending(error);
  }

  private rejectPending(error: Error): void {
    const calls = [...this.pending.values()];
    this.pending.clear();
    for (const { reject } of calls) reject(error);
  }
}

/** What the program has beside them might not be possible to send. */
function copyOf(limits: HistoryLimits | undefined): HistoryLimits | null {
  return limits === undefined ? null : { size: limits.size, ttl: limits.ttl };
}

function fromHistory({ complete, messages, position }: WireHistory): TopicHistory<StoredMessage> {
  const stored = messages.map(([offset, data]) => ({ offset, data: fromWire(data) }));
  return { complete, messages: stored, position };
}

function disconnectedError(): Error {
  return new Error('The worker is disconnected from its primary process');
}

function silentError(timeout: number): Error {
  return new Error(
    `The primary process did not answer within ${timeout} ms. ` +
      'Is primary() of ws6455/topics called there?',
  );
}

function versionError(): Error {
  return new Error('The primary process has another version of ws6455, which this one cannot read');
}
