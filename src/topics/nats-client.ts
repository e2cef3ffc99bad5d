/** What the broker for NATS uses of the connection of a program. `@nats-io/nats-core` 3 and `nats` 2.29 have it. */

/** A connection to NATS, as `connect()` of `@nats-io/transport-node` returns it. */
export interface NatsClient {
  /** What the server said of itself; absent while there is no connection. */
  readonly info?: NatsServerInfo | undefined;
  publish(subject: string, payload?: Uint8Array): void;
  subscribe(subject: string, options?: NatsSubscribeOptions): NatsSubscription;
  request(
    subject: string,
    payload?: Uint8Array,
    options?: NatsRequestOptions,
  ): Promise<NatsMessage>;
  /** Resolves when the server has read all that was sent before. */
  flush(): Promise<void>;
  status(): AsyncIterable<NatsStatus>;
  /** Resolves when the connection has ended for good. */
  closed(): Promise<unknown>;
  isClosed(): boolean;
}

/** What a NATS server says of itself. */
export interface NatsServerInfo {
  /** The most bytes of a message. */
  readonly max_payload: number;
}

/** The options of `subscribe`. */
export interface NatsSubscribeOptions {
  callback?: (error: Error | null, message: NatsMessage) => void;
}

/** The options of `request`. */
export interface NatsRequestOptions {
  /** Milliseconds. */
  timeout: number;
  headers?: object;
}

/** A subscription at NATS. */
export interface NatsSubscription {
  unsubscribe(): void;
}

/** A message of NATS. */
export interface NatsMessage {
  readonly data: Uint8Array;
  readonly headers?: NatsReadHeaders | undefined;
}

/** The headers of a message that arrived. */
export interface NatsReadHeaders {
  /** Of a message that only has a status: its code, as 404. */
  readonly code: number;
  /** @returns an empty string if there is no such header */
  get(name: string): string;
}

/** The headers of a message to send, as the function `headers` of the client's package makes them. */
export interface NatsHeaders {
  set(name: string, value: string): void;
}

/** What happened to a connection. */
export interface NatsStatus {
  readonly type: string;
  /** Of the type 'error', in version 3. */
  readonly error?: Error;
  /** Of the type 'error', in version 2: a code. */
  readonly data?: unknown;
  /** Of the type 'error', in version 2: what is not permitted. */
  readonly permissionContext?: { readonly operation: string; readonly subject: string };
}
