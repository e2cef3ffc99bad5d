/** RFC 6455 §6.1: frames messages and control frames, and collects them for one write. */

import { Buffer } from 'node:buffer';
import type { Extension } from './extension.js';
import { FIN, Opcode } from './frame.js';
import { type FrameSource, observeFrame, observeFramed } from './frame-observer.js';
import { checkControlLength } from './frame-rules.js';
import type { MaskingKeys } from './mask.js';
import { type FrameSink, SendQueue, type WaitingFrame } from './send-queue.js';
import type { Wire } from './wire.js';
import { byteLengthOf, type SendCallback, WriteBatch } from './write-batch.js';

/** Receives the events of a sender. */
export interface SenderOwner extends FrameSource {
  /** A payload cannot be encoded or read, or a frame has no masking key. */
  onSenderFailed(error: Error): void;
  /** No frame is queued any more. */
  onQueueEmpty(): void;
}

/** A batch of at least this many bytes is written at once. */
const FLUSH_THRESHOLD = 16_384;

const EMPTY = Buffer.alloc(0);

/** The first byte of a Close frame. */
const CLOSE = FIN | Opcode.CLOSE;

/** The sending half of an endpoint. Every frame that it makes passes through `writeFrame`. */
export class Sender implements FrameSink {
  private readonly wire: Wire;
  /** RFC 6455 §5.1: a client masks its frames, a server does not. */
  private readonly keys: MaskingKeys | undefined;
  private readonly extension: Extension | undefined;
  private readonly owner: SenderOwner;
  /** The frames of the next write; undefined while there are none. */
  private batch: WriteBatch | undefined;
  /** The frames that cannot be written yet. Most connections have none. */
  private queue: SendQueue | undefined;
  /** Whether a fragmented message is in progress, and whether the extension encodes it. */
  private inProgress: 'NONE' | 'PLAIN' | 'ENCODED' = 'NONE';
  /** Whether a Close was sent, or the wire is ended. */
  isClosed = false;
  /** How many messages the program gave to `send`. */
  messageCount = 0;

  /** @param keys a client's masking keys; undefined for a server */
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

  /** The payload bytes of messages that are accepted and not written, before framing and encoding. */
  get givenLength(): number {
    return (this.batch?.givenLength ?? 0) + (this.queue?.messageLength ?? 0);
  }

  /** The bytes in the queue: being read or encoded, or behind such a frame. */
  get queuedLength(): number {
    return this.queue === undefined ? 0 : this.queue.byteLength;
  }

  /** Whether frames are masked. RFC 6455 §5.1: a client's are. */
  get masks(): boolean {
    return this.keys !== undefined;
  }

  /** Whether fragments of a message were sent, and its last one was not. RFC 6455 §5.4. */
  get isInMessage(): boolean {
    return this.inProgress !== 'NONE';
  }

  /** Whether a message would be written at once: none is in progress, and no frame is queued. */
  get isIdle(): boolean {
    return !this.isClosed && this.inProgress === 'NONE' && !this.hasQueued;
  }

  /**
   * Sends a message, or a fragment of one. RFC 6455 §6.1 MUST: these are the steps to send.
   * @param fin false when more fragments of this message follow
   * @param compress whether the extension may encode it; the first fragment decides
   * @returns false if nothing was sent: a Close was sent before, or the wire is ended
   */
  sendMessage(
    payload: Buffer | string,
    isBinary: boolean,
    fin: boolean,
    compress: boolean,
    callback: SendCallback | undefined,
  ): boolean {
    // RFC 6455 §5.5.1 MUST NOT: no data frame follows a Close.
    if (this.isClosed) return false;
    this.prepareKey();
    const isEncoded = this.mayEncode(compress) && this.wants(byteLengthOf(payload));
    const firstByte = this.nextFirstByte(isBinary, fin, isEncoded);
    if (isEncoded) this.openQueue().enqueue(firstByte, payload, true, callback);
    else this.writeOrEnqueue(firstByte, payload, callback);
    return true;
  }

