/** The class WebSocket: checks arguments, and calls its session. */

import type { Buffer } from 'node:buffer';
import { captureRejectionSymbol, EventEmitter } from 'node:events';
import type { ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ClientOptions, readClientOptions } from '../client/options.js';
import { ASYNC_DISPOSE } from '../connection/async-dispose.js';
import { toError } from '../connection/callbacks.js';
import type { CloseInfo } from '../connection/close-info.js';
import type { SocketOptions } from '../connection/options.js';
import { Opcode } from '../protocol/frame.js';
import type { SendCallback } from '../protocol/write-batch.js';
import type {
  ControlCallback,
  EventListenerOptions,
  MaySendMore,
  MeasureOptions,
  ReadyState,
  SendOptions,
  SocketStats,
  WebSocketApi,
} from './api.js';
import { defineProperties, replaceProperty } from './class-properties.js';
import { connect } from './client-handshake.js';
import { dispose } from './dispose.js';
import type { EventHandler, EventMap } from './event-map.js';
import { addEventListener, isDomEvent, type Listener, removeEventListener } from './events.js';
import { onClosing, onProgramResumed } from './inboxes.js';
import type {
  ConnectOptions,
  IterationApi,
  MessageStreams,
  MessagesOptions,
  ReceivedMessage,
} from './iteration-api.js';
import { measureRoundTrip } from './measure.js';
import { sendControl, sendLimited, sendPayload, sendPrepared } from './outgoing.js';
import {
  type BinaryType,
  type BufferLike,
  isBinaryType,
  pickCallback,
  toClose,
  toPayload,
  toSubprotocols,
} from './payload.js';
import { PreparedMessage } from './prepared.js';
import type { TopicNames } from './server-topics.js';
import { CONNECTING, OPEN, Session } from './session.js';
import { ensureSession, SESSION, sessionOf, setSession } from './session-key.js';
import { remoteAddressOf, statsOf } from './stats.js';
import { serverTopicsOf, topicsOf } from './subscriptions.js';
import type { SubscriberApi, TopicMessageOptions } from './topics-api.js';

export { sessionOf };

/**
 * A WebSocket connection. A client creates it with a URL; a server emits it with 'connection'.
 */
