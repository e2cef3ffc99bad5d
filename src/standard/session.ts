/** WHATWG WebSockets §4: the state of one WebSocket: opening handshake, messages, the end. */

import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { Negotiated } from '../client/handshake-listener.js';
import type { Direction, DropReason } from '../connection/channels.js';
import { describeFailure } from '../connection/close-info.js';
import { Connection } from '../connection/connection.js';
import type { DropListener } from '../connection/drops.js';
import { frameObserver, lengthOf, reportMessage } from '../connection/frame-reports.js';
import type { InboundLimits } from '../connection/inbound-limits.js';
import { DEFAULTS, endpointOptions, toLimit } from '../connection/options.js';
import * as reports from '../connection/reports.js';
import { takePong } from '../connection/round-trip.js';
import { type Close, CloseCode } from '../protocol/close.js';
import type { Application } from '../protocol/endpoint.js';
import type { FrameObserver } from '../protocol/frame-observer.js';
import type { MessageData } from '../protocol/receiver.js';
import type { SendCallback } from '../protocol/write-batch.js';
import { applyOptions } from '../websocket/apply-options.js';
import { CloseError } from '../websocket/close-error.js';
import { sendMessageLimited, sendPayload } from '../websocket/outgoing.js';
import { byteLengthOf, toBinary } from '../websocket/payload.js';
import { closeEvent, errorEvent, messageEvent, openEvent } from './events.js';
import { Opening, type OpeningListener } from './opening.js';
import type { Settings } from './options.js';

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** The values of `readyState`. */
export const STATES = { CONNECTING, OPEN, CLOSING, CLOSED } as const;

export type ReadyState = (typeof STATES)[keyof typeof STATES];

/** Shorter messages are followed only if others wait to be sent. */
const MAX_UNTRACKED_LENGTH = 4096;

const { dispatchEvent } = EventTarget.prototype;

/** Connects a WebSocket to its handshake and connection, and dispatches its events. */
export class Session implements Application, OpeningListener, DropListener {
  /** The WebSocket. */
  readonly owner: EventTarget;
  readonly server = undefined;
  readonly url: string;
  binaryType: 'blob' | 'arraybuffer' = 'blob';
  subprotocol = '';
  /** The header field of the response. RFC 6455 §4.1. */
  extensions = '';
  extension: Negotiated['extension'];
  private readonly origin: string;
  private readonly settings: Settings;
  private readonly opening: Opening;
  private state: ReadyState = CONNECTING;
  private connection: Connection | undefined;
  private limits: InboundLimits | undefined;
  /** The error that failed the connection. */
  private failure: Error | undefined;
  private messagesReceived = 0;
  /** Bytes given to `send` that were not sent: the connection was closing or closed. */
  private unsentLength = 0;

  constructor(owner: EventTarget, url: URL, settings: Settings) {
    this.owner = owner;
    this.url = url.href;
    this.origin = url.origin;
    this.settings = settings;
    this.opening = new Opening(url, settings, this);
  }

  /** So that reactive frameworks do not proxy it. */
  get [Symbol.toStringTag](): string {
    return 'Session';
  }

  get readyState(): ReadyState {
    // The closing handshake begins with the Close of either side.
    if (this.state === OPEN && this.connection?.endpoint.state !== 'OPEN') return CLOSING;
    return this.state;
  }

  get bufferedAmount(): number {
    return (this.connection?.bufferedAmount ?? 0) + this.unsentLength;
  }

  /** Starts the opening handshake. @throws errors of `http.request`, for invalid options */
  connect(): void {
    this.opening.begin();
  }

  /** @throws DOMException InvalidStateError in the state CONNECTING */
  send(payload: string | Buffer | Blob): void {
    if (this.state === CONNECTING) throw notConnectedError();
    const isOpen = this.readyState === OPEN;
    if (!isOpen || !this.sendOn(this.connection, payload)) {
      this.unsentLength += byteLengthOf(payload);
    }
  }

  /** @returns whether the connection takes the message */
  private sendOn(connection: Connection | undefined, payload: string | Buffer | Blob): boolean {
    if (connection === undefined) return false;
    const { endpoint, limit } = connection;
    const { sender } = endpoint;
    // A frame that is masked at once has the bytes of this moment; one that waits needs a copy.
    const waits = limit !== undefined || this.extension !== undefined || !sender.isIdle;
    const data = waits && Buffer.isBuffer(payload) ? Buffer.from(payload) : payload;
    const callback = this.callbackFor(connection, data);
    if (limit !== undefined) return sendMessageLimited(limit, data, callback) !== 'rejected';
    const isBinary = typeof data !== 'string';
    if (!sendPayload(sender, data, isBinary, true, true, callback)) return false;
    endpoint.canSendMore();
    return true;
  }

