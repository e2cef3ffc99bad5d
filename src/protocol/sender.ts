/** RFC 6455 §6.1: messages in, bytes out. */

import { Buffer } from 'node:buffer';
import type { Extension } from './extension.js';
import {
  FIN,
  isDataFrame,
  LONGEST_CONTROL_PAYLOAD,
  Opcode,
  sizeOfHeader,
  writeHeader,
} from './frame.js';
import { type MaskingKeys, maskedCopy, unmask, unmaskInto } from './mask.js';
import { Backlog, type FrameSink, type WaitingFrame } from './send-queue.js';
import { Gather, type SendCallback } from './write-batch.js';

/** What bytes go to. */
export interface Wire {
  /** Writes what is gathered: at once, at the end of the chunk being read, or of the tick. */
  schedule(): void;
  /** Writes what is gathered. @returns false when the wire should be left to drain first */
  flush(): boolean;
  /** Reads on, also if the application paused: what comes is dropped from here on. */
  readOn(): void;
  /** Has the receiver go on, unless the application paused. */
  continueReading(): void;
  /** Has the sender continue in the next turn of the event loop. */
  continueSending(): void;
  /** Ends our half, behind everything sent. */
  end(): void;
  /** Drops the connection. */
  destroy(): void;
  /** Starts the close timer (anew): after so many milliseconds the time is up. */
  armCloseTimer(milliseconds: number): void;
  /** Stops the close timer. */
  disarm(): void;
}

/** Who is told of what sending comes to. */
export interface SenderOwner {
  /** A payload can't be encoded or read. */
  onSenderFailed(error: Error): void;
  /** Nothing waits to be encoded or read any more. */
  onSenderEased(): void;
}

/** Up to this many bytes a payload is copied behind its header; a larger one goes by reference. */
const COPY_UP_TO = 4096;

/** So much may gather before it is written at once. */
const FLUSH_FROM = 16_384;

const NOTHING = Buffer.alloc(0);

/** A Close as the first byte of its frame. */
const CLOSE = FIN | Opcode.CLOSE;

/** Frames messages and control frames and gathers them. Every frame passes through `onFrame`. */
export class Sender implements FrameSink {
  private readonly wire: Wire;
  /** RFC 6455 §5.1: a client masks, a server does not. */
  private readonly keys: MaskingKeys | undefined;
  private readonly extension: Extension | undefined;
  private readonly owner: SenderOwner;
  /** The frames that will leave in the next write; none is held while there is none. */
  private gather: Gather | undefined;
  /** What waits for its turn; made with the first frame that has to. */
  private backlog: Backlog | undefined;
  /** The message whose last fragment was not sent yet, and whether the extension encodes it. */
  private inProgress: 'NONE' | 'PLAIN' | 'ENCODED' = 'NONE';
  /** Whether a Close was sent, or the wire is gone. */
  private isClosed = false;

  /**
   * @param keys a client's masking keys; undefined for a server
   */
  constructor(
    wire: Wire,
    keys: MaskingKeys | undefined,
    extension: Extension | undefined,
    owner: SenderOwner,
  ) {
    this.wire = wire;
    this.keys = keys;
    this.extension = extension;
    this.owner = owner;
  }

  /**
   * Bytes that the program gave to `send` and that were not written yet: the payloads of messages,
   * neither framed nor compressed.
   */
  get givenLength(): number {
    return (this.gather?.givenLength ?? 0) + (this.backlog?.messageLength ?? 0);
  }

  /** Bytes that wait to be encoded or read, or behind such. */
  get waiting(): number {
    return this.backlog === undefined ? 0 : this.backlog.byteLength;
  }

  /**
   * Sends a message, or one fragment of it. Text given as a string is encoded as UTF-8.
   * @param fin false when more fragments of this message follow
   * @param compress whether the extension may encode it; the first fragment decides
   * @returns false if a Close was sent or the wire is gone: then nothing is sent
   */
  message(
    payload: Buffer | string,
    isBinary: boolean,
    fin: boolean,
    compress: boolean,
    callback: SendCallback | undefined,
  ): boolean {
    // RFC 6455 §5.5.1 MUST: no data frame follows a Close.
    if (this.isClosed) return false;
    this.prepareKey();
    const encodes = this.mayEncode(compress) && this.wants(lengthOf(payload));
    const first = this.firstByte(isBinary, fin, encodes);
    if (encodes) this.backlogInUse().add(first, payload, true, callback);
    else this.inTurn(first, payload, callback);
    return true;
  }

