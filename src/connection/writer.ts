/** Bytes out: one write for each burst of frames, its callbacks, and what the socket still holds. */

import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type Application, Endpoint, type EndpointOptions } from '../protocol/endpoint.js';
import type { Wire } from '../protocol/wire.js';
import type { SendCallback, WriteBatch } from '../protocol/write-batch.js';
import { endBurstLater, isExiting } from './flush.js';
import { notReady, notSent, settle } from './settle.js';
import { UnwrittenMessages } from './unwritten.js';

/** No frame was written in this tick. */
const NO_BURST = -1;

type Written = (error: Error | null | undefined) => void;

/** Writes what an {@link Endpoint} sends to a Duplex. A {@link Connection} reads as well. */
export abstract class Writer implements Wire {
  readonly socket: Duplex;
  readonly endpoint: Endpoint;
  /** The error of the wire, if it had one. */
  cause: Error | undefined;
  /** A chunk is being read: what is sent meanwhile leaves at its end. */
  protected reading = false;

  /** A plain `net.Socket`, not TLS or a subclass: only there a finished write is known to hold no buffer. */
  private readonly isPlain: boolean;
  /**
   * Bytes of messages that were written in this tick; `NO_BURST` if none was. After the first write
   * of a tick frames are gathered until it ends.
   */
  private burst = NO_BURST;
  /** Made with the first write that the socket does not finish at once. */
  private unwritten: UnwrittenMessages | undefined;
  /** The callbacks of the writes that are under way, a list per write; made with the first. */
  private awaiting: Set<SendCallback[]> | undefined;

  constructor(socket: Duplex, options: EndpointOptions, application: Application) {
    this.socket = socket;
    this.isPlain = Object.getPrototypeOf(socket) === Socket.prototype;
    this.endpoint = new Endpoint(options, this, application);
  }

  /**
   * Bytes of messages that were given to `send` and are not written, as WHATWG counts them: what is
   * written in this tick counts until the tick ends.
   */
  get bufferedAmount(): number {
    const inSocket = this.unwritten?.remaining(this.socket.writableLength) ?? 0;
    return this.endpoint.sender.givenLength + inSocket + Math.max(0, this.burst);
  }

  schedule(): void {
    if (this.reading || this.burst !== NO_BURST) {
      if (isExiting) this.flush();
      return;
    }
    this.burst = 0;
    endBurstLater(this);
    this.flush();
  }

  endBurst(): void {
    this.burst = NO_BURST;
    this.flush();
  }

  flush(): boolean {
    const batch = this.endpoint.sender.takeBatch();
    if (batch === undefined) return true;
    const drained = this.write(batch.takeParts(), batch.callbacks);
    this.countWrite(batch);
    if (this.hasLeft()) batch.release();
    this.endpoint.written(batch, drained);
    return drained;
  }

  private countWrite({ givenLength, byteLength }: WriteBatch): void {
    const { writableLength } = this.socket;
    if (writableLength === 0) {
      this.unwritten = undefined;
      if (this.burst !== NO_BURST) this.burst += givenLength;
    } else {
      this.unwritten ??= new UnwrittenMessages();
      this.unwritten.add(givenLength, byteLength, writableLength);
    }
  }

  /**
   * Whether the kernel has all that was written. Only of Node's own sockets it is known that nobody
   * keeps the bytes when none wait: a stream in memory, or a `write` put in the place of Node's, may.
   */
  private hasLeft(): boolean {
    const { socket } = this;
    return this.isPlain && socket.writableLength === 0 && socket.write === Duplex.prototype.write;
  }

  /** One write of all the parts. */
  private write(parts: readonly Buffer[], callbacks: SendCallback[] | undefined): boolean {
    const { socket } = this;
    if (callbacks === undefined) return this.writeParts(parts, undefined);
    let accepted = false;
    this.awaiting ??= new Set();
    this.awaiting.add(callbacks);
    const drained = this.writeParts(parts, (error) => this.onWritten(callbacks, error, accepted));
    accepted = socket.writableLength === 0;
    return drained;
  }

  private writeParts(parts: readonly Buffer[], written: Written | undefined): boolean {
    const { socket } = this;
    const last = parts.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(parts[i]);
    const drained = socket.write(parts[last], written);
    if (last > 0) socket.uncork();
    return drained;
  }

  /** @param accepted whether the wire took the bytes at once; if not, it may lose them unsaid */
  private onWritten(
    callbacks: SendCallback[],
    error: Error | null | undefined,
    accepted: boolean,
  ): void {
    if (!this.awaiting?.delete(callbacks)) return;
    // A socket that is destroyed cancels the write under way and reports no error of it.
    const lost = this.socket.destroyed && !accepted;
    settle(callbacks, error ?? (lost ? (this.cause ?? notSent()) : undefined));
  }

  abstract resumeToDiscard(): void;
  abstract continueReading(): void;
  abstract continueSending(): void;
  abstract end(): void;
  abstract destroy(): void;
  abstract armCloseTimer(milliseconds: number): void;
  abstract disarm(): void;

  /** What was not written when the wire closed never will be. */
  protected failCallbacks(): void {
    this.unwritten = undefined;
    const { sender, failure } = this.endpoint;
    const underWay = [...(this.awaiting ?? [])].flat();
    const unsent = [...underWay, ...(sender.takeBatch()?.callbacks ?? [])];
    this.awaiting = undefined;
    // An error captures the stack: none is made for nobody.
    if (unsent.length > 0) settle(unsent, this.cause ?? notSent());
    const left = sender.takeUnsent();
    const unready = left.flatMap(({ callback }) => callback ?? []);
    if (unready.length > 0) settle(unready, failure ?? notReady(left));
  }
}
