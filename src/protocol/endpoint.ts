/** RFC 6455 §5.5, §7: connects receiver and sender: Ping and Pong, closing handshake, failure. */

import { Buffer } from 'node:buffer';
import {
  type Close,
  CloseCode,
  type ClosingAction,
  type ClosingInput,
  type ClosingState,
  closingStep,
  readClose,
  writeClose,
} from './close.js';
import { type CloseCause, type CloseOrigin, originOf } from './close-origin.js';
import { ProtocolError } from './errors.js';
import type { Extension } from './extension.js';
import { Opcode } from './frame.js';
import type { FrameObserver } from './frame-observer.js';
import { type MaskingKeys, randomMaskingKeys } from './mask.js';
import {
  type ControlSink,
  type MessageSink,
  Receiver,
  type ReceiverOptions,
  type Role,
} from './receiver.js';
import { Sender, type SenderOwner } from './sender.js';
import type { Wire } from './wire.js';
import type { WriteBatch } from './write-batch.js';

/** Receives the messages and other events of a connection. */
export interface Application extends MessageSink {
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  onFailure(error: Error): void;
  /** `canSendMore` returns false for the first time since the last `onDrain`. */
  onFull(): void;
  /** More may be sent: `canSendMore` had returned false. */
  onDrain(): void;
  /** The connection is closed. The code and reason are the peer's; 1006 if no Close was received. */
  onClosed(code: number, reason: Buffer): void;
}

/** How an endpoint behaves. */
export interface EndpointOptions {
  readonly role: Role;
  readonly receiving: ReceiverOptions;
  /** RFC 6455 §5.2 MUST: an extension is used only if the opening handshake negotiated it. */
  readonly extension: Extension | undefined;
  /** A client's source of masking keys; undefined for the random one. A server has none. */
  readonly keys: MaskingKeys | undefined;
  /** The initial value of `Endpoint.autoPong`. */
  readonly autoPong: boolean;
  /** The time limit of the closing handshake, in milliseconds. */
  readonly closeTimeout: number;
}

/** After the closing handshake a client waits this long for the end of TCP, in milliseconds. */
const LINGER = 1000;

/** From this many queued bytes on, the application should wait for 'drain'. */
const MAX_QUEUED_BYTES = 65_536;

const NO_REASON = Buffer.alloc(0);

/** One end of an established connection, without socket and clock. */
export class Endpoint implements ControlSink, SenderOwner {
  readonly receiver: Receiver;
  readonly sender: Sender;
  /** Whether Pings are answered automatically. */
  autoPong: boolean;
  state: ClosingState = 'OPEN';
  /** The Close that was sent or will be sent. */
  sent: Close | undefined;
  /** The Close that the peer sent. */
  received: Close | undefined;
  /** The violation of the peer, if it failed the connection. */
  violation: ProtocolError | undefined;
  /** The error in sending, if it failed the connection. */
  failure: Error | undefined;
  /** Who ended the connection, and why; undefined while it is open. */
  origin: CloseOrigin | undefined;

  private readonly options: EndpointOptions;
  private readonly wire: Wire;
  private readonly application: Application;
  /** The socket's buffer is full: `write` returned false. */
  private needsDrain = false;
  /** A 'drain' event is due. */
  private drainPending = false;
  /** RFC 6455 §5.5.3: of several Pings, it is enough to answer the most recent one. */
  private pendingPong: Buffer | undefined;

  constructor(options: EndpointOptions, wire: Wire, application: Application) {
    this.options = options;
    this.autoPong = options.autoPong;
    this.wire = wire;
    this.application = application;
    const { role, receiving, extension } = options;
    this.receiver = new Receiver(role, receiving, extension, application, this);
    // RFC 6455 §5.1 MUST: a client masks every frame, a server none.
    const keys = role === 'client' ? (options.keys ?? randomMaskingKeys()) : undefined;
    this.sender = new Sender(wire, keys, extension, this);
  }

  get frames(): FrameObserver | undefined {
    return this.application.frames;
  }

  /** RFC 6455 §7.1.4: a connection is closed cleanly if a Close frame was sent and one received. */
  get wasClean(): boolean {
    return this.sent !== undefined && this.received !== undefined;
  }

  /**
   * Starts the closing handshake with this Close.
   * @param origin why, if the program did not call `close()`
   * @throws any exception of the program's `generateMask`; then nothing has changed
   */
  startClosingHandshake(close: Close, origin?: CloseOrigin): void {
    if (this.state !== 'OPEN') return;
    this.sender.prepareKey();
    this.sent = close;
    this.origin = origin;
    this.input('CLOSE_CALLED');
  }

  /**
   * Fails the connection for an error of this end: the peer gets a Close with 1011, without details.
   * @returns false if it was failed or closed before: then `onFailure` is not called
   */
  fail(error: Error, cause: CloseCause): boolean {
    const { state } = this;
    if (state !== 'OPEN' && state !== 'CLOSE_QUEUED' && state !== 'CLOSE_SENT') return false;
    this.failure = error;
    this.origin ??= { by: 'us', cause };
    this.sent ??= { code: CloseCode.INTERNAL_ERROR, reason: NO_REASON };
    this.input('VIOLATION');
    return true;
  }

  /**
   * Closes TCP at once. Nothing more is delivered.
   * @param origin why, if the program did not call `terminate()`
   */
  terminate(origin?: CloseOrigin): void {
    this.origin ??= origin;
    this.input('TERMINATED');
  }

