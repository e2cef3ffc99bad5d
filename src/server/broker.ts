/** The port to what carries messages between servers. Programs may implement it for an engine of theirs. */

/** What a broker tells its server. */
export interface BrokerEvents {
  /**
   * A message arrived for a topic. Its bytes are those that a server gave to `publish`; the server may
   * keep them.
   * @param position of a message with a history: its place there
   */
  message(topic: string, data: Uint8Array, position?: TopicPosition): void;
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
  /** Keeps the last messages of topics. Absent: topics of this broker cannot have a history. */
  readonly history?: BrokerHistory | undefined;
}

/**
 * The history of topics. The engine numbers the messages of a topic: 1, 2, 3… without a gap, as long as
 * the epoch is the same.
 */
export interface BrokerHistory {
  /**
   * Keeps a message and sends it to the subscribers, in one step: `message` is called with its position, in
   * the order of the positions, at this server too if it can be. A message that the engine has already
   * changes nothing: a server repeats a call whose end it does not know. Of each topic one call at a time
   * is made. Its promise must be settled at the latest when `status` says that the engine is reachable again.
   * @returns the position of the message
   */
  publish(
    topic: string,
    data: Uint8Array,
    options: HistoryPublishOptions,
  ): PromiseLike<TopicPosition>;
  /**
   * @param limits how long the epoch is kept if the topic has no messages; a server always gives them
   * @returns the position of the newest message; the offset 0 before the first
   */
  position(topic: string, limits?: HistoryLimits): PromiseLike<TopicPosition>;
  /**
   * @param limits as of `position`
   * @returns all messages after a position, or that they are not all there
   */
  since(
    topic: string,
    position: TopicPosition,
    limits?: HistoryLimits,
  ): PromiseLike<TopicHistory<StoredMessage>>;
}

/** How a message is kept. */
export interface HistoryPublishOptions extends HistoryLimits {
  /** The server that publishes, 32 hexadecimal digits. */
  readonly publisher: string;
  /**
   * A whole number that grows with the messages of this publisher, with gaps. One that is not greater than
   * the last of this publisher in this topic is a repetition.
   */
  readonly sequence: number;
}

/** How much of a topic is kept. */
export interface HistoryLimits {
  /** How many of its last messages are kept. An engine may keep more. */
  readonly size: number;
  /** How long a message, and a topic without new ones, is kept at least, in milliseconds. */
  readonly ttl: number;
}

/** A place in the history of a topic. It is plain data: a program may send it to a client as JSON. */
export interface TopicPosition {
  /** Names the history that the offset belongs to. Another one begins when the engine has lost it. */
  readonly epoch: string;
  /** The number of messages of this epoch up to here. */
  readonly offset: number;
}

/** What a topic had since a position. */
export interface TopicHistory<Message> {
  /**
   * Whether these are all messages since then. False if the epoch is another one, or if some of them are
   * not kept any more: then there are no messages.
   */
  readonly complete: boolean;
  /** In the order of their offsets. */
  readonly messages: readonly Message[];
  /** Of the newest message: where to go on. */
  readonly position: TopicPosition;
}

/** A message as a broker keeps it: the bytes that were given to `publish`. */
export interface StoredMessage {
  readonly data: Uint8Array;
  readonly offset: number;
}
