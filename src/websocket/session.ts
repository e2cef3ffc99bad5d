/** The state of one WebSocket: its opening handshake, then its connection, then how it ended. */

import { Buffer } from 'node:buffer';
import { errorMonitor } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ClientHandshake } from '../client/establish.js';
import type { ClientOptions } from '../client/options.js';
import { warnOfError } from '../connection/callbacks.js';
import type { Direction, DropReason } from '../connection/channels.js';
import { describeFailure } from '../connection/close-info.js';
import { Connection } from '../connection/connection.js';
import type { DropListener } from '../connection/drops.js';
import { frameObserver, lengthOf, reportMessage } from '../connection/frame-reports.js';
import type { InboundLimits } from '../connection/inbound-limits.js';
import {
  type ConnectionOptions,
  endpointOptions,
  type SocketOptions,
} from '../connection/options.js';
import * as reports from '../connection/reports.js';
import { takePong } from '../connection/round-trip.js';
import { time } from '../connection/time.js';
import { HandshakeError } from '../handshake/errors.js';
import { CloseCode, type ClosingState } from '../protocol/close.js';
import type { Application } from '../protocol/endpoint.js';
import { ProtocolError } from '../protocol/errors.js';
import type { Extension } from '../protocol/extension.js';
import type { FrameObserver } from '../protocol/frame-observer.js';
import type { MessageData, Role } from '../protocol/receiver.js';
import type { SendCallback } from '../protocol/write-batch.js';
import type { ReadyState } from './api.js';
import { applyOptions } from './apply-options.js';
import { unsubscribeAll } from './events.js';
import { onDrained } from './inboxes.js';
import { type BinaryType, byteLengthOf, toBinary } from './payload.js';
import type { SessionOwner, SessionServer } from './session-owner.js';
import { callWhenClosed } from './when-closed.js';

export const CONNECTING = 0;
export const OPEN = 1;
const CLOSING = 2;
export const CLOSED = 3;

/** The names of the states, by number. */
export const STATE_NAMES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const;

/** Connects a WebSocket to its handshake and connection, and emits its events. */
export class Session implements Application, DropListener {
  role: Role;
  /** The opening handshake of a client, while it is in progress. */
  handshake: ClientHandshake | undefined;
  connection: Connection | undefined;
  /** The error of a failed opening handshake. */
  failure: Error | undefined;
  subprotocol = '';
  extension: Extension | undefined;
  binaryType: BinaryType = 'nodebuffer';
  isPaused = false;
  /** The URL of a client, and the number of redirects before it. */
  address: { readonly url: string; readonly redirects: number } | undefined;

  /** Emits the events: the WebSocket, or the proxy or child object that opened the connection. */
  owner: SessionOwner;
  readonly options: ClientOptions;
  /**
   * The state before there is a connection, and after its end. undefined, as in `ws`, if the
   * WebSocket was created without its constructor.
   */
  private state: ReadyState | undefined = CONNECTING;
  /** The client, as it is in `clients` of its server. */
  private client: object | undefined;
  /** The server that accepted the client. */
  server: SessionServer | undefined;
  /** The options of the server or the route, also if a subclass does not pass them to its super class. */
  private acceptedOptions: ConnectionOptions | undefined;
  /** The request that a server accepted: a request is large, so few servers let it be kept. */
  private request: IncomingMessage | undefined;
  private limits: InboundLimits | undefined;
  messagesReceived = 0;
  /** Bytes given to `send` when the connection was closing or closed. */
  private rejectedLength = 0;

  constructor(owner: SessionOwner, role: Role, options: ClientOptions) {
    this.owner = owner;
    this.role = role;
    this.options = options;
  }

  /** Creates the session of a WebSocket that was created without its constructor. */
  static withoutState(owner: SessionOwner): Session {
    const session = new Session(owner, 'client', {});
    session.state = undefined;
    return session;
  }

  /** Reactive frameworks proxy objects deeply, but not objects with their own tag. */
  get [Symbol.toStringTag](): string {
    return 'Session';
  }

