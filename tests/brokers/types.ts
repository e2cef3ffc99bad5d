/** The clients of the real packages fit the types of the brokers. It is compiled, and never run. */

import { connect, headers } from '@nats-io/transport-node';
import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { type Broker, nats, redis } from '../../src/topics/index.js';

export const ofRedis: Broker[] = [
  redis({ client: new Redis() }),
  redis({ client: new Cluster([]), prefix: 'chat:' }),
  redis({ client: createClient() }),
  redis({ client: createClient({ RESP: 3 }) }),
  redis({ client: createCluster({ rootNodes: [] }) }),
];

export async function ofNats(): Promise<Broker[]> {
  const connection = await connect();
  return [nats({ connection }), nats({ connection, history: { headers } })];
}
