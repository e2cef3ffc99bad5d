/** What the history of every broker must do. */

import { Buffer } from 'node:buffer';
import type {
  BrokerHistory,
  StoredMessage,
  TopicHistory,
  TopicPosition,
} from '../server/broker.js';
import {
  EVERY_BYTE,
  expectMessages,
  newPrefix,
  numbered,
  type Peer,
  waitFor,
} from './conformance-peer.js';

const LIMITS = { size: 1_000, ttl: 60_000 };

/** The limit of the topic that gets more messages. */
const SMALL_SIZE = 10;

/** How many messages each of the publishers publishes at the same time. */
const AT_ONCE = 100;

export class HistoryTest {
  private readonly publisher: Peer;
  private readonly subscriber: Peer;
  private readonly timeout: number;
  private readonly prefix = newPrefix();
  private sequence = 0;

  constructor(publisher: Peer, subscriber: Peer, timeout: number) {
    this.publisher = publisher;
    this.subscriber = subscriber;
    this.timeout = timeout;
  }

  async run(): Promise<void> {
    await this.testPositions();
    await this.testSince();
    await this.testRepetition();
    await this.testSize();
    await this.testPublishers();
  }

  /** Messages are numbered from 1 in one epoch, and arrive with their positions. */
  private async testPositions(): Promise<void> {
    const rule = 'the positions of messages';
    const topic = await this.newTopic('positions');
    const start = await historyOf(this.subscriber).position(topic, LIMITS);
    check(start.offset === 0 && start.epoch !== '', `${rule}: the first is ${show(start)}`);
    const bodies = [EVERY_BYTE, new Uint8Array(0), numbered(1), numbered(2)];
    for (const [i, body] of bodies.entries()) {
      const position = await this.publish(topic, body);
      expectPosition(`${rule}, as publish returns them`, position, { ...start, offset: i + 1 });
    }
    await this.expectArrival(rule, topic, bodies);
    for (const [i, { position }] of this.subscriber.received.entries()) {
      expectPosition(`${rule}, as they arrive`, position, { ...start, offset: i + 1 });
    }
    const end = { ...start, offset: bodies.length };
    expectPosition(rule, await historyOf(this.publisher).position(topic, LIMITS), end);
  }

  /** All messages after a position, or none. */
  private async testSince(): Promise<void> {
    const topic = await this.newTopic('since');
    const { epoch } = await historyOf(this.subscriber).position(topic, LIMITS);
    const bodies = [EVERY_BYTE, new Uint8Array(0), numbered(2), numbered(3)];
    for (const body of bodies) await this.publish(topic, body);
    const end = { epoch, offset: bodies.length };
    for (const peer of [this.publisher, this.subscriber]) {
      for (let offset = 0; offset <= bodies.length; offset++) {
        const found = await historyOf(peer).since(topic, { epoch, offset }, LIMITS);
        expectAll(`since the offset ${offset} of ${bodies.length}`, found, bodies, offset, end);
      }
      for (const position of [
        { epoch, offset: end.offset + 1 },
        { epoch: 'x', offset: 0 },
      ]) {
        const found = await historyOf(peer).since(topic, position, LIMITS);
        expectNone(`since ${show(position)}, which never was`, found, end);
      }
    }
    await this.expectArrival('messages that are asked for', topic, bodies);
  }

  /** What a publisher repeats is neither kept nor sent. */
  private async testRepetition(): Promise<void> {
    const rule = 'a message that is repeated';
    const topic = await this.newTopic('repetition');
    const first = await this.publish(topic, numbered(0));
    const again = await this.publish(topic, numbered(0), this.sequence);
    expectPosition(`${rule} has its position`, again, first);
    const last = await this.publish(topic, numbered(1));
    expectPosition(rule, last, { ...first, offset: first.offset + 1 });
    await this.publish(topic, numbered(0), this.sequence - 1);
    const after = await this.publish(topic, numbered(2));
    expectPosition(`${rule} after a later one`, after, { ...first, offset: first.offset + 2 });
    const bodies = [numbered(0), numbered(1), numbered(2)];
    await this.expectArrival(rule, topic, bodies);
  }

  /** The last messages are kept; of a range that is gone nothing is returned. */
  private async testSize(): Promise<void> {
    const topic = await this.newTopic('size');
    const bodies = Array.from({ length: 5 * SMALL_SIZE }, (_, i) => numbered(i));
    let end: TopicPosition = { epoch: '', offset: 0 };
    for (const body of bodies) end = await this.publish(topic, body, undefined, SMALL_SIZE);
    const history = historyOf(this.subscriber);
    for (let offset = 0; offset <= bodies.length; offset++) {
      const found = await history.since(topic, { ...end, offset }, { ...LIMITS, size: SMALL_SIZE });
      const rule = `since the offset ${offset} of ${bodies.length}, of which ${SMALL_SIZE} are kept`;
      const isKept = offset >= bodies.length - SMALL_SIZE;
      if (isKept || found.complete) expectAll(rule, found, bodies, offset, end);
      else expectNone(rule, found, end);
    }
    await this.expectArrival('messages of which not all are kept', topic, bodies);
  }