  get readyState(): ReadyState {
    const { connection } = this;
    if (connection === undefined || this.state === CLOSED) return this.state as ReadyState; // see `state`
    return readyStateOf(connection.endpoint.state);
  }

  get bufferedAmount(): number {
    return (this.connection?.bufferedAmount ?? 0) + this.rejectedLength;
  }

  /** A server has accepted the opening handshake. */
  accept(
    client: object,
    subprotocol: string,
    extension: Extension | undefined,
    server: SessionServer,
    options: ConnectionOptions,
    request: IncomingMessage,
  ): void {
    this.client = client;
    this.subprotocol = subprotocol;
    this.extension = extension;
    this.server = server;
    this.acceptedOptions = options;
    this.request = request;
  }

  /** Starts the connection and emits 'open'. */
  open(owner: SessionOwner, socket: Duplex, head: Buffer, options: SocketOptions): void {
    this.owner = owner;
    const settings = endpointOptions(this.role, options, this.options, this.extension);
    this.connection = new Connection(socket, settings, this);
    const { limitOptions } = this;
    this.limits = applyOptions(this.connection, limitOptions, owner, this, this.server?.budget);
    this.setBinaryType(this.binaryType);
    this.connection.start(head);
    reports.reportOpen(this, this.role, this.request);
    if (!this.server?.keepsRequests) this.request = undefined;
    this.owner.emit('open');
  }

  private get limitOptions(): ConnectionOptions {
    return this.acceptedOptions ?? this.options;
  }

  setBinaryType(type: BinaryType): void {
    this.binaryType = type;
    if (this.connection === undefined) return;
    this.connection.endpoint.receiver.inFragments = type === 'fragments';
  }

  // RFC 6455 §4.1 MUST: a client waits for the response before it sends data.
  checkConnected(): void {
    if (this.connection === undefined && this.state === CONNECTING) {
      throw new Error('WebSocket is not open: readyState 0 (CONNECTING)');
    }
  }

  /** RFC 6455 §6.1 MUST: a message is sent only if the connection is open. */
  reject(payload: Buffer | string | Blob, callback: SendCallback | undefined): void {
    this.rejectedLength += byteLengthOf(payload);
    if (callback === undefined) return;
    const { readyState } = this;
    const name = STATE_NAMES[readyState];
    time.nextTick(callback, new Error(`WebSocket is not open: readyState ${readyState} (${name})`));
  }

  /** Aborts the opening handshake. */
  abort(): void {
    const error = new HandshakeError('CLOSED_EARLY');
    if (this.handshake !== undefined) {
      this.handshake.abort(error);
      return;
    }
    this.onFailing();
    time.nextTick(() => this.onHandshakeFailed(error));
  }

  /** Closes the connection at once, or aborts the opening handshake. */
  terminate(): void {
    if (this.readyState === CONNECTING) this.abort();
    else if (this.state !== CLOSED) this.connection?.endpoint.terminate();
  }

  pause(): void {
    if (this.connection === undefined || this.state === CLOSED) return;
    this.isPaused = true;
    this.connection.pause();
  }

  resume(): void {
    if (this.connection === undefined || this.state === CLOSED) return;
    this.isPaused = false;
    this.connection.resume();
  }

  /** Sets the state CLOSED and emits 'close'. */
  end(): void {
    const received = this.connection?.endpoint.received;
    this.onClosed(received?.code ?? CloseCode.ABNORMAL, received?.reason ?? Buffer.alloc(0));
  }

  /** The promise that a listener returned was rejected: that costs its own connection. */
  onRejection(error: Error, request = this.request): void {
    this.request = request;
    if (this.state === CONNECTING && this.handshake !== undefined) this.handshake.abort(error);
    // 'error' is emitted once: of a connection that is failed already the server hears.
    else if (!this.connection?.endpoint.fail(error, 'rejection')) {
      this.reportUnheard(error, 'A listener was rejected when its WebSocket was closed');
    }
  }

