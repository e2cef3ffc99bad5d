/** A broker of a worker, as the primary process sees it. */

import { Fifo } from '../protocol/fifo.js';
import type { TopicHistory, TopicPosition } from '../server/broker.js';
import type { MemoryMessage } from '../server/memory-history.js';
import { Link, send, sizeOf } from './cluster-link.js';
import {
  helloOf,
  type PrimaryRecord,
  toWire,
  type WireData,
  type WireHistory,
  type WorkerPort,
} from './cluster-port.js';

type History = TopicHistory<MemoryMessage<WireData>>;

export class ClusterPeer {
  readonly worker: WorkerPort;
  readonly id: string;
  readonly topics = new Set<string>();
  readonly link: Link<PrimaryRecord>;
  /** What it says after it was forgotten is from before it knew. */
  phase: 'UP' | 'FORGOTTEN' = 'UP';
  private readonly isAdvanced: boolean;
  /** Questions for a history. */
  private readonly questions = new Fifo<() => void>();

  constructor(worker: WorkerPort, id: string, isAdvanced: boolean, maxQueuedBytes: number) {
    this.worker = worker;
    this.id = id;
    this.isAdvanced = isAdvanced;
    this.link = new Link(worker, id, maxQueuedBytes, () => this.questions.shift()?.());
  }

  sayHello(): void {
    send(this.worker, helloOf(this.id));
  }

  /** @returns false if too much waits */
  message(topic: string, data: WireData, position?: TopicPosition): boolean {
    const wire = toWire(data, this.isAdvanced);
    const size = sizeOf(topic, wire);
    if (position === undefined) return this.link.push(['message', topic, wire], size);
    return this.link.push(['message', topic, wire, position], size);
  }

  /** An answer always finds room: there are not more of them than requests. */
  answer(request: number, value: null | TopicPosition | WireHistory): void {
    this.link.push(['answer', request, value], 0);
  }

  /** An answer may be large: one with each message, so that the memory for them has a bound. */
  answerLater(request: number, ask: () => History): void {
    const question = (): void => {
      if (this.phase === 'UP') this.answer(request, this.toWire(ask()));
    };
    if (this.link.isIdle) question();
    else this.questions.push(question);
  }

  /** Tells the worker to begin again. @returns how many records were dropped */
  reset(reason: string): number {
    const dropped = this.link.clear();
    this.questions.takeAll();
    this.link.push(['reset', reason], 0);
    return dropped;
  }

  private toWire({ complete, messages, position }: History): WireHistory {
    const list = messages.map(
      ({ offset, data }) => [offset, toWire(data, this.isAdvanced)] as const,
    );
    return { complete, messages: list, position };
  }
}
