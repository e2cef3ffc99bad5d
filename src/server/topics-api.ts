/** What a server has for topics. This is its documentation. */

import type { BufferLike } from '../websocket/payload.js';
import type { PreparedMessage } from '../websocket/prepared.js';
import type { TopicMessageOptions } from '../websocket/topics-api.js';

/** The options of `publish` of a server. */
export interface PublishOptions<Client> extends TopicMessageOptions {
  /** A connection that is left out, subscribed or not. Default: none. */
  except?: Client | undefined;
}

/** The events of topics, with the arguments of their listeners. */
export interface TopicEvents {
  /** A topic got its first subscriber on this server. */
  topicOccupied: [topic: string];
  /** A topic lost its last subscriber on this server. */
  topicVacated: [topic: string];
  /** The `broker` is reachable, or not any more. Messages reach the connections of this server in any case. */
  brokerStatus: [isUp: boolean];
  /**
   * A call of the `broker` failed, or a message from it could not be read or delivered. Without a listener
   * it is a process warning.
   */
  brokerError: [error: Error];
}

/** What a server publishes. */
export interface TopicsApi<Client> {
  /**
   * Sends one message to every connection that is subscribed to a topic: once, also if it is subscribed
   * to several of the topics. As with `broadcast`, all of them share one frame. A message that is
   * published and one that is sent keep the order of the calls.
   * @param topics a name, or several: any strings but the empty one
   * @param data as for `send`, or a prepared message; a Blob must be read first
   * @returns the number of connections of this server that it was sent to, or waits for
   * @throws TypeError for data that has no bytes, and for a name that is no string or empty
   */
  publish(
    topics: string | readonly string[],
    data: BufferLike | PreparedMessage,
    options?: PublishOptions<Client>,
  ): number;

  /** Returns how many connections of this server are subscribed to a topic. */
  subscribers(topic: string): number;
}

/** What a server with a `broker` counts. */
export interface BrokerStats {
  /** Whether the engine is reachable. */
  readonly isUp: boolean;
  /** Topics that the broker is asked for. */
  readonly topics: number;
  /** Messages that were given to the broker; a union counts for each of its topics. */
  readonly published: number;
  /** Messages of other servers that arrived. */
  readonly received: number;
  /** Messages that the broker did not take, or that were published while it was not reachable. */
  readonly lost: number;
}

/** What a server counts of its topics. */
export interface TopicStats {
  /** Of the option `broker`: `{ isUp, topics, published, received, lost }`; absent without one. */
  broker?: BrokerStats;
}