export class WebSocket
  extends EventEmitter
  implements WebSocketApi<EventMap>, IterationApi, SubscriberApi
{
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;
  declare onopen: EventHandler<'open'>;
  declare onmessage: EventHandler<'message'>;
  declare onclose: EventHandler<'close'>;
  declare onerror: EventHandler<'error'>;

  closeInfo: CloseInfo | undefined;
  /** @internal */
  declare readonly [SESSION]: Session;

  constructor(
    address: string | URL | null,
    protocols?: string | string[] | ClientOptions | ClientRequestArgs,
    options?: (ClientOptions & { isServer?: boolean | undefined }) | ClientRequestArgs,
  ) {
    const given: ClientOptions | undefined = isOptions(protocols) ? protocols : options;
    super({ captureRejections: Boolean(given?.captureRejections) });
    if (address === null) {
      const isServer = (options as { isServer?: boolean } | undefined)?.isServer !== false;
      setSession(this, new Session(this, isServer ? 'server' : 'client', (given ?? {}) as object));
      return;
    }
    const settings = readClientOptions(given);
    const session = new Session(this, 'client', settings);
    setSession(this, session);
    const requested = isOptions(protocols) ? undefined : (protocols as string | string[]);
    const subprotocols = toSubprotocols(requested === undefined ? settings.protocols : requested);
    connect(session, address, [...subprotocols]);
  }

  /** Connects, and resolves with the open WebSocket. `index.ts` documents it. */
  static connect(
    address: string | URL,
    protocols?: string | string[] | (ClientOptions & ConnectOptions),
    options?: ClientOptions & ConnectOptions,
  ): Promise<WebSocket> {
    const { connectSocket } = require('./connect.js') as typeof import('./connect.js');
    // biome-ignore lint/complexity/noThisInStatic: a subclass connects instances of itself
    return connectSocket(this, sessionOf, address, protocols, options);
  }

  get readyState(): ReadyState {
    return this[SESSION]?.readyState;
  }

  get url(): string {
    return this[SESSION]?.address?.url as string; // typed as programs written for `ws` expect it
  }

  get protocol(): string {
    return this[SESSION]?.subprotocol;
  }

  get extensions(): string {
    const session = this[SESSION];
    return session && (session.extension?.name ?? '');
  }

  get remoteAddress(): string | undefined {
    const session: Session | undefined = this[SESSION];
    return session && remoteAddressOf(session);
  }

  /** Programs written for `ws` set a property of this name. */
  set remoteAddress(value: unknown) {
    replaceProperty(this, 'remoteAddress', value);
  }

  get closed(): Promise<CloseInfo> {
    const session: Session | undefined = this[SESSION];
    if (session === undefined) return undefined as never; // of a prototype
    const { closedPromise } = require('./closed.js') as typeof import('./closed.js');
    return closedPromise(this, session);
  }

  /** Subclasses written for `ws` may have a flag of this name. */
  set closed(value: unknown) {
    replaceProperty(this, 'closed', value);
  }

  get bufferedAmount(): number {
    return this[SESSION]?.bufferedAmount;
  }

  get rtt(): number | undefined {
    return this[SESSION]?.rtt;
  }

  get isPaused(): boolean {
    return this[SESSION]?.isPaused;
  }

  get binaryType(): BinaryType {
    return this[SESSION]?.binaryType;
  }

  set binaryType(type: BinaryType) {
    if (isBinaryType(type)) ensureSession(this).setBinaryType(type);
  }

  send(data: unknown, options?: SendOptions | SendCallback, callback?: SendCallback): MaySendMore {
    const session = ensureSession(this);
    session.checkConnected();
    const selected = pickCallback(options, callback);
    const settings = typeof options === 'function' ? undefined : options;
    const { connection } = session;
    if (connection?.limit !== undefined) {
      return sendLimited(session, connection.limit, data, settings, selected);
    }
    if (data instanceof PreparedMessage) return sendPrepared(session, data, selected);
    const payload = toPayload(data);
    const isBinary = settings?.binary ?? typeof payload !== 'string';
    const fin = settings?.fin ?? true;
    const compress = settings?.compress ?? true;
    const endpoint = connection?.endpoint;
    if (!endpoint || !sendPayload(endpoint.sender, payload, isBinary, fin, compress, selected)) {
      session.reject(payload, selected);
      return false;
    }
    return endpoint.canSendMore();
  }

  ping(data?: unknown, mask?: boolean | ControlCallback, callback?: ControlCallback): void {
    sendControl(ensureSession(this), Opcode.PING, data, pickCallback(data, mask, callback));
  }

  pong(data?: unknown, mask?: boolean | ControlCallback, callback?: ControlCallback): void {
    sendControl(ensureSession(this), Opcode.PONG, data, pickCallback(data, mask, callback));
  }

  close(code?: number, reason?: string | Uint8Array): void {
    const session = this[SESSION];
    const { readyState } = session;
    if (readyState === CONNECTING) session.abort();
    else if (readyState === OPEN) {
      session.connection?.endpoint.startClosingHandshake(toClose(code, reason));
      onClosing(session);
    }
  }

  terminate(): void {
    ensureSession(this).terminate();
  }

  stats(): SocketStats {
    return statsOf(ensureSession(this));
  }

  [ASYNC_DISPOSE](): Promise<void> {
    return dispose(this, this[SESSION]);
  }

  pause(): void {
    this[SESSION].pause();
  }

  resume(): void {
    this[SESSION].resume();
    onProgramResumed(this[SESSION]);
  }

  sent(data: BufferLike, options?: SendOptions): Promise<void> {
    const { sendAndWait } = require('./sent.js') as typeof import('./sent.js');
    return sendAndWait(this, this[SESSION], data, options);
  }

  messages<Binary = Buffer>(
    options?: MessagesOptions,
  ): AsyncIterableIterator<ReceivedMessage<Binary>, undefined> {
    const { messagesOf } = require('./messages.js') as typeof import('./messages.js');
    return messagesOf(this, this[SESSION], options) as AsyncIterableIterator<
      ReceivedMessage<Binary>, // the program knows its `binaryType`
      undefined
    >;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<string | Buffer, undefined> {
    const { dataOf } = require('./messages.js') as typeof import('./messages.js');
    return dataOf(this, this[SESSION]) as AsyncIterableIterator<string | Buffer, undefined>;
  }

  toStream(): MessageStreams {
    const { streamsOf } = require('./streams.js') as typeof import('./streams.js');
    return streamsOf(this, this[SESSION]);
  }

  get topics(): ReadonlySet<string> {
    const session: Session | undefined = this[SESSION];
    return session && topicsOf(session);
  }

  /** Subclasses written for `ws` may have a list of this name. */
  set topics(value: unknown) {
    replaceProperty(this, 'topics', value);
  }

  subscribe(topics: TopicNames): Promise<void> {
    const session = ensureSession(this);
    return serverTopicsOf(session).subscribe(session, topics);
  }

  unsubscribe(topics: TopicNames): void {
    const session = ensureSession(this);
    serverTopicsOf(session).unsubscribe(session, topics);
  }

  publish(
    topics: TopicNames,
    data: BufferLike | PreparedMessage,
    options?: TopicMessageOptions,
  ): number {
    const session = ensureSession(this);
    return serverTopicsOf(session).publish(topics, data, options, session);
  }

  async measureRoundTrip(options?: MeasureOptions): Promise<number> {
    return measureRoundTrip(this[SESSION]?.connection, options);
  }

  addEventListener<K extends keyof EventMap>(
    type: K,
    listener: Listener<EventMap[K]> | null,
    options?: EventListenerOptions,
  ): void {
    if (isDomEvent(type)) addEventListener(this, type, listener, options);
  }

  removeEventListener<K extends keyof EventMap>(
    type: K,
    listener: Listener<EventMap[K]> | null,
  ): void {
    if (isDomEvent(type)) removeEventListener(this, type, listener);
  }

  /**
   * Starts the connection on a Duplex whose opening handshake is complete, and emits 'open'.
   * @param head the first bytes after the handshake
   * @param options limits: see {@link SocketOptions}
   */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions = {}): void {
    ensureSession(this).open(this, socket, head, options);
  }

  /** With `captureRejections`: the promise of a listener was rejected. */
  override [captureRejectionSymbol](reason: unknown): void {
    ensureSession(this).onRejection(toError(reason));
  }

  /** Ends the WebSocket: sets the state and emits 'close'. */
  emitClose(): void {
    ensureSession(this).end();
  }
}

function isOptions(value: unknown): value is ClientOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

defineProperties(WebSocket);
