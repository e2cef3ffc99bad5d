/**
 * The interface of the adapter for programs, and the only place where it is documented. Its names and
 * meanings are those of crossws 0.4, whose types are classes with private members: so hooks that are
 * written with them get a `Peer` that is a type parameter here.
 */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { PerMessageDeflateOptions } from '../permessage-deflate/options.js';
import type { ServerOptions } from '../server/options.js';
import type { WebSocketServer } from '../server/websocket-server.js';
import type { WebSocket } from '../websocket/websocket.js';
import type { WSError } from './ws-error.js';

/** A value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** What the program keeps with a connection. */
export type PeerContext = Record<string, unknown>;

/** What `new Headers` takes. */
export type HeaderFields = NonNullable<ConstructorParameters<typeof Headers>[0]>;

/** A request that asks for an upgrade. A framework may have added a `context`. */
export type UpgradeRequest = Request & { readonly context?: PeerContext };

/** What `send` of a peer takes. */
export interface CompressOptions {
  /** False: the message is sent without compression. Default true. RFC 7692 §6. */
  compress?: boolean;
}

/** How `waitForDrain` waits. */
export interface WaitForDrainOptions {
  /** How many bytes may still wait. Default 0. */
  threshold?: number;
  /** How often `bufferedAmount` is read between two events 'drain', in milliseconds. Default 100. */
  pollInterval?: number;
  /** Ends the wait: the promise is rejected with its reason. */
  signal?: AbortSignal;
}

/** One connection. */
export interface Peer {
  /** A random UUID, made when it is first read. */
  readonly id: string;
  /** The request that was upgraded. Its `signal` is aborted when the connection has ended. */
  readonly request: UpgradeRequest;
  /** What the hook `upgrade` gave, or the `context` of the request. */
  readonly context: PeerContext;
  /** The room of the connection: topics of different namespaces are different topics. */
  readonly namespace: string;
  /** The connections of the namespace, this one included. */
  readonly peers: Set<Peer>;
  /** The topics that it is subscribed to. The hook `close` still sees them. */
  readonly topics: Set<string>;
  /** The IP address of the peer, as `remoteAddress` of a WebSocket. */
  readonly remoteAddress: string | undefined;
  /**
   * The WebSocket. As in crossws, `protocol` and `extensions` are what the request asks for if nothing
   * was negotiated, and `url` is made from the request.
   */
  readonly websocket: WebSocket;
  /** As `bufferedAmount` of a WebSocket. */
  readonly bufferedAmount: number;

  /**
   * Sends a message.
   * @param data a string, a number, a boolean or a plain object, which is sent as JSON, is text. Bytes
   * are binary
   * @returns `bufferedAmount` afterwards
   */
  send(data: unknown, options?: CompressOptions): number;

  /**
   * Sends a message to the other connections of the namespace that are subscribed to a topic.
   * @returns the number of connections of this server that it was sent to, or waits for
   */
  publish(topic: string, data: unknown, options?: CompressOptions): number;

  /** Subscribes to a topic. @returns as `subscribe` of a WebSocket */
  subscribe(topic: string): Promise<void>;

  /** Ends a subscription. */
  unsubscribe(topic: string): void;

  /**
   * Sends a Close, as `close` of a WebSocket. RFC 6455 §7.1.2.
   * @throws as `close` of a WebSocket
   */
  close(code?: number, reason?: string | Uint8Array): void;

  /** Destroys the socket, without a Close. */
  terminate(): void;

  /**
   * Sends a Ping. RFC 6455 §5.5.2.
   * @param data at most 125 bytes; more is an error, which the hook `error` gets
   */
  ping(data?: unknown): void;

  /** Waits until at most `threshold` bytes wait, or the connection is not open any more. */
  waitForDrain(options?: WaitForDrainOptions): Promise<void>;

  /** Returns the `id`. */
  toString(): string;
}

/** A received message. */
export interface Message<P = Peer> {
  /** A random UUID, as that of a peer. */
  readonly id: string;
  /** The connection that it came from. */
  readonly peer?: P;
  /** A string for text, bytes for a binary message. */
  readonly rawData: unknown;
  /** The message in the form of `peer.websocket.binaryType`. */
  readonly data: unknown;
  /** The bytes; those of text are UTF-8. */
  uint8Array(): Uint8Array;
  /** The bytes of this message only. */
  arrayBuffer(): ArrayBuffer | SharedArrayBuffer;
  /** The bytes. */
  blob(): Blob;
  /** The text; bytes are read as UTF-8. */
  text(): string;
  /** What `JSON.parse` makes of the text. @throws SyntaxError */
  json<T = unknown>(): T;
  /** Returns `text()`. */
  toString(): string;
}

/** What the hook `close` learns. */
export interface CloseDetails {
  /** RFC 6455 §7.1.5: the peer's close code; 1006 without one. */
  code?: number;
  /** RFC 6455 §7.1.6: the reason that came with `code`. */
  reason?: string;
}

/** What the hook `upgrade` may return to accept a request. */
export interface UpgradeAnswer {
  /** More header fields of the response 101. Those that RFC 6455 §4.2.2 defines are left out. */
  headers?: HeaderFields;
  /** The subprotocol: one that the client asks for. It takes precedence over `handleProtocols`. */
  protocol?: string;
  /** Whether this connection may be compressed, and how. Default: as the server has it. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions;
  /** The namespace of the connection. Default: the path of the request. */
  namespace?: string;
  /** Becomes part of `peer.context`. */
  context?: PeerContext;
  /** The hook has taken the socket. */
  handled?: boolean;
}

