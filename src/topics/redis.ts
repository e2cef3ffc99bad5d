/** A broker for Redis, over the client of the program. */

import type { Buffer } from 'node:buffer';
import { describeValue } from '../connection/check-options.js';
import { type Timer, time } from '../connection/time.js';
import type { Broker, BrokerEvents, BrokerHistory } from '../server/broker.js';
import { driverOf, type RedisClient } from './redis-client.js';
import { RedisHistory } from './redis-history.js';
import { decodeMessage, encodePlain, RedisNames } from './redis-names.js';
import { RedisSession } from './redis-session.js';
import type { Driver } from './redis-wire.js';

const DEFAULT_PREFIX = 'ws6455:';

/** The most bytes that Redis has not confirmed. Further messages are rejected. */
const MAX_PENDING = 16 * 1024 * 1024;

/** What a message takes in memory beside its bytes. */
const OVERHEAD = 512;

/** The most milliseconds until the connections are opened again: the first time, and in the end. */
const MIN_RETRY_DELAY = 500;
const MAX_RETRY_DELAY = 5_000;

/** How long `close` waits for messages that are under way, in milliseconds. */
const CLOSE_TIMEOUT = 1_000;

/** The options of {@link redis}. */
export interface RedisOptions {
  /**
   * A client of `ioredis` (`Redis`, `Cluster`) or `redis` (`createClient`, `createCluster`). It need not be connected:
   * it is duplicated, and never used or closed itself.
   */
  client: RedisClient;
  /**
   * What the names of all channels and keys begin with. Programs that share a Redis need different ones, none of
   * them the beginning of another. Default 'ws6455:'.
   */
  prefix?: string | undefined;
}

/**
 * Returns a broker that carries topics between servers through Redis 5 or later, or Redis Cluster 7 or later. It is
 * for one server.
 * @throws TypeError for anything that is no client of a package that is known
 */
export function redis(options: RedisOptions): Broker {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`redis() needs the option client: ${describeValue(options)} was given`);
  }
  const { client, prefix = DEFAULT_PREFIX } = options;
  if (typeof prefix !== 'string') {
    throw new TypeError(`The option prefix must be a string: ${describeValue(prefix)} was given`);
  }
  return new RedisBroker(driverOf(client), prefix);
}

class RedisBroker implements Broker {
  readonly history: BrokerHistory;
  private readonly driver: Driver;
  private readonly names: RedisNames;
  private events: BrokerEvents | undefined;
  /** The connections, while they can be used. */
  private session: RedisSession | undefined;
  private opening: RedisSession | undefined;
  private isClosed = false;
  private failures = 0;
  private timer: Timer | undefined;
  /** Bytes that Redis has not confirmed. */
  private pending = 0;
  private onIdle = (): void => {};

  constructor(driver: Driver, prefix: string) {
    this.driver = driver;
    this.names = new RedisNames(prefix, driver.isCluster);
    this.history = new RedisHistory(this.names, (...command) => this.send(...command));
  }

  async start(events: BrokerEvents): Promise<void> {
    this.events = events;
    await this.open();
  }

  subscribe(topics: readonly string[]): Promise<void> {
    return this.use((session) => session.subscribe(this.channels(topics)));
  }

  unsubscribe(topics: readonly string[]): Promise<void> {
    return this.use((session) => session.unsubscribe(this.channels(topics)));
  }

  async publish(topic: string, data: Uint8Array): Promise<void> {
    const channel = this.names.channel(topic);
    await this.send(channel, this.names.publish, [channel, encodePlain(data)]);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    time.clearTimeout(this.timer);
    if (this.session !== undefined && this.pending > 0) await this.whenIdle();
    const error = new Error('The broker was closed');
    this.opening?.end(error);
    this.session?.end(error);
  }

  private async open(): Promise<void> {
    if (this.isClosed) throw new Error('The broker was closed');
    const session = new RedisSession({
      message: (channel, bytes) => this.onMessage(channel, bytes),
      end: (error) => this.onEnd(session, error),
    });
    this.opening = session;
    await session.open(this.driver);
    if (!session.isOpen) throw new Error('The connection to Redis was lost as soon as it was open');
    this.session = session;
    this.failures = 0;
  }

  private onMessage(channel: string, bytes: Buffer): void {
    if (this.isClosed) return;
    const { data, position } = decodeMessage(bytes);
    this.events?.message(this.names.topic(channel), data, position);
  }

  private onEnd(session: RedisSession, error: Error): void {
    if (this.session !== session) return;
    this.session = undefined;
    if (this.isClosed) return;
    this.events?.status(false, error);
    this.openLater();
  }

  /** Many servers lose one Redis at once: they must not all come back in the same moment. */
  private openLater(): void {
    if (this.isClosed) return;
    const longest = Math.min(MIN_RETRY_DELAY * 2 ** this.failures++, MAX_RETRY_DELAY);
    this.timer = time.setTimeout(() => this.reopen(), Math.ceil(time.random() * longest));
    this.timer.unref();
  }

  private reopen(): void {
    this.open().then(
      () => this.events?.status(true),
      (error: Error) => {
        if (this.isClosed) return;
        this.events?.status(false, error);
        this.openLater();
      },
    );
  }

  private async use(action: (session: RedisSession) => PromiseLike<void>): Promise<void> {
    const { session } = this;
    if (session === undefined) throw new Error('Redis is not reachable');
    await action(session);
  }

  private async send(
    name: string,
    command: string,
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    const { session } = this;
    if (session === undefined) throw new Error('Redis is not reachable');
    let size = OVERHEAD;
    for (const argument of args) size += argument.length;
    if (this.pending + size > MAX_PENDING) {
      throw new Error(`Redis is too slow: it has not confirmed ${this.pending} bytes`);
    }
    this.pending += size;
    try {
      return await session.send(name, command, args);
    } finally {
      this.pending -= size;
      if (this.pending === 0) this.onIdle();
    }
  }

  private async whenIdle(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.timer = time.setTimeout(resolve, CLOSE_TIMEOUT);
      this.onIdle = resolve;
    });
    time.clearTimeout(this.timer);
  }

  private channels(topics: readonly string[]): string[] {
    return topics.map((topic) => this.names.channel(topic));
  }
}
