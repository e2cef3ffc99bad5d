/** The topics of other servers: what is published here goes to a broker, what comes from it is delivered. */

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { toError, warnOfError } from '../connection/callbacks.js';
import type { BufferLike } from '../websocket/payload.js';
import { PreparedMessage, toReadPayload } from '../websocket/prepared.js';
import type { TopicNames } from '../websocket/server-topics.js';
import type { TopicMessageOptions } from '../websocket/topics-api.js';
import type { Broker } from './broker.js';
import { emitSafely } from './emit.js';
import { decodeEnvelope, encodeEnvelope, NODE_ID_LENGTH } from './envelope.js';
import { Interest, type InterestOwner } from './interest.js';
import type { BrokerStats } from './topics-api.js';

/** Delivers a message to the subscribers of this server. */
type Deliver = (topics: TopicNames, payload: Buffer, options: TopicMessageOptions) => unknown;

export class RemoteTopics implements InterestOwner {
  readonly interest: Interest;
  /** The name of this server: messages with it are its own. */
  private readonly node = randomBytes(NODE_ID_LENGTH).toString('latin1');
  private readonly emitter: EventEmitter;
  private readonly deliver: Deliver;
  private received = 0;

  constructor(broker: Broker, emitter: EventEmitter, deliver: Deliver) {
    this.emitter = emitter;
    this.deliver = deliver;
    this.interest = new Interest(broker, this);
  }

  /** Sends a message to the other servers. The data was checked before. */
  publish(
    names: readonly string[],
    data: BufferLike | PreparedMessage,
    options: TopicMessageOptions,
  ): void {
    const union = names.length > 1 ? names : [];
    const envelope = encodeEnvelope({ node: this.node, union, ...toEnvelope(data, options) });
    for (const name of new Set(names)) this.interest.publish(name, envelope);
  }

  onMessage(topic: string, data: Uint8Array): void {
    const envelope = decodeEnvelope(data);
    if (envelope === undefined) {
      this.onError(new Error(`A message of the topic ${topic} comes from another program`));
      return;
    }
    const { node, union, payload, options } = envelope;
    if (node === this.node) return;
    // A union arrives once for each of its topics that is subscribed: the first one is for all.
    if (union.length > 0 && union.find((name) => this.interest.has(name)) !== topic) return;
    this.received++;
    try {
      this.deliver(union.length > 0 ? union : topic, payload, options);
    } catch (error) {
      this.onError(toError(error));
    }
  }

  get stats(): BrokerStats {
    const { isUp, size: topics, published, lost } = this.interest;
    return { isUp, topics, published, received: this.received, lost };
  }

  onStatus(isUp: boolean): void {
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
