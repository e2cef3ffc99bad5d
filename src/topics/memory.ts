/** An engine in memory: the servers of one process hear each other. For tests, and as an example. */

import { Buffer } from 'node:buffer';
import { time } from '../connection/time.js';
import type { Broker, BrokerEvents, BrokerHistory, TopicPosition } from '../server/broker.js';
import { MemoryHistory } from '../server/memory-history.js';

/** One broker of the engine. */
interface Member {
  readonly topics: Set<string>;
  events: BrokerEvents | undefined;
}

/** What brokers of one process share. */
export class MemoryEngine {
  private readonly members = new Set<Member>();
  private readonly messages = new MemoryHistory<Buffer>();
  private isUp = true;

  /** Returns a broker, for one server. */
  broker(): Broker {
    const member: Member = { topics: new Set(), events: undefined };
    return {
      start: (events) => {
        this.checkIsUp();
        member.events = events;
        this.members.add(member);
      },
      subscribe: async (topics) => {
        this.checkIsUp();
        for (const topic of topics) member.topics.add(topic);
      },
      unsubscribe: (topics) => {
        this.checkIsUp();
        for (const topic of topics) member.topics.delete(topic);
      },
      publish: (topic, data) => {
        this.checkIsUp();
        const copy = Buffer.from(data);
        time.nextTick(() => this.deliver(topic, copy));
      },
      close: () => {
        this.members.delete(member);
      },
      history: this.history(),
    };
  }

  /** The number of brokers that are subscribed to a topic. */
  subscribers(topic: string): number {
    return [...this.members].filter(({ topics }) => topics.has(topic)).length;
  }

  /** As an engine that dies: it forgets all subscriptions. Its histories stay. */
  stop(): void {
    this.isUp = false;
    for (const { topics, events } of this.members) {
      topics.clear();
      events?.status(false, new Error('The engine has stopped'));
    }
  }

  /** After `stop`: the engine is there again. */
  restart(): void {
    this.isUp = true;
    for (const { events } of this.members) events?.status(true);
  }

  /** Loses the history of all topics, as an engine that keeps nothing on a disk. */
  forget(): void {
    this.messages.close();
  }

  private history(): BrokerHistory {
    return {
      publish: async (topic, data, options) => {
        this.checkIsUp();
        const copy = Buffer.from(data);
        const { position, isRepetition } = this.messages.append(topic, copy, options);
        if (!isRepetition) time.nextTick(() => this.deliver(topic, copy, position));
        return position;
      },
      position: async (topic, limits) => {
        this.checkIsUp();
        return this.messages.position(topic, limits);
      },
      since: async (topic, position, limits) => {
        this.checkIsUp();
        return this.messages.since(topic, position, limits);
      },
    };
  }

  private deliver(topic: string, data: Buffer, position?: TopicPosition): void {
    for (const { topics, events } of this.members) {
      if (topics.has(topic)) events?.message(topic, data, position);
    }
  }

  private checkIsUp(): void {
    if (!this.isUp) throw new Error('The engine is not reachable');
  }
}
