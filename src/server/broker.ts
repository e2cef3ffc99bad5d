/** The port to what carries messages between servers. Programs may implement it for an engine of theirs. */

/** What a broker tells its server. */
export interface BrokerEvents {
  /** A message arrived for a topic. Its bytes are those that a server gave to `publish`. */
  message(topic: string, data: Uint8Array): void;
  /**
   * The engine is reachable again, or not any more. When it is back, the server subscribes to all of
   * its topics again.
   */
  status(isUp: boolean, error?: Error): void;
}

/**
 * Carries messages between servers. A server calls the methods in order, and each with a promise may
 * overtake none that was called before. An exception or a rejection is the event 'brokerError'.
 */
export interface Broker {
  /** Begins. When it returns, or its promise is resolved, the engine is reachable. */
  start(events: BrokerEvents): void | PromiseLike<void>;
  /**
   * From the end of its promise on, messages for these topics arrive. A topic may be subscribed already.
   * At most 512 topics, each once.
   */
  subscribe(topics: readonly string[]): void | PromiseLike<void>;
  /** Messages for these topics are wanted no longer. */
  unsubscribe(topics: readonly string[]): void | PromiseLike<void>;
  /**
   * Sends bytes to every server that is subscribed to a topic, in the order of the calls. This server may
   * get them too: it ignores its own.
   */
  publish(topic: string, data: Uint8Array): void | PromiseLike<void>;
  /** Ends what `start` began. Nothing is called afterwards. */
  close(): void | PromiseLike<void>;
}
