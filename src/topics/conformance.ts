/** What every broker must do, as a test that its author can run. */

import type { Broker } from '../server/broker.js';
import { HistoryTest } from './conformance-history.js';
import {
  EVERY_BYTE,
  expectMessages,
  newPrefix,
  numbered,
  open,
  type Peer,
} from './conformance-peer.js';

/** How long a message may take, in milliseconds, unless the options say otherwise. */
const PATIENCE = 5_000;

/** More than a pipe or a socket takes at once. */
const IN_A_ROW = 1_000;

const NAMES = ['plain', 'a b', 'a.b.>', 'a.*', '*', '[a]?', 'ü€😀', 'line\nbreak', 'n'.repeat(200)];

const BODIES = [EVERY_BYTE, new Uint8Array(0), new Uint8Array(1 << 20).fill(7)];

/** The options of {@link testBroker}. */
export interface BrokerTestOptions {
  /** How long a message may take, in milliseconds. Default 5,000. */
  timeout?: number | undefined;
}

/**
 * Tests a broker: what is published arrives at the others, unchanged, in order, once, and only where it
 * is subscribed. With a history: positions, repetitions and `since`.
 * @param create returns a new broker of the same engine; it is called twice
 * @returns a promise, which is rejected with an Error that says what was wrong
 */
export async function testBroker(
  create: () => Broker,
  { timeout = PATIENCE }: BrokerTestOptions = {},
): Promise<void> {
  const brokers = [create(), create()] as const;
  try {
    const [publisher, subscriber] = [await open(brokers[0]), await open(brokers[1])];
    await new BrokerTest(publisher, subscriber, timeout).run();
    if (brokers[0].history) await new HistoryTest(publisher, subscriber, timeout).run();
  } finally {
    for (const broker of brokers) await broker.close();
  }
}

class BrokerTest {
  private readonly publisher: Peer;
  private readonly subscriber: Peer;
  private readonly timeout: number;
  /** Names that no other run uses. */
  private readonly prefix = newPrefix();

  constructor(publisher: Peer, subscriber: Peer, timeout: number) {
    this.publisher = publisher;
    this.subscriber = subscriber;
    this.timeout = timeout;
  }

  async run(): Promise<void> {
    await this.testContent();
    await this.testOrder();
    await this.testBatch();
    await this.testUnsubscribe();
  }

  private async testContent(): Promise<void> {
    const topics = NAMES.map((name) => this.prefix + name);
    await this.subscriber.broker.subscribe(topics);
    for (const topic of topics) await this.expect('a topic and bytes', [[topic, EVERY_BYTE]]);
    const [topic = ''] = topics;
    for (const body of BODIES) await this.expect(`${body.length} bytes`, [[topic, body]]);
    await this.subscriber.broker.unsubscribe(topics);
  }

  private async testOrder(): Promise<void> {
    const topic = `${this.prefix}order`;
    await this.subscriber.broker.subscribe([topic]);
    await this.subscriber.broker.subscribe([topic]);
    const messages = Array.from({ length: IN_A_ROW }, (_, i) => [topic, numbered(i)] as const);
    await this.expect('the order, and each once after a second subscribe', messages);
    await this.subscriber.broker.unsubscribe([topic]);
  }

  private async testBatch(): Promise<void> {
    const topics = Array.from({ length: 512 }, (_, i) => `${this.prefix}batch ${i}`);
    await this.subscriber.broker.subscribe(topics);
    await this.expect(
      '512 topics at once',
      topics.map((topic, i) => [topic, numbered(i)] as const),
    );
    await this.subscriber.broker.unsubscribe(topics);
  }

  private async testUnsubscribe(): Promise<void> {
    const [kept, left] = [`${this.prefix}kept`, `${this.prefix}left`];
    await this.subscriber.broker.subscribe([kept, left]);
    await this.subscriber.broker.unsubscribe([left]);
    await this.publisher.broker.publish(left, numbered(0));
    await this.publisher.broker.publish(`${this.prefix}never`, numbered(0));
    await this.expect('only what is subscribed', [[kept, numbered(1)]]);
    await this.subscriber.broker.unsubscribe([kept]);
  }

  /** Publishes messages, and compares what arrives with them. */
  private async expect(
    rule: string,
    messages: readonly (readonly [topic: string, data: Uint8Array])[],
  ): Promise<void> {
    const { received } = this.subscriber;
    received.length = 0;
    const calls = messages.map(([topic, data]) => this.publisher.broker.publish(topic, data));
    await Promise.all(calls);
    await expectMessages(rule, this.subscriber, messages, this.timeout);
  }
}
