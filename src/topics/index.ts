/** `ws6455/topics`: brokers, which carry the topics of a server to other processes. */

export type {
  Broker,
  BrokerEvents,
  BrokerHistory,
  HistoryLimits,
  HistoryPublishOptions,
  StoredMessage,
  TopicHistory,
  TopicPosition,
} from '../server/broker.js';
export { cluster, type Primary, type PrimaryOptions, primary } from './cluster.js';
export type { ClusterOptions } from './cluster-broker.js';
export type { PrimaryStats } from './cluster-hub.js';
export type { BrokerTestOptions } from './conformance.js';
export { testBroker } from './conformance.js';
export { MemoryEngine } from './memory.js';
export { type NatsHistoryOptions, type NatsOptions, nats } from './nats.js';
export type {
  NatsClient,
  NatsHeaders,
  NatsMessage,
  NatsReadHeaders,
  NatsRequestOptions,
  NatsServerInfo,
  NatsStatus,
  NatsSubscribeOptions,
  NatsSubscription,
} from './nats-client.js';
export { type RedisOptions, redis } from './redis.js';
export type { RedisClient } from './redis-client.js';
