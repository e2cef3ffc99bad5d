/** What ESM programs get from `ws6455/topics`: the very same objects as those that call `require`. */

export type * from './index.js';
export { cluster, MemoryEngine, nats, primary, redis, testBroker } from './index.js';