  /** Messages of several publishers have one order, for all. */
  private async testPublishers(): Promise<void> {
    const rule = 'messages of two publishers at once';
    const topic = await this.newTopic('publishers');
    const run = async (peer: Peer, name: string): Promise<void> => {
      for (let i = 1; i <= AT_ONCE; i++) {
        const options = { ...LIMITS, publisher: name.repeat(32), sequence: i };
        await historyOf(peer).publish(topic, Buffer.from(`${name} ${i}`), options);
      }
    };
    await Promise.all([run(this.publisher, 'a'), run(this.subscriber, 'b')]);
    const received = await waitFor(this.subscriber, 2 * AT_ONCE, this.timeout);
    const offsets = received.map(({ position }) => position?.offset);
    const wrong = offsets.findIndex((offset, i) => offset !== i + 1);
    const got = wrong === -1 ? '' : `, and the offset of number ${wrong + 1} was ${offsets[wrong]}`;
    check(
      wrong === -1 && offsets.length === 2 * AT_ONCE,
      `${rule}: expected ${2 * AT_ONCE} in order, ${offsets.length} arrived${got}`,
    );
    for (const name of ['a', 'b']) {
      const own = received.map(({ data }) => data.toString()).filter((text) => text[0] === name);
      const isOrdered = own.every((text, i) => text === `${name} ${i + 1}`);
      check(isOrdered && own.length === AT_ONCE, `${rule}: those of one are not in its order`);
    }
    const epoch = received[0]?.position?.epoch ?? '';
    const found = await historyOf(this.publisher).since(topic, { epoch, offset: 0 }, LIMITS);
    const bodies = received.map(({ data }) => data);
    expectAll(rule, found, bodies, 0, { epoch, offset: bodies.length });
  }

  private expectArrival(rule: string, topic: string, bodies: readonly Uint8Array[]): Promise<void> {
    const messages = bodies.map((body) => [topic, body] as const);
    return expectMessages(rule, this.subscriber, messages, this.timeout);
  }

  private async newTopic(name: string): Promise<string> {
    const topic = this.prefix + name;
    await this.subscriber.broker.subscribe([topic]);
    this.subscriber.received.length = 0;
    return topic;
  }

  /** @param sequence that of a message before: it is repeated */
  private publish(
    topic: string,
    data: Uint8Array,
    sequence = ++this.sequence,
    size = LIMITS.size,
  ): PromiseLike<TopicPosition> {
    const options = { publisher: '0'.repeat(32), sequence, size, ttl: LIMITS.ttl };
    return historyOf(this.publisher).publish(topic, data, options);
  }
}

function historyOf({ broker }: Peer): BrokerHistory {
  if (broker.history !== undefined) return broker.history;
  throw new Error('Only some of the brokers have a history');
}

/** @throws Error unless a condition is met */
function check(isRight: boolean, sentence: string): void {
  if (!isRight) throw new Error(sentence);
}

function expectPosition(
  rule: string,
  got: TopicPosition | undefined,
  expected: TopicPosition,
): void {
  const isRight = got?.epoch === expected.epoch && got.offset === expected.offset;
  check(isRight, `${rule}: expected ${show(expected)}, and got ${show(got)}`);
}

function expectAll(
  rule: string,
  { complete, messages, position }: TopicHistory<StoredMessage>,
  bodies: readonly Uint8Array[],
  offset: number,
  end: TopicPosition,
): void {
  const expected = bodies.slice(offset);
  check(complete, `${rule}: it is not complete`);
  const count = `expected ${expected.length} messages, and got ${messages.length}`;
  check(messages.length === expected.length, `${rule}: ${count}`);
  for (const [i, message] of messages.entries()) {
    const isRight = Buffer.from(message.data).equals(expected[i] ?? EVERY_BYTE);
    check(isRight, `${rule}: the bytes of message ${i + 1} are others`);
    check(message.offset === offset + i + 1, `${rule}: message ${i + 1} is ${message.offset}`);
  }
  expectPosition(rule, position, end);
}

function expectNone(
  rule: string,
  { complete, messages, position }: TopicHistory<StoredMessage>,
  end: TopicPosition,
): void {
  check(!complete, `${rule}: it is complete`);
  check(messages.length === 0, `${rule}: there are ${messages.length} messages, a part`);
  expectPosition(rule, position, end);
}

function show(position: TopicPosition | undefined): string {
  return position === undefined ? 'none' : `the offset ${position.offset} of ${position.epoch}`;
}