/** What a hook `upgrade` returns. */
// biome-ignore lint/suspicious/noConfusingVoidType: most hooks return nothing
export type UpgradeResult = UpgradeAnswer | Response | void;

/**
 * What the program does with connections. `open`, each `message` and `close` of a connection run one
 * after the other: each begins when the promise of the one before is settled. The others run at once.
 */
export interface Hooks<P = Peer> {
  /**
   * Decides about a request. To refuse it, return or throw a Response, or throw an object whose
   * `response` is one. Any other exception is answered with 500, and is the event 'callbackError' of the server.
   */
  upgrade(request: UpgradeRequest): MaybePromise<UpgradeResult>;
  /** Called when a connection is open. No message is given to the program before this has ended. */
  open(peer: P): MaybePromise<void>;
  /** Called with each message. */
  message(peer: P, message: Message<P>): MaybePromise<void>;
  /** The connection has ended, and all messages of it were given to the program. */
  close(peer: P, details: CloseDetails): MaybePromise<void>;
  /** More may be sent: what waited has left. */
  drain(peer: P): MaybePromise<void>;
  /** The connection failed, or another hook did. `error.cause` is the reason. */
  error(peer: P, error: WSError): MaybePromise<void>;
  /** A Ping was received; its Pong is sent already. RFC 6455 §5.5.2. */
  ping(peer: P, data: Uint8Array): MaybePromise<void>;
  /** A Pong was received, but not one for a Ping of `idleTimeout`. RFC 6455 §5.5.3. */
  pong(peer: P, data: Uint8Array): MaybePromise<void>;
}

/** A message for other processes. */
export interface SyncMessage {
  /** The namespace; '' means all. */
  namespace: string;
  /** The topic. */
  topic: string;
  /** The message. */
  data: string | Uint8Array;
}

/** What a driver of `crossws/sync` does. */
export interface SyncDriver {
  /** Begins to give the messages of other processes to `deliver`. */
  subscribe(deliver: (message: SyncMessage) => void): MaybePromise<void>;
  /** Sends a message to the other processes. */
  publish(message: SyncMessage): MaybePromise<void>;
  /** Ends it. */
  close?(): MaybePromise<void>;
}

/** What a driver was doing when it failed. */
export interface SyncErrorContext {
  stage: 'subscribe' | 'publish' | 'delivery';
}

/** The options of the adapter. */
export interface AdapterOptions<P = Peer> {
  /** What the program does with every connection. */
  hooks?: Partial<Hooks<P>>;
  /**
   * Returns more hooks for a request. It is called once for each connection. They are called after
   * those of `hooks`.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a program may have no hooks for a request
  resolve?: (request: UpgradeRequest) => MaybePromise<Partial<Hooks<P>> | undefined | void>;
  /** Returns the namespace of a request. Default: its path. */
  getNamespace?: (request: UpgradeRequest) => string;
  /** Chooses a subprotocol, if the client asks for any. RFC 6455 §4.2.2. Default: none is chosen. */
  handleProtocols?: (
    protocols: Set<string>,
    request: UpgradeRequest,
  ) => MaybePromise<string | false | null | undefined>;
  /** The server that accepts the connections. Default: one that the adapter makes. */
  wss?: WebSocketServer;
  /** The options of the server that the adapter makes, `broker` among them. */
  serverOptions?: ServerOptions;
  /** A driver of `crossws/sync`. A server with a `broker` needs none. */
  sync?: (context: { id: string }) => SyncDriver;
  /** Called when `sync` failed. Default: a process warning. */
  onError?: (error: unknown, context: SyncErrorContext) => void;
  /**
   * A peer that is silent for so many seconds gets a Ping, and is dropped if no answer comes within as
   * many. 0: never. The option `heartbeat` of the server takes precedence. Default 30.
   */
  idleTimeout?: number;
  /**
   * Whether the next message is given to the program before the hook of the one before has ended, as
   * crossws does. Default false.
   */
  concurrentMessages?: boolean;
}

/** What `publish` of the adapter takes. */
export interface AdapterPublishOptions extends CompressOptions {
  /** The namespace. Default: all. */
  namespace?: string;
}

/** What `crosswsAdapter` returns. Its functions need no `this`. */
export interface CrosswsAdapter<P = Peer> {
  /** The connections by namespace. A namespace without any is not in it. */
  readonly peers: Map<string, Set<P>>;
  /** The server of the adapter. */
  readonly server: WebSocketServer;
  /** The driver of `sync`, if there is one. */
  readonly sync?: SyncDriver;

  /** Sends a message to all connections that are subscribed to a topic. @returns how many there are here */
  readonly publish: (topic: string, data: unknown, options?: AdapterPublishOptions) => number;

  /**
   * Answers a request: the listener of 'upgrade' of an http server.
   * @param webRequest the request, if a framework has made one
   * @returns a promise that resolves, also after a failure: the request is answered
   */
  readonly handleUpgrade: (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    webRequest?: Request,
  ) => Promise<void>;

  /** Closes all connections. With `force` at once, without a closing handshake. */
  readonly closeAll: (code?: number, reason?: string | Uint8Array, force?: boolean) => void;

  /**
   * Closes all connections, the driver of `sync`, and the server if the adapter made it: requests are
   * then refused with 503.
   * @returns a promise that waits for the driver, not for the connections
   */
  readonly close: (code?: number, reason?: string) => Promise<void>;
}
