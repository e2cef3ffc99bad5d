/** In a worker: the broker of each engine, made as a program makes it. */
import { topics } from '../support/subject.mjs';

/** A lost connection is tried again so often, in milliseconds. */
const RETRY = 50;

/** Each returns `{ broker, end }`: a client belongs to the program, and so does its end. */
const MAKERS = {
  async ioredis({ port }) {
    const { Redis } = await import('ioredis');
    const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => RETRY });
    client.on('error', () => {}); // the broker tells of it
    return { broker: topics.redis({ client }), end: () => client.disconnect() };
  },

  async 'node-redis'({ port }) {
    const model = await nodeRedisModel();
    const socket = { host: '127.0.0.1', port, reconnectStrategy: () => RETRY };
    const client = model.duplicate({ socket });
    client.on('error', () => {});
    await client.connect();
    return { broker: topics.redis({ client }), end: () => client.destroy() };
  },

  async 'ioredis cluster'({ nodes }) {
    const { Cluster } = await import('ioredis');
    const client = new Cluster(
      nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
      {
        natMap: proxied(nodes, (port) => ({ host: '127.0.0.1', port })),
        clusterRetryStrategy: () => RETRY,
      },
    );
    client.on('error', () => {});
    return { broker: topics.redis({ client }), end: () => client.disconnect() };
  },

  /** Not connected itself: the broker has connections of its own. */
  async 'node-redis cluster'({ nodes }) {
    const { createCluster } = await import('redis');
    const client = createCluster({
      rootNodes: nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
      nodeAddressMap: proxied(nodes, (port) => ({ host: '127.0.0.1', port })),
      defaults: { socket: { reconnectStrategy: () => RETRY } },
    });
    client.on('error', () => {});
    return { broker: topics.redis({ client }), end() {} };
  },

  async nats({ port, jetstream }) {
    const { connect, headers } = await import('@nats-io/transport-node');
    const connection = await connect({
      servers: `127.0.0.1:${port}`,
      reconnectTimeWait: RETRY,
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
    });
    const history = jetstream ? { headers } : undefined;
    return { broker: topics.nats({ connection, history }), end: () => connection.close() };
  },

  cluster: () => ({ broker: topics.cluster(), end() {} }),
};

let model;

/** `createClient` takes 50 ms of CPU for each port that is new to it, and `duplicate` does not. */
async function nodeRedisModel() {
  const { createClient } = await import('redis');
  model ??= createClient();
  return model;
}

/** The addresses of the nodes of a cluster, and the proxies that stand for them. */
function proxied(nodes, toAddress) {
  return Object.fromEntries(
    nodes.map(({ port, target }) => [`127.0.0.1:${target}`, toAddress(port)]),
  );
}

export function createBroker(config) {
  return MAKERS[config.engine](config);
}
