/** Connections by the package `redis` (node-redis). */

import { Buffer } from 'node:buffer';
import { type Driver, type Node, parseOwnSlots, type Wire, type WireEvents } from './redis-wire.js';

type Listener = (message: Buffer, channel: Buffer) => void;

/** What is used of a client that `createClient` returns. */
export interface NodeRedis {
  readonly options?: { readonly socket?: object | undefined } | undefined;
  connect(): Promise<unknown>;
  duplicate(options: object): NodeRedis;
  destroy(): void;
  sendCommand(args: readonly (string | Buffer)[]): Promise<unknown>;
  subscribe(channels: readonly string[], listener: Listener, isBuffer: true): Promise<unknown>;
  unsubscribe(channels: readonly string[], listener: Listener, isBuffer: true): Promise<unknown>;
  sSubscribe(channels: readonly string[], listener: Listener, isBuffer: true): Promise<unknown>;
  sUnsubscribe(channels: readonly string[], listener: Listener, isBuffer: true): Promise<unknown>;
  on(event: string, listener: (...args: never[]) => void): unknown;
}

/** What is used of a client that `createCluster` returns. */
export interface NodeRedisCluster {
  connect(): Promise<unknown>;
  duplicate(options: object): NodeRedisCluster;
  destroy(): void;
  readonly masters: readonly object[];
  nodeClient(node: object): Promise<NodeRedis>;
  on(event: string, listener: (...args: never[]) => void): unknown;
}

/** The number of the type of strings in the protocol: `$`. */
const BLOB_STRING = 36;

/**
 * The duplicate connects once: what has no answer is rejected at the end of its
 * connection and never sent again. A timeout for each command costs more than the command.
 */
function once({ options }: NodeRedis): object {
  return {
    socket: { ...options?.socket, reconnectStrategy: false, socketTimeout: undefined },
    disableOfflineQueue: true,
    commandOptions: { timeout: undefined, typeMapping: { [BLOB_STRING]: Buffer } },
    commandsQueueMaxLength: undefined,
    pingInterval: undefined,
    clientSideCache: undefined,
    emitInvalidate: undefined,
    maintNotifications: 'disabled', // else it moves to another server by itself
    readonly: false,
  };
}

export function nodeRedisDriver(client: NodeRedis): Driver {
  const nodes = [{ wire: (events: WireEvents) => new NodeRedisWire(client, events) }];
  return { isCluster: false, find: () => ({ nodes: Promise.resolve(nodes), release() {} }) };
}

export function nodeRedisClusterDriver(client: NodeRedisCluster): Driver {
  return {
    isCluster: true,
    find() {
      const copy = client.duplicate({ clientSideCache: undefined });
      copy.on('error', () => {});
      return { nodes: findMasters(copy), release: () => destroy(copy) };
    },
  };
}

async function findMasters(cluster: NodeRedisCluster): Promise<Node[]> {
  await cluster.connect();
  return Promise.all(
    cluster.masters.map(async (master) => {
      const client = await cluster.nodeClient(master);
      const slots = parseOwnSlots(String(await client.sendCommand(['CLUSTER', 'NODES'])));
      return { slots, wire: (events: WireEvents) => new NodeRedisWire(client, events) };
    }),
  );
}

class NodeRedisWire implements Wire {
  private readonly client: NodeRedis;
  /** One and the same for all channels: the client keeps a Set of listeners for each. */
  private readonly listener: Listener;

  constructor(model: NodeRedis, events: WireEvents) {
    this.client = model.duplicate(once(model));
    this.listener = (data, channel) => events.message(channel.toString(), data);
    this.client.on('error', (error: Error) => events.end(error));
    this.client.on('end', () => events.end(new Error('The connection to Redis was closed')));
    this.client.on('sharded-channel-moved', () =>
      events.end(new Error('A slot of the cluster has moved')),
    );
  }

  connect(): Promise<unknown> {
    return this.client.connect();
  }

  send(command: string, args: readonly (string | Buffer)[]): Promise<unknown> {
    return this.client.sendCommand([command, ...args]);
  }

  subscribe(channels: readonly string[], isSharded: boolean): Promise<unknown> {
    const { client, listener } = this;
    if (isSharded) return client.sSubscribe(channels, listener, true);
    return client.subscribe(channels, listener, true);
  }

  /** Without the listener a `subscribe` before the answer would find its channel still subscribed. */
  unsubscribe(channels: readonly string[], isSharded: boolean): Promise<unknown> {
    const { client, listener } = this;
    if (isSharded) return client.sUnsubscribe(channels, listener, true);
    return client.unsubscribe(channels, listener, true);
  }

  destroy(): void {
    destroy(this.client);
  }
}

/** Version 5 throws if the connection has ended: the other connections would stay open. */
function destroy(client: NodeRedis | NodeRedisCluster): void {
  try {
    client.destroy();
  } catch {
    // There is nothing left to close.
  }
}
