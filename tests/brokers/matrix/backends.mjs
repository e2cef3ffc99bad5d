/**
 * In the process of the tests: each engine as `{ name, whyMissing(), start(options) }`. What `start` resolves:
 * - `connect()`: the way for one worker, `{ config, proxy }`; `config` is for createBroker of brokers.mjs
 * - `subscriptions()`: how many subscriptions to topics the engine has
 * - `engine`: the process, if there is one of its own; of a cluster the first node
 * - `stop()`
 * `can` names the faults that are possible: pause and kill the engine, cut a
 * connection, keep a history and persist it.
 */
import cluster from 'node:cluster';
import { startNats, startRedis, startRedisCluster, whyMissing } from '../engines.mjs';
import { startProxy } from '../support/proxy.mjs';
import { topics } from '../support/subject.mjs';

const ALL_FAULTS = new Set(['pause', 'kill', 'cut', 'persist', 'history']);

function redis(client) {
  return {
    name: `redis with ${client}`,
    can: ALL_FAULTS,
    optionsMatter: true,
    whyMissing: () => whyMissing('redis') ?? whyNotBuilt('redis'),
    async start({ persist } = {}) {
      const engine = await startRedis({ persist });
      return new Backend([engine], async (proxies) => ({ engine: client, port: proxies[0].port }));
    },
  };
}

function redisCluster(client) {
  return {
    name: `redis cluster with ${client}`,
    can: ALL_FAULTS,
    optionsMatter: true,
    whyMissing: () => whyMissing('redis') ?? whyNotBuilt('redis'),
    async start({ persist } = {}) {
      const { nodes } = await startRedisCluster({ nodes: 3, persist });
      return new Backend(nodes, async (proxies) => ({
        engine: `${client} cluster`,
        nodes: nodes.map((node, i) => ({ port: proxies[i].port, target: node.port })),
      }));
    },
  };
}

const nats = {
  name: 'nats',
  can: ALL_FAULTS,
  optionsMatter: true,
  whyMissing: () => whyMissing('nats') ?? whyNotBuilt('nats'),
  async start({ persist, history = false } = {}) {
    const engine = await startNats({ jetstream: history, persist });
    return new NatsBackend([engine], async ([{ port }]) => ({
      engine: 'nats',
      port,
      jetstream: history,
    }));
  },
};

/** Its engine is in the process that forks the workers, and has its history there. */
function nodeCluster(name, settings) {
  return {
    name,
    can: new Set(['kill', 'history']),
    // There is one primary.
    optionsMatter: false,
    whyMissing: () => whyNotBuilt('cluster'),
    async start() {
      cluster.setupPrimary(settings);
      const engine = new PrimaryEngine();
      return {
        isCluster: true,
        engines: [engine],
        connect: async () => ({ config: { engine: 'cluster' } }),
        subscriptions: async () => engine.topics,
        stop: () => engine.kill(),
      };
    },
  };
}

class PrimaryEngine {
  #primary = topics.primary();

  get topics() {
    return this.#primary.stats().topics;
  }

  async kill() {
    this.#primary.close();
  }

  async restart() {
    this.#primary = topics.primary();
  }
}

function whyNotBuilt(name) {
  return topics[name] === undefined ? `ws6455/topics has no ${name}()` : undefined;
}

/** Redis, one node or several. */
class Backend {
  engines;
  #toConfig;
  #proxies = [];

  constructor(engines, toConfig) {
    this.engines = engines;
    this.#toConfig = toConfig;
  }

  /** Each worker has proxies of its own, one for each node. */
  async connect() {
    const proxies = await Promise.all(this.engines.map(({ port }) => startProxy(port)));
    this.#proxies.push(...proxies);
    return { config: await this.#toConfig(proxies), proxy: new Proxies(proxies) };
  }

  async subscriptions() {
    const counts = await Promise.all(
      this.engines.map(async (engine) => {
        const normal = await engine.command('PUBSUB', 'CHANNELS');
        const sharded = await engine.command('PUBSUB', 'SHARDCHANNELS');
        return normal.length + sharded.length + (await engine.command('PUBSUB', 'NUMPAT'));
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async stop() {
    for (const proxy of this.#proxies) proxy.stop();
    await Promise.all(this.engines.map((engine) => engine.stop()));
  }
}

class NatsBackend extends Backend {
  async subscriptions() {
    const { connections } = await this.engines[0].monitor('/connz?subs=1&limit=1000');
    const subjects = connections.flatMap(({ subscriptions_list: list = [] }) => list);
    // Answers to requests of a client arrive there.
    return subjects.filter((subject) => !subject.startsWith('_INBOX.')).length;
  }
}

/** The proxies of one worker, as one. */
class Proxies {
  #all;

  constructor(all) {
    this.#all = all;
  }

  get bytesToClient() {
    return this.#all.reduce((sum, { bytes }) => sum + bytes.toClient, 0);
  }

  get first() {
    return this.#all[0];
  }

  partition() {
    for (const proxy of this.#all) proxy.partition();
  }

  cut() {
    for (const proxy of this.#all) proxy.cut();
  }

  hang() {
    for (const proxy of this.#all) proxy.hang();
  }

  heal() {
    for (const proxy of this.#all) proxy.heal();
  }
}

export const BACKENDS = [
  nodeCluster('cluster', { serialization: 'json' }),
  nodeCluster('cluster with advanced serialization', { serialization: 'advanced' }),
  redis('ioredis'),
  redis('node-redis'),
  redisCluster('ioredis'),
  redisCluster('node-redis'),
  nats,
];
