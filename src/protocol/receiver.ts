/** RFC 6455 §6.2: bytes in, messages out. */

import { Buffer, isUtf8 } from 'node:buffer';
import { MessageAssembler, type MessageLimits } from './assembler.js';
import { ChunkQueue } from './chunk-queue.js';
import { type DecodeResult, Decoder } from './decoder.js';
import { ProtocolError, type Violation } from './errors.js';
import type { Extension } from './extension.js';
import { FrameHeader, Opcode, readHeader } from './frame.js';
import { checkHeaderStart, checkLength } from './frame-rules.js';
import { advanceKey, unmask, unmaskedCopy } from './mask.js';

/** Which end of the connection this is. */
export type Role = 'server' | 'client';

/** A message as it is handed up: whole, or in its fragments where these were asked for. */
export type MessageData = Buffer | Buffer[];

/** Where messages go. */
export interface MessageSink {
  onMessage(data: MessageData, isBinary: boolean): void;
}

/** Where control frames and broken rules go. */
export interface ControlSink {
  onControl(opcode: number, payload: Buffer): void;
  onViolation(error: ProtocolError): void;
  /** A message that took its time is decoded: `resume` hands it up. */
  onDecoded(): void;
}

/** What a receiver accepts, and how it hands it up; other options may take their place any time. */
export interface ReceiverOptions extends MessageLimits {
  /** bytes in a message; 0 = no limit */
  readonly maxPayload: number;
  /** frames in a message; 0 = no limit */
  readonly maxFragments: number;
  /** whether text and close reasons must be UTF-8 */
  readonly checkUtf8: boolean;
  /** whether it suspends itself with each message and control frame that it hands up */
  readonly oneAtATime: boolean;
}

const NOTHING = Buffer.alloc(0);

/**
 * After so many frames the receiver suspends itself, so that a peer which floods us with tiny ones
 * shares the event loop with the others: about 2 ms without the application's own work.
 */
const MAX_FRAMES_IN_A_ROW = 4096;

/**
 * Up to so many bytes a payload is copied out of its chunk: that costs no more than a view on it, for
 * V8 keeps such a short Buffer in its own heap. And who keeps a short message keeps no chunk.
 */
const COPY_THRESHOLD = 64;

/** A rule was broken: there is no head. */
const BROKEN = -1;

/** The header that was read last, whoever read it: a receiver keeps what it will still need. */
const header = new FrameHeader();

/**
 * Takes the bytes of a connection in chunks, however they are cut, and hands up messages and
 * control frames. Payloads are unmasked in place: the chunks belong to the receiver.
 *
 * A sink is called last, with the state already made ready for the next frame, so that it may
 * suspend, discard or throw. After a throw the rest of the chunk is kept; `resume` goes on.
 */
export class Receiver {
  /** Whether binary messages are handed up in their fragments instead of in one Buffer. */
  inFragments = false;

  private readonly role: Role;
  options: ReceiverOptions;
  private readonly decoder: Decoder | undefined;
  private messages: MessageSink;
  private controls: ControlSink;

  private readonly unread = new ChunkQueue();
  private mode: 'READING' | 'SUSPENDED' | 'DISCARDING' = 'READING';
  private running = false;

  /** What there is of the head of a frame that the end of a chunk cut. */
  private cut: Buffer = NOTHING;
  private framesInARow = 0;
  /** Whether the data frame in progress is the last one of its message. */
  private fin = false;
  /** Payload bytes of this frame still to come, and the key as it stands for them; 0 for none. */
  private remaining = 0;
  private maskingKey = 0;

  /** The opcode of the first frame of the message in progress; 0 if there is none. */
  private messageOpcode = 0;
  /** The reserved bits of that frame. RFC 7692 §6.1: that of the extension marks the whole message. */
  private messageReserved = 0;
  /** Made with the first message that comes in parts; on most connections none does. */
  private assembly: MessageAssembler | undefined;