  /**
   * Sends a message whose payload is still being read.
   * @returns what `read` wants; undefined if a Close was sent or the wire is gone
   */
  unreadMessage(
    byteLength: number,
    isBinary: boolean,
    fin: boolean,
    compress: boolean,
    callback: SendCallback | undefined,
  ): WaitingFrame | undefined {
    if (this.isClosed) return undefined;
    this.prepareKey();
    const encodes = this.mayEncode(compress) && this.wants(byteLength);
    const first = this.firstByte(isBinary, fin, encodes);
    return this.backlogInUse().addUnread(first, byteLength, encodes, callback);
  }

  /**
   * Sends a Ping or Pong whose payload is still being read.
   * @returns what `read` wants
   * @throws RangeError above 125 bytes
   */
  unreadControl(
    opcode: number,
    byteLength: number,
    callback: SendCallback | undefined,
  ): WaitingFrame {
    checkControlLength(byteLength);
    return this.backlogInUse().addUnread(FIN | opcode, byteLength, false, callback);
  }

  /** The payload of a frame was read, or can't be. */
  read(frame: WaitingFrame, payload: Buffer | Error): void {
    this.backlog?.read(frame, payload);
  }

  /**
   * Sends a Ping or Pong. It passes what waits. RFC 6455 §5.5.
   * @throws RangeError above 125 bytes
   */
  control(opcode: number, payload: Buffer, callback: SendCallback | undefined): void {
    checkControlLength(payload.length);
    this.prepareKey();
    this.onFrame(FIN | opcode, payload, payload.length, callback);
  }

  /** Whether frames are masked. RFC 6455 §5.1: a client's are. */
  get masks(): boolean {
    return this.keys !== undefined;
  }

  /** Whether a whole message would leave next: none is in fragments, and nothing waits. */
  get isFree(): boolean {
    return (
      !this.isClosed &&
      this.inProgress === 'NONE' &&
      (this.backlog === undefined || this.backlog.isEmpty)
    );
  }

  /**
   * Sends a frame that was made once for many connections, if `isFree`.
   * @param frame header and payload; it never changes, so that it may wait by reference
   * @param givenLength how many bytes the program gave for it
   */
  framedOnce(frame: Buffer, givenLength: number, callback: SendCallback | undefined): void {
    const gather = this.gatherInUse();
    // Alone it is written as it is; behind others it is laid beside them.
    if (gather.byteLength === 0) gather.append(frame);
    else gatherBytes(gather, frame);
    gather.givenLength += givenLength;
    this.gathered(false, callback);
  }

