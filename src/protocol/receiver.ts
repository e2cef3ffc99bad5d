/** RFC 6455 §6.2: receives bytes, and delivers messages and control frames. */

import { Buffer, isUtf8 } from 'node:buffer';
import { MessageAssembler, type MessageLimits } from './assembler.js';
import { type DecodeResult, Decoder } from './decoder.js';
import { ProtocolError, type Violation } from './errors.js';
import type { Extension } from './extension.js';
import { type FrameHeader, Opcode } from './frame.js';
import type { FrameObserver, FrameSource } from './frame-observer.js';
import { FrameReader } from './frame-reader.js';
import { checkHeaderStart, checkLength } from './frame-rules.js';
import { unmask, unmaskedCopy } from './mask.js';

/** Which end of the connection this is. */
export type Role = 'server' | 'client';

/** A message: one Buffer, or its fragments with {@link Receiver.inFragments}. */
export type MessageData = Buffer | Buffer[];

/** Receives messages. */
export interface MessageSink extends FrameSource {
  onMessage(data: MessageData, isBinary: boolean): void;
}

/** Receives control frames and violations. */
export interface ControlSink {
  onControl(opcode: number, payload: Buffer): void;
  onViolation(error: ProtocolError): void;
  /** A message is decoded that was not decoded at once: `resume` delivers it. */
  onDecoded(): void;
}

/** The options of a receiver. They may be replaced at any time. */
export interface ReceiverOptions extends MessageLimits {
  /** The maximum number of bytes in a message; 0 = no limit. */
  readonly maxPayload: number;
  /** The maximum number of frames in a message; 0 = no limit. */
  readonly maxFragments: number;
  /** Whether text and close reasons are checked to be UTF-8. */
  readonly checkUtf8: boolean;
  /** Whether the receiver suspends itself after each message and control frame. */
  readonly oneAtATime: boolean;
}

/**
 * Payloads up to this size are copied: V8 allocates such buffers on its own heap, so a copy costs no
 * more than a view, and keeping the message does not keep the read buffer.
 */
const COPY_THRESHOLD = 64;

/**
 * Reads the bytes of a connection in chunks, and calls its sinks. Payloads are unmasked in place: the
 * chunks belong to the receiver.
 */
export class Receiver extends FrameReader {
  /** Whether binary messages are delivered as fragments, not as one Buffer. */
  inFragments = false;
  options: ReceiverOptions;

  private readonly role: Role;
  private readonly decoder: Decoder | undefined;
  private messages: MessageSink;
  private controls: ControlSink;

  /** The opcode of the first frame of the message in progress; 0 if there is none. */
  private messageOpcode = 0;
  /** The reserved bits of that frame. RFC 7692 §6.1: the extension's bit marks the whole message. */
  private messageReserved = 0;
  /** Created for the first message that arrives in parts. Most connections need none. */
  private assembler: MessageAssembler | undefined;

  /** @param extension decodes the messages that have its reserved bit */
  constructor(
    role: Role,
    options: ReceiverOptions,
    extension: Extension | undefined,
    messages: MessageSink,
    controls: ControlSink,
  ) {
    super();
    this.role = role;
    this.options = options;
    this.decoder = extension && new Decoder(extension, () => this.controls.onDecoded());
    this.messages = messages;
    this.controls = controls;
  }

  /** Whether bytes are not read or a message is not delivered: it is being decoded, for example. */
  override get hasUnread(): boolean {
    return super.hasUnread || this.decoder?.holdsMessage === true;
  }

  /** Whether a message is being decoded; `onDecoded` will be called. */
  get isDecoding(): boolean {
    return this.decoder?.isBusy === true;
  }

  /** Replaces the sinks. */
  redirect(messages: MessageSink, controls: ControlSink): void {
    this.messages = messages;
    this.controls = controls;
  }

  override resume(): void {
    this.decoder?.resetBudget();
    super.resume();
  }

  override discard(): void {
    super.discard();
    this.assembler = undefined;
    this.decoder?.discard();
  }