  /** @param extension what decodes the messages that bear its reserved bit */
  constructor(
    role: Role,
    options: ReceiverOptions,
    extension: Extension | undefined,
    messages: MessageSink,
    controls: ControlSink,
  ) {
    this.role = role;
    this.options = options;
    this.decoder = extension && new Decoder(extension, () => this.controls.onDecoded());
    this.messages = messages;
    this.controls = controls;
  }

  /** Whether something waits: after `suspend`, because a sink threw, or behind a decoding. */
  get hasUnread(): boolean {
    return !this.unread.isEmpty || this.decoder?.holdsMessage === true;
  }

  /** Whether a message is being decoded; `onDecoded` will be called. */
  get isDecoding(): boolean {
    return this.decoder?.isBusy === true;
  }

  /** Whether all that comes is dropped. */
  get isDiscarding(): boolean {
    return this.mode === 'DISCARDING';
  }

  /** Whether it waits for `resume`. */
  get isSuspended(): boolean {
    return this.mode === 'SUSPENDED';
  }

  /** From here on hands up to others. */
  redirect(messages: MessageSink, controls: ControlSink): void {
    this.messages = messages;
    this.controls = controls;
  }

  /** Keeps a chunk until `resume`. */
  queue(chunk: Buffer): void {
    if (this.mode !== 'DISCARDING') this.unread.add(chunk);
  }

  /** Takes the next chunk. What a sink throws comes out of here; nothing is lost by it. */
  push(chunk: Buffer): void {
    if (this.running || this.mode !== 'READING' || this.hasUnread) {
      this.queue(chunk);
      return;
    }
    this.unread.start(chunk);
    this.run();
  }

  /** Hands up nothing more until `resume`. */
  suspend(): void {
    if (this.mode === 'READING') this.mode = 'SUSPENDED';
  }

  /** Goes on with what was kept. */
  resume(): void {
    if (this.mode === 'SUSPENDED') this.mode = 'READING';
    this.framesInARow = 0;
    this.decoder?.rest();
    if (!this.running) this.run();
  }

  /** Drops what it holds and everything that comes. */
  discard(): void {
    this.mode = 'DISCARDING';
    this.unread.clear();
    this.assembly = undefined;
    this.cut = NOTHING;
    this.decoder?.discard();
  }

  private run(): void {
    this.running = true;
    try {
      this.takeReady();
      while (this.mayGoOn() && this.unread.hasBytes()) this.advance();
    } finally {
      this.running = false;
      this.unread.pause();
    }
  }

  private mayGoOn(): boolean {
    return this.mode === 'READING' && !this.isDecoding;
  }

  /** Reads to the end of the chunk or of the frame, whichever comes first. */
  private advance(): void {
    if (this.remaining > 0 || this.takeHead()) this.takeDataPayload();
  }

  /**
   * Takes the head of a frame: its header, and of a control frame its payload too. What the end of a
   * chunk cuts of it, at most 139 bytes, waits in `cut`.
   * @returns whether the payload of a data frame comes next
   */
  private takeHead(): boolean {
    const { unread } = this;
    for (;;) {
      const isCut = this.cut.length > 0;
      const bytes = isCut ? this.cut : unread.chunk;
      const start = isCut ? 0 : unread.offset;
      const size = this.readHead(bytes, start);
      if (size === BROKEN) return false;
      if (bytes.length - start >= size) {
        if (isCut) this.cut = NOTHING;
        else unread.offset += size;
        return this.enterFrame(bytes, start);
      }
      this.keepCut(size);
      if (this.cut.length < size) return false;
    }
  }

  /** Reads a head as far as it is there. @returns how many bytes it takes, as far as that is known */
  private readHead(bytes: Buffer, start: number): number {
    const isWhole = readHeader(bytes, start, bytes.length, header);
    if (bytes.length - start >= 2 && !this.checkHeaderStart()) return BROKEN;
    const isControl = isWhole && header.opcode >= Opcode.CLOSE;
    return isControl ? header.size + header.length : header.size;
  }

