/** That the types of the real packages are clients of `redis()`. It is compiled, and never runs. */

import { Cluster, Redis } from 'ioredis';
import { createClient, createClientPool, createCluster } from 'redis';
import { redis } from '../../src/topics/index.js';

redis({ client: new Redis() });
redis({ client: new Redis().duplicate({ protocol: 2 }), prefix: 'chat:' });
redis({ client: new Cluster([{ host: 'localhost', port: 7000 }]) });
redis({ client: createClient() });
redis({ client: createClient({ RESP: 2, url: 'redis://localhost', database: 1 }) });
redis({ client: createCluster({ rootNodes: [{ url: 'redis://localhost:7000' }] }) });

// @ts-expect-error a pool has no connection of its own
redis({ client: createClientPool() });
// @ts-expect-error it must be a client
redis({ client: 'redis://localhost' });
// @ts-expect-error it must be there
redis({});
