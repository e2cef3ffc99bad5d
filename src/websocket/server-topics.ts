/** The topics of a server, as its connections use them. The server folder implements them. */

import type { Connection } from '../connection/connection.js';
import type { Extension } from '../protocol/extension.js';
import type { ReadyState } from './api.js';
import type { BufferLike } from './payload.js';
import type { PreparedMessage } from './prepared.js';
import type { TopicMessageOptions } from './topics-api.js';

/** One topic, or several. */
export type TopicNames = string | readonly string[];

/** A connection that may be subscribed: a session. */
export interface Subscriber {
  readonly readyState: ReadyState;
  readonly connection: Connection | undefined;
  readonly extension: Extension | undefined;
}

export interface ServerTopics {
  subscribe(subscriber: Subscriber, topics: TopicNames): Promise<void>;
  unsubscribe(subscriber: Subscriber, topics: TopicNames): void;
  /** @param excluded does not receive the message */
  publish(
    topics: TopicNames,
    data: BufferLike | PreparedMessage,
    options: TopicMessageOptions | undefined,
    excluded: Subscriber | undefined,
  ): number;
}
