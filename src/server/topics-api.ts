/** What a server has for topics. This is its documentation. */

import type { Buffer } from 'node:buffer';
import type { BufferLike } from '../websocket/payload.js';
import type { PreparedMessage } from '../websocket/prepared.js';
import type { TopicMessageOptions } from '../websocket/topics-api.js';
import type { HistoryLimits, TopicHistory, TopicPosition } from './broker.js';

/** What a server has for one topic. */
export interface TopicOptions {
  /** Keeps its last messages: at most `size` of them, and for `ttl` milliseconds at least. Default: none. */
  history?: HistoryLimits | undefined;
}

/** The option `topics`: by exact names, or a function that is called once for most names. */
export type TopicsOption =
  | { readonly [topic: string]: TopicOptions }
  | ((topic: string) => TopicOptions | undefined);

/** A message of the history of a topic. `socket.send(message.data)` sends it as it was published. */
export interface TopicMessage {
  /** A string for text, and bytes for a binary message. They are shared: do not change them. */
  readonly data: string | Buffer;
  /** Whether it is binary. */
  readonly isBinary: boolean;
  /** Its number in the history. */
  readonly offset: number;
}

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
  /**
   * The subscribers of a topic with a history missed messages that the `broker` does not have any more. A
   * program should tell them to load again what they show. `position` is where the topic goes on.
   */
  topicGap: [topic: string, position: TopicPosition];
}

/** What a server has for topics with a history: see the option `topics`. */
export interface HistoryApi {
  /**
   * Returns a position of a topic: every message up to it was sent to the subscribers of this server, and
   * every later one will be. With a `broker`, of a topic without subscribers here, it is the newest message.
   * @param topic a topic with a history
   * @returns plain data, for the clients. The promise is rejected with a TypeError for a topic without a
   * history, and with an Error if the `broker` cannot tell
   */
  position(topic: string): Promise<TopicPosition>;

  /**
   * Returns all messages of a topic after a position, or `complete: false` and none of them: never a part.
   * @param topic as for `position`
   * @param position what `position` or `since` returned, at this server or another one. A client may have
   * sent it: a value that is no position is like one whose messages are not kept any more
   * @returns `{ complete, messages, position }`: the position to go on from. The promise is rejected as
   * that of `position`
   */
  since(topic: string, position: unknown): Promise<TopicHistory<TopicMessage>>;
}

/** What a server publishes, and who gets it. */
export interface TopicsApi<Client> extends HistoryApi {
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
  /** Messages that the broker took. What goes to several topics counts for each of them. */
  readonly published: number;
  /** Messages of other servers that arrived. */
  readonly received: number;
  /**
   * Messages that the broker did not take, or that were published while it was not reachable. With a
   * history: those for which there was no room to wait, that waited longer than its `ttl`, or that
   * were refused 20 times.
   */
  readonly lost: number;
  /** Messages of topics with a history that wait until the broker has confirmed them. */
  readonly waiting: number;
  /** Messages that were missed, and then delivered from the history. */
  readonly recovered: number;
  /** How often 'topicGap' was emitted. */
  readonly gaps: number;
}

/** How many topics a server has. */
export interface TopicCounts {
  /** Topics that have subscribers on this server. */
  readonly occupied: number;
  /** Subscriptions of the connections of this server: one for each of their topics. */
  readonly subscriptions: number;
}

/** What a server counts of its topics. */
export interface TopicStats {
  /** `{ occupied, subscriptions }`: how many there are; absent as long as the server uses no topics. */
  topics?: TopicCounts;
  /** Of the option `broker`: `{ isUp, topics, published, received, lost, … }`; absent without one. */
  broker?: BrokerStats;
}
