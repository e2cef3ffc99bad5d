/** Both packages of clients for Redis, alone and with a cluster, and brokers over them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { redis } from '../../../dist/topics/index.mjs';

/** `createClient` takes 50 ms of CPU for each port that is new to it, and `duplicate` does not. */
const model = createClient();

/** What makes a client for an engine. None of them is connected by the tests. */
export const CLIENTS = {
  ioredis: (port, options = {}) =>
    new Redis({ host: '127.0.0.1', port, lazyConnect: true, ...options }),
  'node-redis': (port, options) => {
    const socket = { host: '127.0.0.1', port };
    return options ? createClient({ ...options, socket }) : model.duplicate({ socket });
  },
};

export const CLUSTER_CLIENTS = {
  ioredis: (port) => new Cluster([{ host: '127.0.0.1', port }], { lazyConnect: true }),
  'node-redis': (port) => createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] }),
};

export const PUBLISHER = '0123456789abcdef0123456789abcdef';

export const LIMITS = { size: 1000, ttl: 60_000 };

/** A broker that has started, and what it told. */
export async function open(client, prefix) {
  const broker = redis({ client, prefix });
  const messages = [];
  const statuses = [];
  const errors = [];
  await broker.start({
    message: (topic, data, position) => messages.push({ topic, data: String(data), position }),
    status: (isUp, error) => {
      statuses.push(isUp);
      if (error) errors.push(error.message);
    },
  });
  return { broker, messages, statuses, errors };
}

/** Waits for what a broker has to do by itself. */
export async function until(isTrue, what, patience = 15_000) {
  const end = Date.now() + patience;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`Not within ${patience} ms: ${what}`);
    await sleep(5);
  }
}

/** Waits until no connection and no subscription is left. The command's own connection is one. */
export async function untilGone(engine) {
  await until(async () => {
    const clients = String(await engine.command('CLIENT', 'LIST'))
      .trim()
      .split('\n');
    return clients.length === 1;
  }, 'all connections are closed');
  for (const command of ['CHANNELS', 'SHARDCHANNELS']) {
    const channels = await engine.command('PUBSUB', command);
    if (channels.length > 0) throw new Error(`Subscriptions are left: ${channels}`);
  }
}

/** Publishes to a history as a server does: what failed is sent again, in order. */
export class Outbox {
  #broker;
  #topic;
  #sequence = 0;

  constructor(broker, topic) {
    this.#broker = broker;
    this.#topic = topic;
  }

  /** @returns resolves when all are kept */
  async publish(texts) {
    const waiting = texts.map((text) => ({ text, sequence: ++this.#sequence }));
    while (waiting.length > 0) {
      const calls = waiting.map(({ text, sequence }) =>
        this.#broker.history.publish(this.#topic, Buffer.from(text), {
          ...LIMITS,
          publisher: PUBLISHER,
          sequence,
        }),
      );
      const results = await Promise.allSettled(calls);
      const failed = results.findIndex(({ status }) => status === 'rejected');
      waiting.splice(0, failed < 0 ? waiting.length : failed);
      if (failed >= 0) await sleep(20);
    }
  }
}
