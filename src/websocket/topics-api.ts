/** What a connection has for topics. This is the documentation of its members. */

import type { PrepareOptions, QueueOptions } from './api.js';
import type { BufferLike } from './payload.js';
import type { PreparedMessage } from './prepared.js';

/** How a message is published. */
export interface TopicMessageOptions extends PrepareOptions, QueueOptions {}

/** The topics that a connection of a server receives. */
export interface SubscriberApi {
  /**
   * The topics that this connection is subscribed to. A listener of 'close' still sees them. Do not keep
   * the set: read the property again.
   */
  readonly topics: ReadonlySet<string>;

  /**
   * Subscribes this connection to topics of its server: it receives what is published there, from now
   * on. Names are exact; there are no patterns. A name that it has already, and a connection that is
   * closing or closed, change nothing.
   * @param topics a name, or several: any strings but the empty one
   * @returns a promise. Without a `broker` it is resolved; else it resolves when the broker has confirmed
   * the topics. It is never rejected, so a program need not wait for it
   * @throws TypeError for a name that is no string or empty; Error while connecting, and for a connection
   * that is not one of a WebSocketServer
   */
  subscribe(topics: string | readonly string[]): Promise<void>;

  /**
   * Ends subscriptions. Messages that wait are still sent. The end of the connection ends all of them.
   * @param topics as for `subscribe`; names that it is not subscribed to are ignored
   * @throws TypeError as `subscribe`
   */
  unsubscribe(topics: string | readonly string[]): void;

  /**
   * Publishes as `publish` of the server does, but not to this connection. It need not be subscribed, nor
   * open: a listener of 'close' may tell the others.
   * @param topics as for `subscribe`
   * @param data as for `broadcast`
   * @returns the number of connections of this server that it was sent to, or waits for
   * @throws TypeError for data that has no bytes, or as `subscribe`; Error for a connection that is not
   * one of a WebSocketServer
   */
  publish(
    topics: string | readonly string[],
    data: BufferLike | PreparedMessage,
    options?: TopicMessageOptions,
  ): number;
}
