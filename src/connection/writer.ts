/** Writes frames to the socket: one write per burst, the callbacks, and the buffered amount. */

import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type Application, Endpoint, type EndpointOptions } from '../protocol/endpoint.js';
import type { Wire } from '../protocol/wire.js';
import type { SendCallback, WriteBatch } from '../protocol/write-batch.js';
import { endBurstLater, isExiting } from './flush.js';
import { Liveness } from './liveness.js';
import { callAll, notEncodedError, notSentError } from './send-callbacks.js';
import type { SendLimit } from './send-limit.js';
import { sweep } from './sweep.js';
import { UnwrittenMessages } from './unwritten.js';

/** The burst length when no frame was written in this tick. */
const NO_BURST = -1;

type WriteCallback = (error: Error | null | undefined) => void;

/** Writes the frames of an {@link Endpoint} to a Duplex. The subclass {@link Connection} reads. */
export abstract class Writer extends Liveness implements Wire {
  readonly socket: Duplex;
  readonly endpoint: Endpoint;
  /** The first error of the socket. */
  wireError: Error | undefined;
  /** Limits how much waits for a slow peer; undefined without such a limit. */
  limit: SendLimit | undefined;
  /** A chunk is being read. Frames sent meanwhile are written at its end. */
  protected isReading = false;

  /** A plain `net.Socket`, not TLS or a subclass: only for that a completed write needs no buffer. */
  private readonly isPlain: boolean;
  /**
   * Message bytes written in this tick, or `NO_BURST`. After the first write of a tick, frames are
   * collected until the tick ends.
   */
  private burstLength = NO_BURST;
  /** Created for the first write that the socket does not complete at once. */
  private unwritten: UnwrittenMessages | undefined;
  /** The callbacks of pending writes, a list per write. Created for the first. */
  private pendingCallbacks: Set<SendCallback[]> | undefined;

  constructor(socket: Duplex, options: EndpointOptions, application: Application) {
    super();
    this.socket = socket;
    this.isPlain = Object.getPrototypeOf(socket) === Socket.prototype;
    this.endpoint = new Endpoint(options, this, application);
  }

  /**
   * Message bytes given to `send` and not written. As in the WHATWG standard, bytes written in this
   * tick count until it ends.
   */
  get bufferedAmount(): number {
    const waiting = this.limit?.backlog.messageLength ?? 0;
    return waiting + this.unsentAmount + Math.max(0, this.burstLength);
  }

  /** Message bytes that the sender and the socket's buffer hold. */
  get unsentAmount(): number {
    const inSocket = this.unwritten?.remaining(this.socket.writableLength) ?? 0;
    return this.endpoint.sender.givenLength + inSocket;
  }

  schedule(): void {
    if (this.isReading || this.burstLength !== NO_BURST) {
      if (isExiting) this.flush();
      return;
    }
    this.collect();
    this.flush();
  }

  /** Frames that are sent in this tick are written when it ends, the first one too. */
  collect(): void {
    if (this.isReading || this.burstLength !== NO_BURST) return;
    this.burstLength = 0;
    endBurstLater(this);
  }

  /**
   * Replies of promises that are resolved while a chunk is read leave in one write, as those of
   * listeners do. Ticks run before promises here, so that a tick of this one would be too early.
   */
  collectReplies(): void {
    if (this.burstLength !== NO_BURST) return;
    this.burstLength = 0;
    void Promise.resolve().then(() => endBurstLater(this));
  }

  endBurst(): void {
    this.burstLength = NO_BURST;
    this.flush();
  }

  flush(): boolean {
    const batch = this.endpoint.sender.takeBatch();
    if (batch === undefined) return true;
    this.sentAt = sweep.stamp;
    const drained = this.write(batch.takeParts(), batch.callbacks);
    this.countWrite(batch);
    if (this.isFlushed()) batch.release();
    this.endpoint.written(batch, drained);
    return drained;
  }

  private countWrite({ givenLength, byteLength }: WriteBatch): void {
    const { writableLength } = this.socket;
    if (writableLength === 0) {
      this.unwritten = undefined;
      if (this.burstLength !== NO_BURST) this.burstLength += givenLength;
    } else {
      this.unwritten ??= new UnwrittenMessages();
      this.unwritten.add(givenLength, byteLength, writableLength);
    }
  }

  /**
   * Whether the kernel has all written bytes, so that their buffer may be reused. An in-memory stream
   * or a replaced `write` may keep the buffer when its `writableLength` is 0.
   */
  private isFlushed(): boolean {
    const { socket } = this;
    return this.isPlain && socket.writableLength === 0 && socket.write === Duplex.prototype.write;
  }

  // RFC 6455 §6.1 MUST: the frames are transmitted over the connection.
  /** Writes all parts as one write. */
  private write(parts: readonly Buffer[], callbacks: SendCallback[] | undefined): boolean {
    const { socket } = this;
    if (callbacks === undefined) return this.writeParts(parts, undefined);
    let accepted = false;
    this.pendingCallbacks ??= new Set();
    this.pendingCallbacks.add(callbacks);
    const drained = this.writeParts(parts, (error) => this.onWritten(callbacks, error, accepted));
    accepted = socket.writableLength === 0;
    return drained;
  }

  private writeParts(parts: readonly Buffer[], callback: WriteCallback | undefined): boolean {
    const { socket } = this;
    const last = parts.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(parts[i]);
    const drained = socket.write(parts[last], callback);
    if (last > 0) socket.uncork();
    return drained;
  }

  /** @param accepted whether the socket wrote the bytes at once; else it may drop them silently */
  private onWritten(
    callbacks: SendCallback[],
    error: Error | null | undefined,
    accepted: boolean,
  ): void {
    if (!this.pendingCallbacks?.delete(callbacks)) return;
    // A destroyed socket cancels its pending write and reports no error.
    const lost = this.socket.destroyed && !accepted;
    callAll(callbacks, error ?? (lost ? (this.wireError ?? notSentError()) : undefined));
  }

  releaseBacklog(): void {
    this.limit?.release();
  }

  abstract resumeToDiscard(): void;
  abstract continueReading(): void;
  abstract continueSending(): void;
  abstract end(): void;
  abstract destroy(): void;
  abstract armCloseTimer(milliseconds: number): void;
  abstract disarm(): void;

  /** The wire is closed: calls all remaining callbacks with an error. */
  protected failCallbacks(): void {
    this.unwritten = undefined;
    const { sender, failure } = this.endpoint;
    const pending = [...(this.pendingCallbacks ?? [])].flat();
    const unsent = [...pending, ...(sender.takeBatch()?.callbacks ?? [])];
    const waiting = this.limit?.stop() ?? [];
    this.pendingCallbacks = undefined;
    // An Error captures the stack, so none is created without a callback.
    if (unsent.length > 0) callAll(unsent, this.wireError ?? notSentError());
    const frames = sender.takeUnsent();
    const unencoded = frames.flatMap(({ callback }) => callback ?? []);
    if (unencoded.length > 0) callAll(unencoded, failure ?? notEncodedError(frames));
    if (waiting.length > 0) callAll(waiting, this.wireError ?? notSentError());
  }
}