  /** Emits 'error'. Without a listener that ends the process, unless `unheardErrors` is 'close'. */
  private emitError(error: Error): void {
    const { unheardErrors = this.server === undefined ? 'throw' : 'close' } = this.limitOptions;
    if (unheardErrors === 'throw' || this.owner.listenerCount('error') > 0)
      this.owner.emit('error', error);
    else {
      this.owner.emit(errorMonitor, error);
      this.reportUnheard(error, "A WebSocket failed, and its 'error' has no listener");
    }
  }

  /** What the peer did is also in `closeInfo`; an error of the program must not be lost. */
  private reportUnheard(error: Error, sentence: string): void {
    const { client, server } = this;
    if (client !== undefined && server?.onSocketError(error, client, this.request)) return;
    const isOfPeer = error instanceof ProtocolError || this.failure === error;
    if (!isOfPeer) warnOfError(sentence, error);
  }

  // Called by the connection:

  get frames(): FrameObserver | undefined {
    return frameObserver(this);
  }

  onMessage(data: MessageData, isBinary: boolean): void {
    this.messagesReceived++;
    reportMessage(this, data, isBinary);
    if (this.limits !== undefined && !this.limits.admit(data, isBinary)) {
      if (this.readyState === OPEN) this.onDrop('received', 'messageRate', lengthOf(data));
      return;
    }
    this.owner.emit('message', isBinary ? toBinary(data, this.binaryType) : data, isBinary);
  }

  onPing(payload: Buffer): void {
    reports.reportPing(this, payload);
    this.owner.emit('ping', payload);
  }

  /** The round-trip time in milliseconds, once the library has measured one. */
  get rtt(): number | undefined {
    const { roundTripTime = -1 } = this.connection ?? {};
    return roundTripTime < 0 ? undefined : roundTripTime / 1000;
  }

  onPong(payload: Buffer): void {
    const { connection } = this;
    const roundTripTime = connection?.pings && takePong(connection, payload);
    reports.reportPong(this, payload, roundTripTime);
    if (roundTripTime === undefined) this.owner.emit('pong', payload);
    else this.server?.onRoundTrip(roundTripTime);
  }

  onFull(): void {
    reports.reportFull(this);
  }

  onDrain(): void {
    if (this.connection?.limit?.drain() === false) return;
    reports.reportDrained(this);
    onDrained(this);
    this.owner.emit('drain');
  }

  onDrop(direction: Direction, reason: DropReason, bytes: number): void {
    this.server?.onDrop(reason);
    reports.reportDrop(this, direction, reason, bytes);
  }

  onDropped(messages: number, bytes: number): void {
    // 'close' is the last event.
    if (this.state !== CLOSED) this.owner.emit('drop', messages, bytes);
  }

  onFailure(error: Error): void {
    reports.reportViolation(this, error);
    this.emitError(error);
  }

  onClosed(code: number, reason: Buffer): void {
    if (this.state === CLOSED) return;
    this.state = CLOSED;
    this.limits?.stop();
    const info =
      this.connection?.describeClose(this.messagesReceived) ?? describeFailure(this.failure);
    this.owner.closeInfo = info;
    if (this.client !== undefined) this.server?.onClientEnd(this.client, info);
    unsubscribeAll(this.owner);
    reports.reportClose(this, code, reason, info);
    try {
      callWhenClosed(this);
    } finally {
      this.owner.emit('close', code, reason);
    }
  }

  // Called for the opening handshake of a client:

  onFailing(): void {
    if (this.state !== CLOSED) this.state = CLOSING;
  }

  onHandshakeFailed(error: Error): void {
    this.failure = error;
    try {
      this.emitError(error);
    } finally {
      this.owner.emitClose();
    }
  }
}

function readyStateOf(state: ClosingState): ReadyState {
  if (state === 'OPEN') return OPEN;
  return state === 'CLOSED' ? CLOSED : CLOSING;
}