  /** Moves bytes from the chunk behind what was cut, until these are `size` or there are no more. */
  private keepCut(size: number): void {
    const { cut, unread } = this;
    const end = Math.min(unread.chunk.length, unread.offset + size - cut.length);
    this.cut = joined(cut, unread.chunk.subarray(unread.offset, end));
    unread.offset = end;
  }

  /** @returns whether the payload of a data frame comes next */
  private enterFrame(bytes: Buffer, start: number): boolean {
    if (++this.framesInARow >= MAX_FRAMES_IN_A_ROW) this.suspend();
    // RFC 6455 §5.4: control frames may come in the middle of a fragmented message.
    if (header.opcode >= Opcode.CLOSE) {
      this.takeControl(bytes, start + header.size);
      return false;
    }
    if (!this.enterDataFrame()) return false;
    this.fin = header.fin;
    this.remaining = header.length;
    this.maskingKey = header.maskingKey;
    return true;
  }

  private takeControl(bytes: Buffer, start: number): void {
    const { opcode, length, maskingKey } = header;
    const payload = unmaskedCopy(bytes, start, start + length, maskingKey);
    if (this.options.oneAtATime) this.suspend();
    this.controls.onControl(opcode, payload);
  }

  private checkHeaderStart(): boolean {
    const { decoder } = this;
    const owned = decoder === undefined ? 0 : decoder.reserved;
    const violation = checkHeaderStart(
      header,
      this.role === 'server',
      this.messageOpcode !== 0,
      owned,
    );
    if (violation === undefined) return true;
    const detail = violation === 'INVALID_OPCODE' ? header.opcode : header.shortLength;
    return this.fail(violation, detail);
  }

  private enterDataFrame(): boolean {
    const violation = this.checkFragment();
    if (violation !== undefined) return this.fail(violation, header.length);
    if (header.opcode !== Opcode.CONTINUATION) {
      this.messageOpcode = header.opcode;
      this.messageReserved = header.reserved;
    }
    return true;
  }

  /** Judges what a header announces, before any memory is taken for it. */
  private checkFragment(): Violation | undefined {
    const isUnfragmented = header.fin && header.opcode !== Opcode.CONTINUATION;
    if (isUnfragmented) return checkLength(header, 0, this.options.maxPayload);
    this.assembly ??= new MessageAssembler();
    return this.assembly.admit(header, this.options);
  }

  private takeDataPayload(): void {
    const { unread, maskingKey } = this;
    const start = unread.offset;
    const end = this.passPayload();
    const last = this.remaining === 0 && this.fin;
    if (last && !this.hasPieces) this.takePayload(this.payloadOf(start, end, maskingKey));
    else if (unread.isBackedUp) {
      // A piece stays longer than the backup.
      const piece = Buffer.from(unread.chunk.subarray(start, end));
      this.takePiece(piece, 0, piece.length, maskingKey, last);
    } else this.takePiece(unread.chunk, start, end, maskingKey, last);
  }

  /** Whether a part of the message in progress came before this one. */
  private get hasPieces(): boolean {
    return this.assembly !== undefined && !this.assembly.isEmpty;
  }

  /** Passes over what the chunk has of this frame's payload. @returns where that ends */
  private passPayload(): number {
    const { unread } = this;
    const { offset } = unread;
    const end = Math.min(unread.chunk.length, offset + this.remaining);
    this.remaining -= end - offset;
    if (this.remaining > 0) this.maskingKey = advanceKey(this.maskingKey, end - offset);
    unread.offset = end;
    return end;
  }

  /** The bytes of the chunk from `start` to `end`, unmasked: a copy of a few, else a view. */
  private payloadOf(start: number, end: number, key: number): Buffer {
    const { chunk } = this.unread;
    if (end - start <= COPY_THRESHOLD || !this.unread.mayShare(end)) {
      return unmaskedCopy(chunk, start, end, key);
    }
    unmask(chunk, start, end, key);
    return start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
  }

