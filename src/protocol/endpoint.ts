/** RFC 6455 §5.5, §7: where both directions meet: Ping and Pong, closing handshake, failure. */

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
import { ProtocolError } from './errors.js';
import type { Extension } from './extension.js';
import { Opcode } from './frame.js';
import { type MaskingKeys, randomMaskingKeys } from './mask.js';
import {
  type ControlSink,
  type MessageSink,
  Receiver,
  type ReceiverOptions,
  type Role,
} from './receiver.js';
import { Sender, type SenderOwner, type Wire } from './sender.js';
import type { Gather } from './write-batch.js';

/** What messages go to, and what is told of everything else. */
export interface Application extends MessageSink {
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  onFailure(error: Error): void;
  /** More may be sent again: `mayAccept` had said no. */
  onDrain(): void;
  /** The connection is closed: the peer's Close, or 1006 if none came. */
  onClosed(code: number, reason: Buffer): void;
}

/** How an endpoint behaves. */
export interface EndpointOptions {
  readonly role: Role;
  readonly receiving: ReceiverOptions;
  /** What was agreed on in the opening handshake. RFC 6455 §9. */
  readonly extension: Extension | undefined;
  /** A client's source of masking keys; undefined for the random one. A server masks nothing. */
  readonly keys: MaskingKeys | undefined;
  /** whether Pings are answered */
  readonly autoPong: boolean;
  /** milliseconds that a closing handshake may take */
  readonly closeTimeout: number;
}

/** How long a client waits for the server to end TCP, in milliseconds. RFC 6455 §7.1.1. */
const LINGER = 1000;

/** Above so many bytes that wait to be encoded the application should wait: as Node's streams do. */
const MOST_WAITING = 65_536;

const NO_REASON = Buffer.alloc(0);

/** One end of an established connection; knows no socket and no clock. */
export class Endpoint implements ControlSink, SenderOwner {
  readonly receiver: Receiver;
  readonly sender: Sender;
  /** Whether Pings are answered by themselves. */
  autoPong: boolean;
  state: ClosingState = 'OPEN';
  /** The Close that was sent or is about to be. */
  sent: Close | undefined;
  /** The Close that the peer sent. */
  received: Close | undefined;
  /** What made the connection fail, if it was the peer. */
  violation: ProtocolError | undefined;
  /** What kept us from sending, if it was that. */
  failure: Error | undefined;

  private readonly options: EndpointOptions;
  private readonly wire: Wire;
  private readonly application: Application;
  /** Whether the wire asked to be left to drain. */
  private congested = false;
  /** Whether the application waits to hear that more may be sent. */
  private owesDrain = false;
  /** RFC 6455 §5.5.3: of several Pings, only the most recent one has to be answered. */
  private owedPong: Buffer | undefined;

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

  /** Whether both Close frames passed. RFC 6455 §7.1.4: the connection was closed cleanly. */
  get wasClean(): boolean {
    return this.sent !== undefined && this.received !== undefined;
  }

  /**
   * Starts the closing handshake. RFC 6455 §7.1.2.
   * @throws what the program's `generateMask` throws; then nothing has changed
   */
  startClosingHandshake(close: Close): void {
    if (this.state !== 'OPEN') return;
    this.sender.prepareKey();
    this.sent = close;
    this.input('CLOSE_CALLED');
  }

  /** Drops the connection; nothing is delivered any more. */
  terminate(): void {
    this.input('TERMINATED');
  }

  /** The wire has written what was gathered. @param drained whether it may be given more */
  written(gathered: Gather, drained: boolean): void {
    this.congested = !drained;
    if (gathered.holdsClose) this.input('CLOSE_WRITTEN');
  }

  /** Whether the application may send more at once; if not, `onDrain` will say when. */
  mayAccept(): boolean {
    const mayAccept = !this.congested && this.sender.waiting < MOST_WAITING;
    if (!mayAccept) this.owesDrain = true;
    return mayAccept;
  }

  /** The wire may be given more again. */
  drained(): void {
    this.congested = false;
    this.payPong();
    this.tellDrained();
  }

  private payPong(): void {
    const { owedPong } = this;
    if (owedPong === undefined) return;
    this.owedPong = undefined;
    if (this.answersPings() && this.sender.hasKey()) {
      this.sender.control(Opcode.PONG, owedPong, undefined);
    }
  }

  private tellDrained(): void {
    if (!this.owesDrain || this.congested || this.state !== 'OPEN') return;
    this.owesDrain = false;
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

  /** The close timer ran out. */
  timedOut(): void {
    this.input('TIMED_OUT');
  }

  onControl(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.PING) this.onPing(payload);
    else if (opcode === Opcode.PONG) this.application.onPong(payload);
    else this.onClose(payload);
  }

  /** What was to be sent can't be: the message is lost, and with it the connection. */
  onSenderFailed(error: Error): void {
    const reported = this.state === 'FAILED' || this.state === 'CLOSED';
    this.failure = error;
    this.terminate();
    if (!reported) this.application.onFailure(error);
  }

  onSenderEased(): void {
    this.tellDrained();
  }

  onDecoded(): void {
    this.wire.continueReading();
  }

  // RFC 6455 §7.1.7: _Fail the WebSocket Connection_ sends a Close that says why, then ends.
  onViolation(error: ProtocolError): void {
    this.violation = error;
    this.sent ??= { code: error.closeCode, reason: Buffer.from(error.message) };
    this.input('VIOLATION');
  }

  private onPing(payload: Buffer): void {
    if (this.autoPong) this.answerPing(payload);
    this.application.onPing(payload);
  }

  // RFC 6455 §5.5.2: a Ping is answered, as soon as is practical, with its own payload.
  private answerPing(payload: Buffer): void {
    if (!this.answersPings()) return;
    if (this.congested) this.owedPong = Buffer.from(payload);
    else if (this.sender.hasKey()) this.sender.control(Opcode.PONG, payload, undefined);
  }

  /** RFC 6455 §5.5.2: until a Close was received, also behind our own. */
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
    // RFC 6455 §5.5.1: the answer typically echoes the code that was received.
    this.sent ??= close;
    this.input('CLOSE_RECEIVED');
  }

  private input(input: ClosingInput): void {
    const step = closingStep(this.state, input, this.options.role);
    if (step === undefined) return;
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
        this.wire.readOn();
        break;
      case 'end':
        this.wire.end();
        break;
      case 'destroy':
        this.wire.destroy();
        break;
      case 'report':
        if (this.violation !== undefined) this.application.onFailure(this.violation);
        break;
      case 'tell':
        this.wire.disarm();
        this.tell();
        break;
    }
  }

  private sendClose(): void {
    if (this.sent === undefined || !this.sender.hasKey()) return;
    this.sender.close(writeClose(this.sent));
  }

  // RFC 6455 §7.1.5, §7.1.6: what is told is what the peer's Close said, 1006 if none came.
  private tell(): void {
    const { received } = this;
    this.application.onClosed(received?.code ?? CloseCode.ABNORMAL, received?.reason ?? NO_REASON);
  }
}