  /** The wire has written a batch. @param drained false if its buffer is full */
  written(batch: WriteBatch, drained: boolean): void {
    this.needsDrain = !drained;
    if (batch.containsClose) this.input('CLOSE_WRITTEN');
  }

  /** Whether the wire takes more, and little waits to be encoded. */
  get acceptsMore(): boolean {
    return !this.needsDrain && this.sender.queuedLength < MAX_QUEUED_BYTES;
  }

  /** Whether the application may send more now. If not, `onDrain` follows. */
  canSendMore(): boolean {
    const canSend = this.acceptsMore;
    if (!canSend && !this.drainPending) {
      this.drainPending = true;
      this.application.onFull();
    }
    return canSend;
  }

  /** The buffer of the wire is empty again. */
  drained(): void {
    this.needsDrain = false;
    this.sendPendingPong();
    this.emitDrain();
  }

  private sendPendingPong(): void {
    const { pendingPong } = this;
    if (pendingPong === undefined) return;
    this.pendingPong = undefined;
    if (this.answersPings() && this.sender.hasKey()) {
      this.sender.sendControlNow(Opcode.PONG, pendingPong);
    }
  }

  private emitDrain(): void {
    if (!this.drainPending || this.needsDrain || this.state !== 'OPEN') return;
    this.drainPending = false;
    this.application.onDrain();
  }

  /** The peer ended its half of the wire. */
  wireEnded(): void {
    this.input('WIRE_ENDED');
  }

  /** The wire is closed. */
  wireClosed(): void {
    this.input('WIRE_CLOSED');
  }

  /** The close timer expired. */
  timedOut(): void {
    this.input('TIMED_OUT');
  }

  // RFC 6455 §6.2 MUST: a control frame is handled as §5.5 says.
  onControl(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.PING) this.onPing(payload);
    else if (opcode === Opcode.PONG) this.application.onPong(payload);
    else this.onClose(payload);
  }

  /** A message cannot be sent: the connection fails. */
  onSenderFailed(error: Error): void {
    const isReported = this.state === 'FAILED' || this.state === 'CLOSED';
    this.failure = error;
    this.origin ??= { by: 'us', cause: 'failure' };
    this.terminate();
    if (!isReported) this.application.onFailure(error);
  }

  onQueueEmpty(): void {
    this.emitDrain();
  }

  onDecoded(): void {
    this.wire.continueReading();
  }

  // RFC 6455 §7.1.7 MUST: both roles close a connection that they fail.
  // RFC 6455 §10.7 SHOULD: a Close with the reason comes first.
  onViolation(error: ProtocolError): void {
    this.violation = error;
    this.sent ??= { code: error.closeCode, reason: Buffer.from(error.message) };
    this.input('VIOLATION');
  }

  private onPing(payload: Buffer): void {
    if (this.autoPong) this.answerPing(payload);
    this.application.onPing(payload);
  }

  // RFC 6455 §5.5.2 MUST: a Ping is answered by a Pong, unless a Close was received.
  // RFC 6455 §5.5.3 MUST: the Pong has the payload of its Ping.
  private answerPing(payload: Buffer): void {
    if (!this.answersPings()) return;
    if (this.needsDrain) this.pendingPong = Buffer.from(payload);
    else if (this.sender.hasKey()) this.sender.sendControlNow(Opcode.PONG, payload);
  }

  private answersPings(): boolean {
    return this.state === 'OPEN' || this.state === 'CLOSE_QUEUED' || this.state === 'CLOSE_SENT';
  }

  private onClose(payload: Buffer): void {
    const close = readClose(payload, this.receiver.options.checkUtf8);
    if (close instanceof ProtocolError) {
      this.onViolation(close);
      return;
    }
    this.received = close;
    // RFC 6455 §5.5.1 MUST: a Close is answered by a Close; typically it echoes the code.
    this.sent ??= close;
    this.input('CLOSE_RECEIVED');
  }

  private input(input: ClosingInput): void {
    const step = closingStep(this.state, input, this.options.role);
    if (step === undefined) return;
    this.origin ??= originOf(input, this.violation);
    this.state = step.to;
    for (const action of step.actions) this.act(action);
  }

  private act(action: ClosingAction): void {
    switch (action) {
      case 'send':
        this.sendClose();
        break;
      case 'arm':
        this.wire.armCloseTimer(this.options.closeTimeout);
        break;
      case 'linger':
        this.wire.armCloseTimer(Math.min(LINGER, this.options.closeTimeout));
        break;
      case 'discard':
        this.receiver.discard();
        this.wire.resumeToDiscard();
        break;
      case 'end':
        this.wire.end();
        break;
      case 'destroy':
        this.wire.destroy();
        break;
      case 'report':
        this.reportFailure();
        break;
      case 'finish':
        this.wire.disarm();
        this.reportClosed();
        break;
    }
  }

  private reportFailure(): void {
    const error = this.violation ?? this.failure;
    if (error !== undefined) this.application.onFailure(error);
  }

  // RFC 6455 §7.1.2 MUST: the closing handshake starts with a Close that has the code and the reason.
  private sendClose(): void {
    if (this.sent === undefined) return;
    this.wire.releaseBacklog();
    if (!this.sender.hasKey()) return;
    this.sender.sendClose(writeClose(this.sent));
  }

  // RFC 6455 §7.1.5, §7.1.6: the code and reason are those of the peer's Close; 1006 if none came.
  private reportClosed(): void {
    const { received } = this;
    this.application.onClosed(received?.code ?? CloseCode.ABNORMAL, received?.reason ?? NO_REASON);
  }
}