  /** Binary is unmasked when it is joined, text as it comes. */
  private takePiece(chunk: Buffer, start: number, end: number, key: number, last: boolean): void {
    this.assembly ??= new MessageAssembler();
    const { assembly, remaining } = this;
    if (this.isCheckedText) {
      unmask(chunk, start, end, key);
      assembly.add(chunk, start, end, 0, remaining);
      if (!assembly.checkUtf8Piece(chunk.subarray(start, end), last)) {
        this.fail('INVALID_UTF8');
        return;
      }
    } else if (this.goesInFragments) this.takeFragmentPiece(assembly, chunk, start, end, key);
    else assembly.add(chunk, start, end, key, remaining);
    if (last) this.takeAssembled(assembly);
  }

  private takeFragmentPiece(
    assembly: MessageAssembler,
    chunk: Buffer,
    start: number,
    end: number,
    key: number,
  ): void {
    const { remaining } = this;
    const isShort = end - start <= COPY_THRESHOLD;
    if (isShort && remaining === 0 && !assembly.isInFragment) {
      assembly.addFragment(unmaskedCopy(chunk, start, end, key));
    } else {
      assembly.add(chunk, start, end, key, remaining);
      if (remaining === 0) assembly.endFragment();
    }
  }

  /** Whether the message in progress is the extension's to decode. */
  private get isEncoded(): boolean {
    return this.messageReserved !== 0;
  }

  private get isCheckedText(): boolean {
    return this.messageOpcode === Opcode.TEXT && !this.isEncoded && this.options.checkUtf8;
  }

  private get goesInFragments(): boolean {
    return this.inFragments && this.messageOpcode === Opcode.BINARY && !this.isEncoded;
  }

  /** A payload that came in one piece: nothing is copied. */
  private takePayload(payload: Buffer): void {
    if (this.isEncoded) this.decode(payload);
    else this.takeWhole(payload);
  }

  private takeAssembled(assembly: MessageAssembler): void {
    const isBinary = this.messageOpcode === Opcode.BINARY;
    if (this.isEncoded) this.decode(assembly.join());
    else this.deliver(this.goesInFragments ? assembly.takeFragments() : assembly.join(), isBinary);
  }

  private takeWhole(message: Buffer): void {
    const isBinary = this.messageOpcode === Opcode.BINARY;
    // RFC 6455 §8.1: text that is not UTF-8 fails the connection.
    if (!isBinary && this.options.checkUtf8 && !isUtf8(message)) {
      this.fail('INVALID_UTF8');
      return;
    }
    this.deliver(isBinary && this.inFragments ? fragmentsOf(message) : message, isBinary);
  }

  /** RFC 7692 §6.2: a message is decoded when all of it is there. */
  private decode(payload: Buffer): void {
    const decoded = this.decoder?.decode(payload, this.options.maxPayload);
    if (decoded !== undefined) this.takeDecoded(decoded);
  }

  /** Hands up the message that took its time, once it may. */
  private takeReady(): void {
    const decoded = this.mode === 'READING' ? this.decoder?.take() : undefined;
    if (decoded !== undefined) this.takeDecoded(decoded);
  }

  private takeDecoded(decoded: DecodeResult): void {
    if (decoded instanceof ProtocolError) {
      this.failWith(decoded);
      return;
    }
    if (this.decoder?.shouldYield) this.suspend();
    this.takeWhole(decoded);
  }

  private deliver(message: MessageData, isBinary: boolean): void {
    this.messageOpcode = 0;
    this.assembly?.finish();
    if (this.options.oneAtATime) this.suspend();
    this.messages.onMessage(message, isBinary);
  }

  // RFC 6455 §7.1.7: once the connection is failed, nothing that comes is processed any more.
  private fail(violation: Violation, detail?: number): false {
    this.failWith(new ProtocolError(violation, detail));
    return false;
  }

  private failWith(error: ProtocolError): void {
    this.discard();
    this.controls.onViolation(error);
  }
}

/** The fragments of a message that is known as a whole only; an empty one has none. */
function fragmentsOf(message: Buffer): Buffer[] {
  return message.length === 0 ? [] : [message];
}

/** A copy of both, which keeps no other memory alive. */
function joined(first: Buffer, second: Buffer): Buffer {
  const both = Buffer.allocUnsafeSlow(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