  /**
   * Sends a message whose payload is still being read.
   * @returns the frame, for {@link resolve}; undefined if nothing will be sent
   */
  sendUnreadMessage(
    byteLength: number,
    isBinary: boolean,
    fin: boolean,
    compress: boolean,
    callback: SendCallback | undefined,
  ): WaitingFrame | undefined {
    if (this.isClosed) return undefined;
    this.prepareKey();
    const isEncoded = this.mayEncode(compress) && this.wants(byteLength);
    const firstByte = this.nextFirstByte(isBinary, fin, isEncoded);
    return this.openQueue().enqueuePending(firstByte, byteLength, isEncoded, callback);
  }

  /**
   * Sends a Ping or Pong after all frames that were sent before: for programs a Pong confirms the
   * messages before its Ping.
   * @throws RangeError if the payload is too long
   */
  sendControl(opcode: number, payload: Buffer, callback: SendCallback | undefined): void {
    checkControlLength(payload.length);
    this.prepareKey();
    // RFC 6455 §5.4 MUST NOT: a control frame is not fragmented, so FIN is set.
    this.writeOrEnqueue(FIN | opcode, payload, callback);
  }

  /** Sends a Ping or Pong before the queue. RFC 6455 §5.5.2 SHOULD: a Pong, as soon as is practical. */
  sendControlNow(opcode: number, payload: Buffer, callback?: SendCallback): void {
    this.writeFrame(FIN | opcode, payload, payload.length, callback);
  }

  /** Sends a Ping or Pong whose payload is still being read: see {@link sendControl}. */
  sendUnreadControl(
    opcode: number,
    byteLength: number,
    callback: SendCallback | undefined,
  ): WaitingFrame {
    checkControlLength(byteLength);
    return this.openQueue().enqueuePending(FIN | opcode, byteLength, false, callback);
  }

  /** Sets the payload of a frame that was being read: see {@link SendQueue.resolve}. */
  resolve(frame: WaitingFrame, payload: Buffer | Error): void {
    this.queue?.resolve(frame, payload);
  }

  /**
   * Sends a frame that was made once for many connections. Call it only if `isIdle`.
   * @param frame header and payload. They never change, so they may be sent by reference
   * @param givenLength the length of the message before encoding
   */
  sendShared(frame: Buffer, givenLength: number, callback: SendCallback | undefined): void {
    const batch = this.openBatch();
    // A single frame is written by reference; after other frames it is copied, if it is small.
    if (batch.byteLength === 0) batch.append(frame);
    else batch.addFramed(frame);
    batch.givenLength += givenLength;
    this.messageCount++;
    this.finishFrame(false, callback);
    if (this.owner.frames !== undefined) observeFramed(this.owner.frames, frame, givenLength);
  }