  /**
   * Sends frames as the application made them.
   * @returns false if a Close was sent or the wire is gone: then nothing is sent
   */
  framed(parts: readonly (Buffer | string)[], callback: SendCallback | undefined): boolean {
    if (this.isClosed) return false;
    const gather = this.gatherInUse();
    const before = gather.byteLength;
    const bytes = parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part));
    const byReference = bytes.map((part) => gatherBytes(gather, part)).includes(true);
    gather.givenLength += gather.byteLength - before; // all of it: nobody says what is payload
    if (gather.byteLength === 0) gather.append(NOTHING); // the wire calls back for it as well
    this.gathered(byReference, callback);
    return true;
  }

  /** Sends a Close behind everything that was sent. RFC 6455 §5.5.1: nothing may follow it. */
  close(payload: Buffer): void {
    this.isClosed = true;
    this.inTurn(CLOSE, payload, undefined);
  }

  /**
   * Draws the masking key of the next frame, before anything has changed.
   * @throws what the program's `generateMask` throws
   */
  prepareKey(): void {
    this.keys?.prepare();
  }

  /** Draws it for a frame that no call of the program is waiting for: without a key the connection fails. */
  hasKey(): boolean {
    try {
      this.prepareKey();
      return true;
    } catch (error) {
      this.owner.onSenderFailed(error as Error);
      return false;
    }
  }

  /** Hands over what was gathered, to be written; undefined if there is nothing. */
  takeGathered(): Gather | undefined {
    const { gather } = this;
    this.gather = undefined;
    return gather;
  }

  /** The wire is gone: what waits keeps waiting, until it is abandoned. */
  halt(): void {
    this.isClosed = true;
    this.backlog?.halt();
  }

  /** Hands over the frames whose turn will not come any more. */
  abandon(): WaitingFrame[] {
    return this.backlog?.abandon() ?? [];
  }

  onFailure(error: Error): void {
    this.owner.onSenderFailed(error);
  }

  onEmpty(): void {
    this.owner.onSenderEased();
  }

  onRest(): void {
    this.wire.continueSending();
  }

  /** Goes on with what waits. */
  continue(): void {
    this.backlog?.continue();
  }

  /** Whether the next data frame is encoded, if the extension wants it. */
  private mayEncode(compress: boolean): boolean {
    if (this.extension === undefined) return false;
    return this.inProgress === 'NONE' ? compress : this.inProgress === 'ENCODED';
  }

  /** The first fragment decides. */
  private wants(byteLength: number): boolean {
    return this.inProgress === 'ENCODED' || this.extension?.wants(byteLength) === true;
  }

  // RFC 6455 §5.4: the first fragment says what the message is, the others continue it.
  private firstByte(isBinary: boolean, fin: boolean, encodes: boolean): number {
    const opens = this.inProgress === 'NONE';
    this.inProgress = fin ? 'NONE' : encodes ? 'ENCODED' : 'PLAIN';
    const opcode = opens ? (isBinary ? Opcode.BINARY : Opcode.TEXT) : Opcode.CONTINUATION;
    // RFC 7692 §6.1: the bit stands on the first frame of an encoded message only.
    const reserved = opens && encodes && this.extension ? this.extension.reserved << 4 : 0;
    return (fin ? FIN : 0) | reserved | opcode;
  }

  private gatherInUse(): Gather {
    this.gather ??= new Gather();
    return this.gather;
  }

  private backlogInUse(): Backlog {
    this.backlog ??= new Backlog(this.extension, this);
    return this.backlog;
  }

  /** Behind what waits, if anything does. */
  private inTurn(
    first: number,
    payload: Buffer | string,
    callback: SendCallback | undefined,
  ): void {
    if (this.backlog !== undefined && !this.backlog.isEmpty) {
      this.backlog.add(first, payload, false, callback);
      return;
    }
    this.onFrame(first, payload, undefined, callback);
  }

  /**
   * Sends a frame now: its payload is encoded already, if it is.
   * @param givenLength how many bytes the program gave for it; undefined if it is not encoded
   */
  onFrame(
    first: number,
    payload: Buffer | string,
    givenLength: number | undefined,
    callback: SendCallback | undefined,
  ): void {
    const gather = this.gatherInUse();
    const length = lengthOf(payload);
    if (isDataFrame(first)) gather.givenLength += givenLength ?? length;
    else if (first === CLOSE) gather.holdsClose = true;
    const byReference = length > COPY_UP_TO;
    const masked = this.keys !== undefined;
    const key = this.keys === undefined ? 0 : this.keys.next();
    const offset = gather.reserve(sizeOfHeader(length, masked) + (byReference ? 0 : length));
    const start = writeHeader(gather.buffer, offset, first, length, masked, key);
    if (byReference) gather.append(ownPayload(payload, masked, key));
    else writePayload(gather.buffer, start, payload, length, key);
    this.gathered(byReference, callback);
  }

  /** A frame is gathered; it leaves with the others of this tick. */
  private gathered(byReference: boolean, callback: SendCallback | undefined): void {
    const gather = this.gatherInUse();
    if (callback !== undefined) gather.notify(callback);
    // What goes by reference leaves at once: programs fill the same buffer again for the next one.
    // A Close as well: programs drop the socket in the tick in which they close the WebSocket.
    const isUrgent = byReference || gather.holdsClose;
    if (isUrgent || gather.byteLength >= FLUSH_FROM) this.wire.flush();
    else this.wire.schedule();
  }
}

function lengthOf(payload: Buffer | string): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
}

/** Adds bytes that are framed already. @returns whether they go by reference */
function gatherBytes(gather: Gather, bytes: Buffer): boolean {
  const byReference = bytes.length > COPY_UP_TO;
  if (byReference) gather.append(bytes);
  else {
    const offset = gather.reserve(bytes.length);
    gather.buffer.set(bytes, offset);
  }
  return byReference;
}

/** A payload beside its header; the key 0 masks nothing. */
function writePayload(
  bytes: Buffer,
  start: number,
  payload: Buffer | string,
  length: number,
  key: number,
): void {
  if (typeof payload === 'string') {
    bytes.write(payload, start, length);
    unmask(bytes, start, start + length, key);
  } else if (key === 0) bytes.set(payload, start);
  else unmaskInto(bytes, start, payload, 0, length, key);
}

/** A payload that goes by reference. Masked, it is a copy: the caller's bytes stay as they are. */
function ownPayload(payload: Buffer | string, masked: boolean, key: number): Buffer {
  if (typeof payload !== 'string') return masked ? maskedCopy(payload, key) : payload;
  const bytes = Buffer.from(payload);
  unmask(bytes, 0, bytes.length, key);
  return bytes;
}

// RFC 6455 §5.5 MUST: a control frame carries at most 125 bytes.
function checkControlLength(byteLength: number): void {
  if (byteLength <= LONGEST_CONTROL_PAYLOAD) return;
  throw new RangeError('The data size must not be greater than 125 bytes');
}