  protected override get mayContinue(): boolean {
    return super.mayContinue && !this.isDecoding;
  }

  protected checkHeaderStart(header: FrameHeader): boolean {
    const owned = this.decoder === undefined ? 0 : this.decoder.reserved;
    const inMessage = this.messageOpcode !== 0;
    const violation = checkHeaderStart(header, this.role === 'server', inMessage, owned);
    if (violation === undefined) return true;
    const detail = violation === 'INVALID_OPCODE' ? header.opcode : header.shortLength;
    return this.fail(violation, detail);
  }

  protected enterDataFrame(header: FrameHeader): boolean {
    const violation = this.checkDataFrame(header);
    if (violation !== undefined) return this.fail(violation, header.length);
    // RFC 6455 §6.2 MUST: the opcode of the first frame is the type of the message.
    // RFC 6455 §5.4 MUST: all fragments of a message have that type.
    if (header.opcode !== Opcode.CONTINUATION) {
      this.messageOpcode = header.opcode;
      this.messageReserved = header.reserved;
    }
    return true;
  }

  protected afterHeader(header: FrameHeader): boolean {
    const { frames } = this.messages;
    return frames === undefined || this.observe(frames, header, undefined);
  }

  /** @returns false if the observer has ended the connection */
  private observe(
    observer: FrameObserver,
    header: FrameHeader,
    payload: Buffer | undefined,
  ): boolean {
    observer.onReceived(header, payload);
    return !this.isDiscarding;
  }

  // RFC 6455 §5.4 MUST: a message may come in one frame or in several.
  /** Checks the lengths in a header before memory is allocated for the payload. */
  private checkDataFrame(header: FrameHeader): Violation | undefined {
    const isUnfragmented = header.fin && header.opcode !== Opcode.CONTINUATION;
    if (isUnfragmented) return checkLength(header, 0, this.options.maxPayload);
    return this.openAssembler().acceptHeader(header, this.options);
  }

  protected takePayload(start: number, end: number, key: number): void {
    const { unread } = this;
    const isLast = this.remaining === 0 && this.fin;
    if (isLast && !this.hasPieces) this.takeWholePayload(this.payloadOf(start, end, key));
    else if (unread.isBackedUp) {
      // The piece is kept longer than the backup, so it is copied.
      const piece = Buffer.from(unread.chunk.subarray(start, end));
      this.takePiece(piece, 0, piece.length, key, isLast);
    } else this.takePiece(unread.chunk, start, end, key, isLast);
  }

  protected takeControlFrame(header: FrameHeader, bytes: Buffer, start: number): void {
    const { opcode, length, maskingKey } = header;
    const payload = unmaskedCopy(bytes, start, start + length, maskingKey);
    if (this.options.oneAtATime) this.suspend();
    const { frames } = this.messages;
    if (frames !== undefined && !this.observe(frames, header, payload)) return;
    this.controls.onControl(opcode, payload);
  }

  protected deliverReady(): void {
    const decoded = this.decoder?.take();
    if (decoded !== undefined) this.takeDecoded(decoded);
  }

  private openAssembler(): MessageAssembler {
    this.assembler ??= new MessageAssembler();
    return this.assembler;
  }

  /** Whether an earlier part of the message in progress was kept. */
  private get hasPieces(): boolean {
    return this.assembler !== undefined && !this.assembler.isEmpty;
  }

  private get isEncoded(): boolean {
    return this.messageReserved !== 0;
  }

  private get isCheckedText(): boolean {
    return this.messageOpcode === Opcode.TEXT && !this.isEncoded && this.options.checkUtf8;
  }

  private get keepsFragments(): boolean {
    return this.inFragments && this.messageOpcode === Opcode.BINARY && !this.isEncoded;
  }

  /** Returns the bytes of the chunk from `start` to `end`, unmasked: a copy if short, else a view. */
  private payloadOf(start: number, end: number, key: number): Buffer {
    const { unread } = this;
    const { chunk } = unread;
    if (end - start <= COPY_THRESHOLD || !unread.mayShare(end)) {
      return unmaskedCopy(chunk, start, end, key);
    }
    // RFC 6455 §6.2 MUST: a server removes the masking. Pieces are unmasked when they are joined.
    unmask(chunk, start, end, key);
    return start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
  }

