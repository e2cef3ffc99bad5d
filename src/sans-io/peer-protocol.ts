/** An endpoint without a socket and without a clock: bytes in, events and bytes out. */

import { Buffer } from 'node:buffer';
import { type Close, CloseCode, isCloseCode, MAX_CLOSE_REASON } from '../protocol/close.js';
import { type Application, Endpoint } from '../protocol/endpoint.js';
import type { Extension } from '../protocol/extension.js';
import { Opcode } from '../protocol/frame.js';
import { type FillMask, MaskingKeys } from '../protocol/mask.js';
import type { MessageData, Role } from '../protocol/receiver.js';
import type { Sender } from '../protocol/sender.js';
import type { Wire } from '../protocol/wire.js';

/** The options of {@link ServerProtocol} and {@link ClientProtocol}. */
export interface ProtocolOptions {
  /** The extension that the opening handshake negotiated; default: none. */
  readonly extension?: Extension | undefined;
  /** The maximum length of a received message, in bytes; default: 100 MiB. 0 = no limit. */
  readonly maxPayload?: number | undefined;
  /** The maximum number of frames of a received message; default: 131,072. 0 = no limit. */
  readonly maxFragments?: number | undefined;
  /** Whether Pings are answered; default: true. */
  readonly autoPong?: boolean | undefined;
  /** How long the closing handshake may take, in milliseconds: see {@link TimerEvent}; default: 30,000. */
  readonly closeTimeout?: number | undefined;
  /**
   * Called when events are there outside of a call: zlib inflates and compresses large messages in its
   * thread pool.
   */
  readonly onReady?: (() => void) | undefined;
}

/** A message was received. RFC 6455 §6.2. */
export interface MessageEvent {
  readonly type: 'message';
  /** Binary data, or text as UTF-8. */
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** A Ping or a Pong was received. A Ping is answered already, unless `autoPong` is false. RFC 6455 §5.5. */
export interface ControlEvent {
  readonly type: 'ping' | 'pong';
  readonly payload: Buffer;
}

/** The connection is failed: the peer broke a rule, or a message cannot be sent. RFC 6455 §7.1.7. */
export interface ErrorEvent {
  readonly type: 'error';
  readonly error: Error;
}

/** Set a timer, and call `timeout()` when it expires; undefined: clear it. */
export interface TimerEvent {
  readonly type: 'timer';
  readonly milliseconds: number | undefined;
}

/** 'end': write what `bytesToSend` returns, then end this half of the wire. 'destroy': close it at once. */
export interface WireEvent {
  readonly type: 'end' | 'destroy';
}

/** The connection is closed. It is the last event. RFC 6455 §7.1.4. */
export interface CloseEvent {
  readonly type: 'close';
  /** The code of the peer's Close: 1005 without a code, 1006 without a Close. */
  readonly code: number;
  readonly reason: string;
  /** Whether both Close frames were exchanged. */
  readonly wasClean: boolean;
}

/** What happened. */
export type ProtocolEvent =
  | MessageEvent
  | ControlEvent
  | ErrorEvent
  | TimerEvent
  | WireEvent
  | CloseEvent;

const DEFAULTS = { maxPayload: 104_857_600, maxFragments: 131_072, closeTimeout: 30_000 };

/** Collects what an endpoint does. */
class Collector implements Wire, Application {
  events: ProtocolEvent[] = [];
  written: Buffer[] = [];
  readonly endpoint: Endpoint;
  private readonly onReady: (() => void) | undefined;
  private isInCall = false;

  constructor(role: Role, options: ProtocolOptions, keys: MaskingKeys | undefined) {
    this.onReady = options.onReady;
    const { extension, autoPong = true, closeTimeout = DEFAULTS.closeTimeout } = options;
    const { maxPayload = DEFAULTS.maxPayload, maxFragments = DEFAULTS.maxFragments } = options;
    const receiving = { maxPayload, maxFragments, checkUtf8: true, oneAtATime: false };
    const settings = { role, receiving, extension, keys, autoPong, closeTimeout };
    this.endpoint = new Endpoint(settings, this, this);
  }

  /** Runs one call of the program. */
  run(action: () => void): void {
    this.isInCall = true;
    try {
      action();
      this.readAll();
    } finally {
      this.isInCall = false;
    }
  }

  /** The receiver stops after some decoded messages, so that other connections have a turn. */
  private readAll(): void {
    const { receiver, sender } = this.endpoint;
    while (receiver.hasUnread && !receiver.isDecoding) receiver.resume();
    sender.continue();
  }

  // The endpoint reports what happened:

  onMessage(data: MessageData, isBinary: boolean): void {
    const whole = Buffer.isBuffer(data) ? data : Buffer.concat(data);
    this.events.push({ type: 'message', data: whole, isBinary });
  }

  onPing(payload: Buffer): void {
    this.events.push({ type: 'ping', payload });
  }

  onPong(payload: Buffer): void {
    this.events.push({ type: 'pong', payload });
  }

  onFailure(error: Error): void {
    this.events.push({ type: 'error', error });
  }

  onClosed(code: number, reason: Buffer): void {
    const { wasClean } = this.endpoint;
    this.events.push({ type: 'close', code, reason: reason.toString(), wasClean });
  }

  // The endpoint uses its wire:

  schedule(): void {
    this.flush();
    if (!this.isInCall) this.onReady?.();
  }

  flush(): boolean {
    const { endpoint } = this;
    const batch = endpoint.sender.takeBatch();
    if (batch === undefined) return true;
    this.written.push(Buffer.concat(batch.takeParts()));
    batch.release();
    endpoint.written(batch, true);
    return true;
  }

