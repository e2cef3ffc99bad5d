/** A broker for NATS, with a history of topics on JetStream. */

import {
  checkFunctions,
  checkWord,
  describeValue,
  warnOfUnknownOptions,
} from '../connection/check-options.js';
import type { Broker, BrokerEvents } from '../server/broker.js';
import type { NatsClient, NatsHeaders, NatsSubscription } from './nats-client.js';
import { NatsHistory, positionOf } from './nats-history.js';
import { type LinkOwner, NatsLink } from './nats-link.js';
import { checkPrefix, subjectOf } from './nats-subject.js';

/** The options of {@link nats}. */
export interface NatsOptions {
  /** A connection of `@nats-io/transport-node` or `nats`. The broker uses it, and never closes it. */
  connection: NatsClient;
  /** What all subjects begin with. Default 'ws6455'. Servers with the same prefix share their topics. */
  prefix?: string | undefined;
  /** Keeps the history of topics on JetStream. Default: topics of this broker cannot have one. */
  history?: NatsHistoryOptions | undefined;
}

/** How the history of topics is kept on JetStream. */
export interface NatsHistoryOptions {
  /** The function of this name of the client's package. */
  headers: () => NatsHeaders;
  /** Where NATS keeps it: in files, or in memory, which is lost when NATS ends. Default 'file'. */
  storage?: 'file' | 'memory' | undefined;
  /** On how many servers of a cluster. Default 1. */
  replicas?: number | undefined;
}

/**
 * Carries topics over NATS, from version 2.9 of the server on.
 * @throws TypeError for options that cannot be used
 */
export function nats(options: NatsOptions): Broker {
  return new NatsBroker(checkOptions(options));
}

class NatsBroker implements Broker, LinkOwner {
  readonly history: NatsHistory | undefined;
  private readonly link: NatsLink;
  private readonly prefix: string;
  private readonly subscriptions = new Map<string, NatsSubscription>();
  /** Of topics that NATS does not let this client subscribe to: why. */
  private readonly refused = new Map<string, Error>();
  private events: BrokerEvents | undefined;

  constructor({ connection, prefix = 'ws6455', history }: NatsOptions) {
    this.prefix = prefix;
    this.link = new NatsLink(connection, this);
    if (history !== undefined) this.history = new NatsHistory(this.link, prefix, history);
  }

  async start(events: BrokerEvents): Promise<void> {
    this.events = events;
    await this.link.start();
    this.history?.start();
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      this.refused.delete(topic);
      if (!this.subscriptions.has(topic)) this.subscriptions.set(topic, this.open(topic));
    }
    // The server reads in order: after its answer it has read the subscriptions.
    await this.link.confirm();
    for (const topic of topics) {
      const error = this.refused.get(topic);
      if (error !== undefined) throw error;
    }
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) {
      this.subscriptions.get(topic)?.unsubscribe();
      this.subscriptions.delete(topic);
      this.refused.delete(topic);
    }
  }

  publish(topic: string, data: Uint8Array): void {
    this.link.publish(subjectOf(this.prefix, topic), data);
  }

  close(): void {
    this.unsubscribe([...this.subscriptions.keys()]);
    this.history?.close();
    this.link.close();
  }

  onStatus(isUp: boolean, error?: Error): void {
    this.events?.status(isUp, error);
  }

  ownsSubject(subject: string): boolean {
    return subject.startsWith(`${this.prefix}.`) || subject.startsWith('$JS.API.');
  }

  private open(topic: string): NatsSubscription {
    return this.link.client.subscribe(subjectOf(this.prefix, topic), {
      callback: (error, message) => {
        if (error === null) this.events?.message(topic, message.data, positionOf(message));
        else this.onRefused(topic, error);
      },
    });
  }

  /** The client has ended the subscription: a later call makes a new one. */
  private onRefused(topic: string, error: Error): void {
    this.subscriptions.delete(topic);
    const sentence = `NATS refuses a subscription to the topic ${topic}: ${error.message}`;
    this.refused.set(topic, new Error(sentence, { cause: error }));
  }
}

const CONNECTION_METHODS = [
  'publish',
  'subscribe',
  'request',
  'flush',
  'status',
  'closed',
  'isClosed',
];

function checkOptions(options: NatsOptions): NatsOptions {
  warnOfUnknownOptions(options, ['connection', 'prefix', 'history'], 'nats');
  const { connection, prefix, history } = options;
  const missing = CONNECTION_METHODS.find((name) => typeof Object(connection)[name] !== 'function');
  if (missing !== undefined) {
    throw new TypeError(
      'The option connection must be what connect() of @nats-io/transport-node resolves with ' +
        `(await it): it has no method ${missing}`,
    );
  }
  if (prefix !== undefined) checkPrefix(prefix);
  if (history !== undefined) checkHistoryOptions(history);
  return options;
}

function checkHistoryOptions(history: NatsHistoryOptions): void {
  warnOfUnknownOptions(history, ['headers', 'storage', 'replicas'], 'nats.history');
  checkFunctions(history, ['headers']);
  if (!history.headers) {
    throw new TypeError(
      'The option history.headers must be the function headers of @nats-io/transport-node or nats',
    );
  }
  checkWord(history, 'storage', ['file', 'memory']);
  const { replicas = 1 } = history;
  if (!Number.isInteger(replicas) || replicas < 1) {
    throw new RangeError(
      `The option history.replicas must be a whole number of servers: ${describeValue(replicas)} was given`,
    );
  }
}
