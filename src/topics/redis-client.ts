/** Recognises the client that a program gives to `redis()`. */

import { describeValue } from '../connection/check-options.js';
import {
  type IoRedis,
  type IoRedisCluster,
  ioredisClusterDriver,
  ioredisDriver,
} from './redis-ioredis.js';
import {
  type NodeRedis,
  type NodeRedisCluster,
  nodeRedisClusterDriver,
  nodeRedisDriver,
} from './redis-node.js';
import type { Driver } from './redis-wire.js';

/** A client of `ioredis` 5 or later (`Redis`, `Cluster`), or of `redis` 5 or later (`createClient`, `createCluster`). */
export interface RedisClient {
  connect(): PromiseLike<unknown>;
  duplicate(...options: never[]): object;
  subscribe(...channels: never[]): unknown;
}

const EXPECTED =
  'a client of ioredis (Redis, Cluster) or of node-redis 5 or later (createClient, createCluster)';

/** @throws TypeError for anything else than a client that is known */
export function driverOf(client: unknown): Driver {
  if (has<IoRedis>(client, ['duplicate', 'callBuffer', 'subscribe', 'disconnect'])) {
    return has<IoRedisCluster>(client, ['nodes'])
      ? ioredisClusterDriver(client)
      : ioredisDriver(client);
  }
  const problem = problemOf(client);
  if (problem !== undefined) {
    throw new TypeError(`The option client must be ${EXPECTED}: ${problem}`);
  }
  return has<NodeRedisCluster>(client, ['nodeClient'])
    ? nodeRedisClusterDriver(client)
    : nodeRedisDriver(client as NodeRedis);
}

/** @returns what is wrong with a client that is not of ioredis */
function problemOf(client: unknown): string | undefined {
  if (has(client, ['send_command']) || has(client, ['internal_send_command'])) {
    return 'a client of node-redis 3 or of its legacy mode was given';
  }
  if (has(client, ['sendCommand', 'getSentinelNode'])) return 'a sentinel client was given';
  if (has(client, ['sendCommand', 'execute'])) {
    return 'a pool was given; give the client that it was made of';
  }
  if (!has(client, ['sendCommand', 'duplicate', 'sSubscribe'])) {
    return `${describe(client)} was given`;
  }
  if (!has(client, ['withTypeMapping', 'destroy'])) return 'a client of node-redis 4 was given';
  return undefined;
}

function has<T extends object>(value: unknown, methods: readonly string[]): value is T {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return methods.every((method) => typeof Reflect.get(value, method) === 'function');
}

/** Without the properties: an object of options has a password. */
function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return describeValue(value);
  return `an object of ${value.constructor?.name ?? 'no class'}`;
}