  /**
   * Sends frames that the program made.
   * @returns false if nothing was sent, as in {@link sendMessage}
   */
  sendFramed(parts: readonly (Buffer | string)[], callback: SendCallback | undefined): boolean {
    if (this.isClosed) return false;
    const batch = this.openBatch();
    const before = batch.byteLength;
    const bytes = parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part));
    const byReference = bytes.map((part) => batch.addFramed(part)).includes(true);
    batch.givenLength += batch.byteLength - before; // with headers: which bytes are payload is unknown
    if (batch.byteLength === 0) batch.append(EMPTY); // a callback is called after a write
    this.finishFrame(byReference, callback);
    if (this.owner.frames !== undefined) observeFramed(this.owner.frames, Buffer.concat(bytes));
    return true;
  }

  /** Sends a Close after all frames that were sent before. RFC 6455 §5.5.1. */
  sendClose(payload: Buffer): void {
    this.isClosed = true;
    this.writeOrEnqueue(CLOSE, payload, undefined);
  }

  /**
   * Draws the masking key of the next frame, before the state changes.
   * @throws any exception of the program's `generateMask`
   */
  prepareKey(): void {
    this.keys?.prepare();
  }

  /** Draws the key of a frame that no call of the program sends. An exception fails the connection. */
  hasKey(): boolean {
    try {
      this.prepareKey();
      return true;
    } catch (error) {
      this.owner.onSenderFailed(error as Error);
      return false;
    }
  }

  /** Takes the batch to write; undefined if there is none. */
  takeBatch(): WriteBatch | undefined {
    const { batch } = this;
    this.batch = undefined;
    return batch;
  }

  /** The wire is ended: nothing more is sent. */
  stop(): void {
    this.isClosed = true;
    this.queue?.stop();
  }

  /** Takes the frames that will never be sent. */
  takeUnsent(): WaitingFrame[] {
    return this.queue?.takeAll() ?? [];
  }

  /** Continues with the frames in the queue. */
  continue(): void {
    this.queue?.continue();
  }

  onFailure(error: Error): void {
    this.owner.onSenderFailed(error);
  }

  onEmpty(): void {
    this.owner.onQueueEmpty();
  }

  onYield(): void {
    this.wire.continueSending();
  }

  /**
   * Writes a frame into the batch. Its payload is encoded already, if at all. RFC 6455 §6.1 MUST: all
   * data is sent in frames, and those of a client are masked.
   * @param givenLength the length that the program gave
   */
  writeFrame(
    firstByte: number,
    payload: Buffer | string,
    givenLength: number,
    callback: SendCallback | undefined,
  ): void {
    const { keys } = this;
    const batch = this.openBatch();
    if (firstByte === CLOSE) batch.containsClose = true;
    const key = keys === undefined ? 0 : keys.next();
    const masked = keys !== undefined;
    const byReference = batch.addFrame(firstByte, payload, givenLength, masked, key);
    this.finishFrame(byReference, callback);
    const { frames } = this.owner;
    if (frames !== undefined) observeFrame(frames, firstByte, payload, givenLength, masked);
  }

  private finishFrame(byReference: boolean, callback: SendCallback | undefined): void {
    const batch = this.openBatch();
    if (callback !== undefined) batch.onWritten(callback);
    // Payloads passed by reference are written now: callers reuse the buffer when `send` returns.
    // A Close too: programs destroy the socket in the tick in which they close the WebSocket.
    const isUrgent = byReference || batch.containsClose;
    if (isUrgent || batch.byteLength >= FLUSH_THRESHOLD) this.wire.flush();
    else this.wire.schedule();
  }

  private writeOrEnqueue(
    firstByte: number,
    payload: Buffer | string,
    callback: SendCallback | undefined,
  ): void {
    if (this.hasQueued) this.openQueue().enqueue(firstByte, payload, false, callback);
    else this.writeFrame(firstByte, payload, byteLengthOf(payload), callback);
  }

  private get hasQueued(): boolean {
    return this.queue !== undefined && !this.queue.isEmpty;
  }

  /** Whether the next data frame may be encoded. */
  private mayEncode(compress: boolean): boolean {
    if (this.extension === undefined) return false;
    return this.inProgress === 'NONE' ? compress : this.inProgress === 'ENCODED';
  }

  /** Whether the extension wants the next data frame. For a message, its first fragment decides. */
  private wants(byteLength: number): boolean {
    return this.inProgress === 'ENCODED' || this.extension?.wants(byteLength) === true;
  }

  private nextFirstByte(isBinary: boolean, fin: boolean, isEncoded: boolean): number {
    // RFC 6455 §5.4 MUST NOT: a message that has begun is continued before another one begins.
    const isFirst = this.inProgress === 'NONE';
    if (fin) this.messageCount++;
    this.inProgress = fin ? 'NONE' : isEncoded ? 'ENCODED' : 'PLAIN';
    // RFC 6455 §6.1 MUST: the opcode of the first frame says whether the message is text or binary.
    const opcode = isFirst ? (isBinary ? Opcode.BINARY : Opcode.TEXT) : Opcode.CONTINUATION;
    // RFC 6455 §5.2 MUST: a reserved bit is 0, unless the extension sets it.
    // RFC 7692 §6.1 MUST: the bit is set on the first frame of an encoded message only.
    const reserved = isFirst && isEncoded && this.extension ? this.extension.reserved << 4 : 0;
    // RFC 6455 §6.1 MUST: the last frame of a message has FIN set.
    return (fin ? FIN : 0) | reserved | opcode;
  }

  private openBatch(): WriteBatch {
    this.batch ??= new WriteBatch();
    return this.batch;
  }

  private openQueue(): SendQueue {
    this.queue ??= new SendQueue(this.extension, this);
    return this.queue;
  }
}