  /**
   * WHATWG: what is not sent when the connection ends stays in `bufferedAmount`. A small message that
   * nothing waits before goes to the operating system at once, and needs no callback.
   */
  private callbackFor(
    { limit, unsentAmount }: Connection,
    payload: string | Buffer | Blob,
  ): SendCallback | undefined {
    const length = byteLengthOf(payload);
    const isFirst = unsentAmount === 0 && limit?.backlog.isEmpty !== false;
    if (length <= MAX_UNTRACKED_LENGTH && isFirst) return undefined;
    return (error) => {
      if (error && !isDropped(error)) this.unsentLength += length;
    };
  }

  /** Starts the closing handshake, or fails the connection that is not established yet. */
  close(close: Close): void {
    if (this.state !== CONNECTING) {
      this.connection?.endpoint.startClosingHandshake(close);
      return;
    }
    this.opening.abort();
    this.state = CLOSING;
  }

  // Called by the opening handshake:

  onEstablished(
    socket: Duplex,
    head: Buffer,
    { subprotocol, extension }: Negotiated,
    extensions: string,
  ): void {
    const { client } = this.settings;
    const limits = {
      ...client,
      maxPayload: toLimit(client.maxPayload, DEFAULTS.maxPayload),
      maxFragments: toLimit(client.maxFragments, DEFAULTS.maxFragments),
    };
    const endpoint = endpointOptions('client', limits, client, extension);
    this.subprotocol = subprotocol;
    this.extension = extension;
    this.extensions = extensions;
    this.connection = new Connection(socket, endpoint, this);
    this.limits = applyOptions(this.connection, client, this.owner, this, undefined);
    this.connection.start(head);
    this.state = OPEN;
    reports.reportOpen(this, 'client', undefined);
    this.dispatch(openEvent());
  }

  onFailed(error: Error): void {
    this.failure = error;
    this.end(CloseCode.ABNORMAL, '');
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
    // A message that comes after `close()` is dropped.
    if (this.readyState !== OPEN) return;
    const value = isBinary ? toBinary(data, this.binaryType) : String(data);
    this.dispatch(messageEvent(value, this.origin));
  }

  onPing(payload: Buffer): void {
    reports.reportPing(this, payload);
  }

  onPong(payload: Buffer): void {
    const { connection } = this;
    const roundTripTime = connection?.pings && takePong(connection, payload);
    reports.reportPong(this, payload, roundTripTime);
  }

  onFull(): void {
    reports.reportFull(this);
  }

  onDrain(): void {
    if (this.connection?.limit?.drain() !== false) reports.reportDrained(this);
  }

  onDrop(direction: Direction, reason: DropReason, bytes: number): void {
    reports.reportDrop(this, direction, reason, bytes);
  }

  onDropped(): void {}

  onFailure(error: Error): void {
    reports.reportViolation(this, error);
    this.failure ??= error;
  }

  onClosed(code: number, reason: Buffer): void {
    this.end(code, reason.toString());
  }

  /** WHATWG WebSockets §4: sets the state CLOSED, then dispatches 'error' if it failed, then 'close'. */
  private end(code: number, reason: string): void {
    if (this.state === CLOSED) return;
    this.state = CLOSED;
    this.limits?.stop();
    const { connection, failure } = this;
    const info = connection?.describeClose(this.messagesReceived) ?? describeFailure(failure);
    reports.reportClose(this, code, Buffer.from(reason), info);
    // RFC 6455 §7.2.1 MUST: a connection whose transport is lost without a Close has failed.
    const isLost = info.received === undefined;
    const error = failure ?? (isLost ? (info.error ?? new CloseError(info)) : undefined);
    if (error !== undefined) this.dispatch(errorEvent(error));
    this.dispatch(closeEvent(code, reason, info.wasClean && failure === undefined));
  }

  private dispatch(event: Event): void {
    dispatchEvent.call(this.owner, event);
  }
}

/** Whether a limit dropped the message: the program asked for that, and nothing waits any more. */
function isDropped(error: Error): boolean {
  return (error as { code?: unknown }).code === 'WS_ERR_DROPPED';
}

function notConnectedError(): DOMException {
  return new DOMException(
    'The WebSocket is not open: readyState 0 (CONNECTING)',
    'InvalidStateError',
  );
}
