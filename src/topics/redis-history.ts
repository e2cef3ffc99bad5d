/** The history of topics in Redis. */

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { toError } from '../connection/callbacks.js';
import type {
  BrokerHistory,
  HistoryLimits,
  HistoryPublishOptions,
  StoredMessage,
  TopicHistory,
  TopicPosition,
} from '../server/broker.js';
import type { RedisNames } from './redis-names.js';
import { APPEND, MISSING_BEFORE, READ, type Script } from './redis-scripts.js';

/** How long a topic without messages is kept if its server does not say, in milliseconds. */
const DEFAULT_TTL = 60_000;

/** How often a message is sent again because another one was missing before it. */
const MAX_ATTEMPTS = 10;

type Argument = string | Buffer;

/** Sends a command to the server of a name. */
export type SendCommand = (
  name: string,
  command: string,
  args: readonly Argument[],
) => PromiseLike<unknown>;

/** A message that Redis has not confirmed yet. */
interface Pending {
  readonly sequence: number;
  /** The message of this publisher before, if Redis had not confirmed it. */
  before: Pending | undefined;
  state: 'SENT' | 'KEPT' | 'FAILED';
}

export class RedisHistory implements BrokerHistory {
  private readonly names: RedisNames;
  private readonly send: SendCommand;
  /** Part of the epochs that begin here: those of two processes must differ. */
  private readonly random = randomBytes(8).toString('hex');
  /** The newest message by publisher and topic, if Redis has not confirmed it. */
  private readonly newest = new Map<string, Pending>();

  constructor(names: RedisNames, send: SendCommand) {
    this.names = names;
    this.send = send;
  }

  async publish(
    topic: string,
    data: Uint8Array,
    options: HistoryPublishOptions,
  ): Promise<TopicPosition> {
    const name = `${options.publisher} ${topic}`;
    const before = this.newest.get(name);
    const pending: Pending = { sequence: options.sequence, before, state: 'SENT' };
    this.newest.set(name, pending);
    try {
      const position = await this.append(topic, asBuffer(data), options, pending);
      pending.state = 'KEPT';
      return position;
    } catch (error) {
      pending.state = 'FAILED';
      throw error;
    } finally {
      pending.before = undefined;
      if (this.newest.get(name) === pending) this.newest.delete(name);
    }
  }

  async position(topic: string, limits?: HistoryLimits): Promise<TopicPosition> {
    return (await this.read(topic, { epoch: '', offset: 0 }, limits)).position;
  }

  since(
    topic: string,
    position: TopicPosition,
    limits?: HistoryLimits,
  ): Promise<TopicHistory<StoredMessage>> {
    return this.read(topic, position, limits);
  }

  /**
   * The messages of a publisher are under way at the same time. If Redis has lost the script, some of them may
   * fail and later ones may not: these would make the failed ones look like repetitions. So each says which
   * one must be there already, and is sent again after that one.
   */
  private async append(
    topic: string,
    data: Buffer,
    { publisher, sequence, size, ttl }: HistoryPublishOptions,
    pending: Pending,
  ): Promise<TopicPosition> {
    const channel = this.names.channel(topic);
    for (let attempt = 1; ; attempt++) {
      const { before } = pending;
      const required = before?.state === 'SENT' ? before.sequence : 0;
      const numbers = [sequence, required, size, Math.ceil(ttl)].map(String);
      const args = [publisher, ...numbers, this.random, this.names.publish, channel, data];
      try {
        const [epoch, offset] = (await this.run(APPEND, topic, args, attempt > 1)) as unknown[];
        return { epoch: String(epoch), offset: Number(offset) };
      } catch (thrown) {
        const error = toError(thrown);
        const isMissing = error.message.startsWith(MISSING_BEFORE);
        if (!isMissing && !error.message.startsWith('NOSCRIPT')) throw error;
        if (before?.state === 'FAILED' || attempt === MAX_ATTEMPTS) {
          throw new Error('A message before this one was not kept', { cause: error });
        }
      }
    }
  }

  private async read(
    topic: string,
    { epoch, offset }: TopicPosition,
    limits: HistoryLimits | undefined,
  ): Promise<TopicHistory<StoredMessage>> {
    const from = Number.isSafeInteger(offset) && offset >= 0 ? offset : Number.MAX_SAFE_INTEGER;
    const ttl = Math.ceil(limits?.ttl ?? DEFAULT_TTL);
    const args = [String(epoch), String(from), String(ttl), this.random];
    return decodeHistory(await this.runAnywhere(READ, topic, args), from);
  }

  private async runAnywhere(script: Script, topic: string, args: Argument[]): Promise<unknown> {
    try {
      return await this.run(script, topic, args, false);
    } catch (error) {
      if (!toError(error).message.startsWith('NOSCRIPT')) throw error;
      return this.run(script, topic, args, true);
    }
  }

  /** @param isNew whether Redis may not know the script: then its text is sent, which it keeps */
  private run(
    { text, sha }: Script,
    topic: string,
    args: readonly Argument[],
    isNew: boolean,
  ): PromiseLike<unknown> {
    const keys = this.names.keys(topic);
    const [command, script] = isNew ? ['EVAL', text] : ['EVALSHA', sha];
    return this.send(keys[0], command as string, [script as string, '2', ...keys, ...args]);
  }
}

/** @param from the offset that was asked for */
export function decodeHistory(answer: unknown, from: number): TopicHistory<StoredMessage> {
  const [epoch, offset, complete, ...messages] = answer as [Buffer, Buffer, number, ...Buffer[]];
  return {
    complete: Number(complete) === 1,
    messages: messages.map((data, i) => ({ data, offset: from + 1 + i })),
    position: { epoch: String(epoch), offset: Number(offset) },
  };
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
