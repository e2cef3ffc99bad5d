/** Connections by the package `ioredis`. */

import type { Buffer } from 'node:buffer';
import { toError } from '../connection/callbacks.js';
import { time } from '../connection/time.js';
import { type Driver, type Node, parseOwnSlots, type Wire, type WireEvents } from './redis-wire.js';

/** What is used of a `Redis`. */
export interface IoRedis {
  connect(): Promise<unknown>;
  duplicate(options: object): IoRedis;
  disconnect(): void;
  callBuffer(command: string, args: readonly (string | Buffer)[]): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  ssubscribe(...channels: string[]): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
  on(event: string, listener: (...args: never[]) => void): unknown;
  readonly stream?: { cork(): void; uncork(): void; destroy(): unknown } | undefined;
}

/** What is used of a `Cluster`. */
export interface IoRedisCluster {
  connect(): Promise<unknown>;
  duplicate(nodes: readonly never[], options: object): IoRedisCluster;
  disconnect(): void;
  nodes(role: 'master'): IoRedis[];
  on(event: string, listener: () => void): unknown;
}

/**
 * The options of a duplicate. It connects when `connect` is called, and once: what it has not sent, or has no
 * answer to, is rejected at the end of its connection and never sent again.
 */
const ONCE = {
  lazyConnect: true,
  retryStrategy: () => null,
  reconnectOnError: null,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: null,
  enableAutoPipelining: false,
  commandTimeout: undefined,
  keyPrefix: '',
  monitor: false,
  readOnly: false,
  scripts: undefined,
};

/** Discovery of a cluster must not go on in the background. */
const CLUSTER_ONCE = {
  lazyConnect: true,
  clusterRetryStrategy: () => null,
  keyPrefix: '',
  shardedSubscribers: false,
};

export function ioredisDriver(client: IoRedis): Driver {
  const nodes = [{ wire: (events: WireEvents) => new IoRedisWire(client, events) }];
  return { isCluster: false, find: () => ({ nodes: Promise.resolve(nodes), release() {} }) };
}

export function ioredisClusterDriver(client: IoRedisCluster): Driver {
  return {
    isCluster: true,
    find() {
      const copy = client.duplicate([], CLUSTER_ONCE);
      let error: Error | undefined;
      copy.on('error', () => {});
      copy.on('node error', ((reason: Error) => {
        error = withoutCommand(reason);
      }) as () => void);
      const nodes = Promise.race([findMasters(copy), endOf(copy)]).catch((reason) => {
        throw error ?? withoutCommand(reason);
      });
      return { nodes, release: () => copy.disconnect() };
    },
  };
}

/** `connect` of a cluster that fails its ready check neither resolves nor rejects. */
function endOf(cluster: IoRedisCluster): Promise<never> {
  return new Promise((_, reject) => {
    cluster.on('end', () => reject(new Error('The connection to the cluster was closed')));
  });
}

async function findMasters(cluster: IoRedisCluster): Promise<Node[]> {
  await cluster.connect();
  return Promise.all(
    cluster.nodes('master').map(async (node) => {
      const answer = await node.callBuffer('CLUSTER', ['NODES']);
      const slots = parseOwnSlots(String(answer));
      return { slots, wire: (events: WireEvents) => new IoRedisWire(node, events) };
    }),
  );
}

/** ioredis adds the command with its arguments to an error: a password, or a message. */
function withoutCommand(error: unknown): Error {
  const own = toError(error);
  Reflect.deleteProperty(own, 'command');
  return own;
}

function withoutCommands(answer: Promise<unknown>): Promise<unknown> {
  return answer.catch((error) => Promise.reject(withoutCommand(error)));
}

class IoRedisWire implements Wire {
  private readonly client: IoRedis;
  private error: Error | undefined;
  private isCorked = false;

  constructor(model: IoRedis, events: WireEvents) {
    this.client = model.duplicate(ONCE);
    const { client } = this;
    client.on('error', (error: Error) => {
      this.error = withoutCommand(error);
    });
    client.on('end', () =>
      events.end(this.error ?? new Error('The connection to Redis was closed')),
    );
    client.on('moved', () => events.end(new Error('A slot of the cluster has moved')));
    const onMessage = (channel: Buffer, data: Buffer): void =>
      events.message(channel.toString(), data);
    client.on('messageBuffer', onMessage);
    client.on('smessageBuffer', onMessage);
  }

  /** The rejection says that the connection is closed, the event before it says why. */
  async connect(): Promise<void> {
    try {
      await this.client.connect();
    } catch (error) {
      throw this.error ?? withoutCommand(error);
    }
  }

  send(command: string, args: readonly (string | Buffer)[]): Promise<unknown> {
    this.cork();
    return withoutCommands(this.client.callBuffer(command, args));
  }

  subscribe(channels: readonly string[], isSharded: boolean): Promise<unknown> {
    this.cork();
    const { client } = this;
    return withoutCommands(
      isSharded ? client.ssubscribe(...channels) : client.subscribe(...channels),
    );
  }

  unsubscribe(channels: readonly string[], isSharded: boolean): Promise<unknown> {
    this.cork();
    const { client } = this;
    return withoutCommands(
      isSharded ? client.sunsubscribe(...channels) : client.unsubscribe(...channels),
    );
  }

  destroy(): void {
    this.client.disconnect();
    this.client.stream?.destroy(); // else it waits for the other end
  }

  /** ioredis writes each command by itself. Together they cost less than half. */
  private cork(): void {
    const { stream } = this.client;
    if (this.isCorked || stream === undefined) return;
    this.isCorked = true;
    stream.cork();
    time.setImmediate(() => {
      this.isCorked = false;
      stream.uncork();
    });
  }
}
