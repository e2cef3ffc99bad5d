/** The history of topics in the memory of one process. */

import { randomBytes } from 'node:crypto';
import { type Timer, time } from '../connection/time.js';
import { Fifo } from '../protocol/fifo.js';
import type { HistoryLimits, TopicHistory, TopicPosition } from './broker.js';

/** How often what is too old is looked for, in milliseconds. */
const SWEEP_INTERVAL = 10_000;

/** How long the epoch of a topic is kept whose limits are not known, in milliseconds. */
const DEFAULT_TTL = 60_000;

/** The options of {@link MemoryHistory.append}. */
export interface AppendOptions extends HistoryLimits {
  /** Who sends it. Default: repetitions are not looked for. */
  readonly publisher?: string | undefined;
  /** Grows with the messages of a publisher. */
  readonly sequence?: number | undefined;
}

/** The place of a message, new or known. */
export interface Appended {
  readonly position: TopicPosition;
  /** Whether it was there already: then it must not be sent again. */
  readonly isRepetition: boolean;
}

/** A message with its place. */
export interface MemoryMessage<Data> {
  readonly data: Data;
  readonly offset: number;
}

interface Kept<Data> extends MemoryMessage<Data> {
  readonly expires: number;
}

/** The last message of a publisher. */
interface LastOf {
  readonly sequence: number;
  readonly offset: number;
  readonly expires: number;
}

/** One topic: its last messages, and who sent them. */
interface Log<Data> {
  readonly epoch: string;
  /** Of the newest message. */
  offset: number;
  readonly messages: Fifo<Kept<Data>>;
  /** Made with the first publisher. */
  publishers: Map<string, LastOf> | undefined;
  /** When it is forgotten, if nothing is published or asked. */
  expires: number;
}

/**
 * Keeps the last messages of topics: what `BrokerHistory` promises, for one process. Messages are not
 * copied. One timer, which does not keep the process alive, removes what is older than its `ttl`.
 */
export class MemoryHistory<Data = Uint8Array> {
  private readonly logs = new Map<string, Log<Data>>();
  /** Epochs of different processes must differ. */
  private readonly prefix = randomBytes(8).toString('hex');
  private epochs = 0;
  private timer: Timer | undefined;

  /** The number of topics that are known. */
  get topics(): number {
    return this.logs.size;
  }

  /** Keeps a message as the newest of its topic, unless it is there already. */
  append(topic: string, data: Data, options: AppendOptions): Appended {
    const { publisher, sequence = 0, size, ttl } = options;
    const log = this.use(topic, ttl);
    const { epoch } = log;
    if (publisher !== undefined) {
      const last = log.publishers?.get(publisher);
      if (last !== undefined && sequence <= last.sequence) {
        return { position: { epoch, offset: last.offset }, isRepetition: true };
      }
    }
    const offset = ++log.offset;
    const expires = time.now() + ttl;
    log.messages.push({ data, offset, expires });
    while (log.messages.length > size) log.messages.shift();
    if (publisher !== undefined) {
      log.publishers ??= new Map();
      log.publishers.set(publisher, { sequence, offset, expires });
    }
    return { position: { epoch, offset }, isRepetition: false };
  }

  /** Returns the position of the newest message. */
  position(topic: string, limits?: HistoryLimits): TopicPosition {
    const { epoch, offset } = this.use(topic, limits?.ttl);
    return { epoch, offset };
  }

  /** Returns all messages after a position, or that they are not all there. */
  since(
    topic: string,
    { epoch, offset }: TopicPosition,
    limits?: HistoryLimits,
  ): TopicHistory<MemoryMessage<Data>> {
    const log = this.use(topic, limits?.ttl);
    const position = { epoch: log.epoch, offset: log.offset };
    const count = log.offset - offset;
    const complete = epoch === log.epoch && count >= 0 && count <= log.messages.length;
    if (!complete) return { complete, messages: [], position };
    const messages = log.messages.newest(count).map(({ data, offset }) => ({ data, offset }));
    return { complete, messages, position };
  }

  /** Forgets all of it. */
  close(): void {
    time.clearTimeout(this.timer);
    this.timer = undefined;
    this.logs.clear();
  }

  private use(topic: string, ttl = DEFAULT_TTL): Log<Data> {
    let log = this.logs.get(topic);
    if (log === undefined) {
      const epoch = `${this.prefix}-${++this.epochs}`;
      log = { epoch, offset: 0, messages: new Fifo(), publishers: undefined, expires: 0 };
      this.logs.set(topic, log);
      this.schedule();
    }
    log.expires = Math.max(log.expires, time.now() + ttl);
    return log;
  }

  private schedule(): void {
    if (this.timer !== undefined) return;
    this.timer = time.setTimeout(() => this.sweep(), SWEEP_INTERVAL);
    this.timer.unref();
  }

  private sweep(): void {
    this.timer = undefined;
    const now = time.now();
    for (const [topic, log] of this.logs) {
      if (log.expires <= now) this.logs.delete(topic);
      else removeOld(log, now);
    }
    if (this.logs.size > 0) this.schedule();
  }
}

function removeOld({ messages, publishers }: Log<unknown>, now: number): void {
  while ((messages.head?.expires ?? Infinity) <= now) messages.shift();
  for (const [name, { expires }] of publishers ?? []) {
    if (expires <= now) publishers?.delete(name);
  }
}