  /** Keeps a part of a message. Text is unmasked and checked now, binary data when it is joined. */
  private takePiece(chunk: Buffer, start: number, end: number, key: number, isLast: boolean): void {
    const assembler = this.openAssembler();
    if (this.isCheckedText) {
      unmask(chunk, start, end, key);
      assembler.addPiece(chunk, start, end, 0, this.remaining);
      // RFC 6455 §8.1: text that arrives in pieces fails at its first wrong byte.
      if (!assembler.checkUtf8Piece(chunk.subarray(start, end), isLast)) {
        this.fail('INVALID_UTF8');
        return;
      }
    } else if (this.keepsFragments) this.takeFragmentPiece(assembler, chunk, start, end, key);
    else assembler.addPiece(chunk, start, end, key, this.remaining);
    if (isLast) this.takeAssembled(assembler);
  }

  private takeFragmentPiece(
    assembler: MessageAssembler,
    chunk: Buffer,
    start: number,
    end: number,
    key: number,
  ): void {
    const { remaining } = this;
    const isShort = end - start <= COPY_THRESHOLD;
    if (isShort && remaining === 0 && !assembler.isInFragment) {
      assembler.addFragment(unmaskedCopy(chunk, start, end, key));
    } else {
      assembler.addPiece(chunk, start, end, key, remaining);
      if (remaining === 0) assembler.endFragment();
    }
  }

  // RFC 7692 §6.2 MUST: a message that is not encoded is delivered as it is.
  /** Takes a message that is one payload in one chunk. */
  private takeWholePayload(payload: Buffer): void {
    if (this.isEncoded) this.decode(payload);
    else this.takeMessage(payload);
  }

  private takeAssembled(assembler: MessageAssembler): void {
    if (this.isEncoded) this.decode(assembler.join());
    else {
      const data = this.keepsFragments ? assembler.takeFragments() : assembler.join();
      this.deliver(data, this.messageOpcode === Opcode.BINARY);
    }
  }

  private takeMessage(message: Buffer): void {
    const isBinary = this.messageOpcode === Opcode.BINARY;
    // RFC 6455 §5.6 MUST: the whole message is UTF-8.
    // RFC 6455 §8.1 MUST: text that is not UTF-8 fails the connection.
    if (!isBinary && this.options.checkUtf8 && !isUtf8(message)) {
      this.fail('INVALID_UTF8');
      return;
    }
    this.deliver(isBinary && this.inFragments ? asFragments(message) : message, isBinary);
  }

  /** RFC 7692 §6.2 MUST: a message is decoded when it is complete. */
  private decode(payload: Buffer): void {
    const decoded = this.decoder?.decode(payload, this.options.maxPayload);
    if (decoded !== undefined) this.takeDecoded(decoded);
  }

  private takeDecoded(decoded: DecodeResult): void {
    if (decoded instanceof ProtocolError) {
      this.failWith(decoded);
      return;
    }
    if (this.decoder?.shouldYield) this.suspend();
    this.takeMessage(decoded);
  }

  // RFC 6455 §6.2 MUST: the next data frame begins a new message.
  private deliver(message: MessageData, isBinary: boolean): void {
    this.messageOpcode = 0;
    this.assembler?.reset();
    if (this.options.oneAtATime) this.suspend();
    this.messages.onMessage(message, isBinary);
  }

  // RFC 6455 §7.1.7 MUST NOT: once the connection is failed, nothing that comes is processed.
  private fail(violation: Violation, detail?: number): false {
    this.failWith(new ProtocolError(violation, detail));
    return false;
  }

  private failWith(error: ProtocolError): void {
    this.discard();
    this.controls.onViolation(error);
  }
}

/** Returns a whole message as fragments. An empty message has none. */
function asFragments(message: Buffer): Buffer[] {
  return message.length === 0 ? [] : [message];
}