  end(): void {
    this.endpoint.sender.stop();
    this.events.push({ type: 'end' });
  }

  destroy(): void {
    this.endpoint.sender.stop();
    this.events.push({ type: 'destroy' });
  }

  armCloseTimer(milliseconds: number): void {
    this.events.push({ type: 'timer', milliseconds });
  }

  disarm(): void {
    this.events.push({ type: 'timer', milliseconds: undefined });
  }

  continueReading(): void {
    this.run(() => {});
    this.onReady?.();
  }

  // `run` does what a connection does later:

  continueSending(): void {}
  resumeToDiscard(): void {}
  releaseBacklog(): void {}
  onDrain(): void {}
}

/** The protocol of one end of an open connection. Use {@link ServerProtocol} or {@link ClientProtocol}. */
abstract class PeerProtocol {
  private readonly collector: Collector;

  protected constructor(role: Role, options: ProtocolOptions, keys: MaskingKeys | undefined) {
    this.collector = new Collector(role, options, keys);
  }

  /** The state of the closing handshake: 'OPEN' while messages can be sent. RFC 6455 §7. */
  get state(): string {
    return this.collector.endpoint.state;
  }

  /** Takes received bytes. They are copied. */
  receive(bytes: Uint8Array): void {
    this.collector.run(() => this.collector.endpoint.receiver.push(Buffer.from(bytes)));
  }

  /** Returns what has happened since the last call. */
  events(): ProtocolEvent[] {
    const { events } = this.collector;
    this.collector.events = [];
    return events;
  }

  /** Returns the bytes to write to the wire since the last call; an empty Buffer for none. */
  bytesToSend(): Buffer {
    const { written } = this.collector;
    this.collector.written = [];
    return Buffer.concat(written);
  }

  /**
   * Sends a message, or a fragment of one. RFC 6455 §6.1.
   * @param data a string is sent as text
   * @param options `fin: false` when more fragments follow; `compress: false` for no compression
   * @returns false after a Close: nothing is sent
   */
  send(
    data: Uint8Array | string,
    { binary = typeof data !== 'string', fin = true, compress = true }: SendOptions = {},
  ): boolean {
    const payload = typeof data === 'string' ? data : Buffer.from(data);
    return this.sendWith((sender) => sender.sendMessage(payload, binary, fin, compress, undefined));
  }

  /** Sends a Ping. @throws RangeError for more than 125 bytes. RFC 6455 §5.5.2 */
  ping(payload: Uint8Array | string = ''): boolean {
    return this.sendControl(Opcode.PING, payload);
  }

  /** Sends a Pong that answers no Ping. @throws RangeError for more than 125 bytes. RFC 6455 §5.5.3 */
  pong(payload: Uint8Array | string = ''): boolean {
    return this.sendControl(Opcode.PONG, payload);
  }

  /**
   * Starts the closing handshake. RFC 6455 §7.1.2.
   * @param code default: none
   * @throws RangeError for a code that no Close may have, and for a reason of more than 123 bytes
   */
  close(code: number = CloseCode.NO_STATUS, reason = ''): void {
    const close = toClose(code, reason);
    this.collector.run(() => this.collector.endpoint.startClosingHandshake(close));
  }

  /** The peer has ended its half of the wire. */
  end(): void {
    this.collector.run(() => this.collector.endpoint.wireEnded());
  }

  /** The wire is closed, in both directions. */
  closed(): void {
    this.collector.run(() => {
      this.collector.endpoint.wireEnded();
      this.collector.endpoint.wireClosed();
    });
  }

  /** The timer of the last `TimerEvent` has expired. */
  timeout(): void {
    this.collector.run(() => this.collector.endpoint.timedOut());
  }

  private sendControl(opcode: number, payload: Uint8Array | string): boolean {
    const bytes = Buffer.from(payload);
    return this.sendWith((sender) => {
      if (sender.isClosed) return false;
      sender.sendControl(opcode, bytes, undefined);
      return true;
    });
  }

  private sendWith(send: (sender: Sender) => boolean): boolean {
    let isSent = false;
    this.collector.run(() => {
      isSent = send(this.collector.endpoint.sender);
    });
    return isSent;
  }
}

/** How a message is sent. */
interface SendOptions {
  readonly binary?: boolean | undefined;
  readonly fin?: boolean | undefined;
  readonly compress?: boolean | undefined;
}

/** The server's end of an open connection. */
export class ServerProtocol extends PeerProtocol {
  constructor(options: ProtocolOptions = {}) {
    super('server', options, undefined);
  }
}

/** The client's end of an open connection. It masks what it sends. RFC 6455 §5.3. */
export class ClientProtocol extends PeerProtocol {
  /**
   * @param options `generateMask` fills the masking key of each frame; default: random
   */
  constructor(options: ProtocolOptions & { readonly generateMask?: FillMask | undefined } = {}) {
    super('client', options, options.generateMask && new MaskingKeys(options.generateMask));
  }
}

function toClose(code: number, reason: string): Close {
  if (code !== CloseCode.NO_STATUS && !isCloseCode(code)) {
    throw new RangeError(`A Close cannot have the code ${code}: use 1000, or 3000 to 4999`);
  }
  const bytes = Buffer.from(reason);
  if (bytes.length > MAX_CLOSE_REASON) {
    throw new RangeError(`A close reason has at most 123 bytes as UTF-8: this has ${bytes.length}`);
  }
  return { code, reason: bytes };
}
