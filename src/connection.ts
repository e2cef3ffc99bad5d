/** An endpoint on a Duplex: bytes in and out, one write per tick, timers, backpressure. */

import { Duplex } from 'node:stream';
import {
  beginReading,
  connectionClosed,
  connectionOpened,
  endBurstLater,
  endReading,
  isExiting,
} from './flush.js';
import type { CloseInfo } from './options.js';
import type { Close } from './protocol/close.js';
import { type Application, Endpoint, type EndpointOptions } from './protocol/endpoint.js';
import type { Gather, SendCallback } from './protocol/gather.js';
import type { Wire } from './protocol/sender.js';
import { notReady, notSent, settle } from './settle.js';
import { type Timer, time } from './time/time.js';
import { UnwrittenMessages } from './unwritten.js';

/** Where a Duplex keeps its connection, so that all connections share the same listeners. */
const CONNECTION = Symbol('ws6455.connection');

interface Wired extends Duplex {
  [CONNECTION]: Connection;
}

/** Whether a Duplex has a connection already. */
export function isTaken(socket: Duplex): boolean {
  return CONNECTION in socket;
}

/** No frame was written in this tick. */
const NO_BURST = -1;

type Written = (error: Error | null | undefined) => void;

/** What only real sockets have. */
interface SocketSettings {
  setNoDelay?: (on: boolean) => void;
  setTimeout?: (milliseconds: number) => void;
}

/** Drives an {@link Endpoint} over a Duplex. */
export class Connection implements Wire {
  readonly socket: Duplex;
  readonly endpoint: Endpoint;
  /** The error of the wire, if it had one. */
  cause: Error | undefined;

  private readonly isPlain: boolean;
  private paused = false;
  /** A chunk is being read: what is sent meanwhile leaves at its end. */
  private reading = false;
  /**
   * Bytes of messages that were written in this tick; `NO_BURST` if none was. After the first write
   * of a tick frames are gathered until it ends.
   */
  private burst = NO_BURST;
  /** Reading goes on in the next turn of the event loop. */
  private willContinue = false;
  private wireEnded = false;
  private wireClosed = false;
  /** Our half is ended, and everything that was written has left. */
  private finished = false;
  private timer: Timer | undefined;
  /** Made with the first write that the socket does not finish at once. */
  private unwritten: UnwrittenMessages | undefined;
  /** The callbacks of the writes that are under way, a list per write; made with the first. */
  private awaiting: Set<SendCallback[]> | undefined;

  /** @param isPlain whether the wire is a socket of `node:net`, and none derived from it */
  constructor(
    socket: Duplex,
    isPlain: boolean,
    options: EndpointOptions,
    application: Application,
  ) {
    this.socket = socket;
    this.isPlain = isPlain;
    this.endpoint = new Endpoint(options, this, application);
  }

  /** Begins to read. @param head bytes that came behind the opening handshake */
  start(head: Buffer): void {
    const { socket } = this;
    (socket as Wired)[CONNECTION] = this;
    connectionOpened();
    const settings = socket as SocketSettings;
    settings.setTimeout?.(0);
    settings.setNoDelay?.(true);
    if (head.length > 0) socket.unshift(head);
    socket.on('error', onError);
    socket.on('end', onEnd);
    socket.on('close', onClose);
    socket.on('drain', onDrain);
    socket.on('data', onData);
    if (socket.destroyed) this.expectClose();
    else if (socket.readableEnded) time.setImmediate(() => this.onEnd());
  }

  /**
   * Bytes of messages that were given to `send` and are not written, as WHATWG counts them: what is
   * written in this tick counts until the tick ends.
   */
  get bufferedAmount(): number {
    const inSocket = this.unwritten?.remaining(this.socket.writableLength) ?? 0;
    return this.endpoint.sender.givenLength + inSocket + Math.max(0, this.burst);
  }

  /** Whether a closing handshake has a deadline at the moment. */
  get closeTimer(): Timer | undefined {
    return this.timer;
  }

  /** How it ended. RFC 6455 §7.1.4 to §7.1.6. */
  describeClose(): CloseInfo {
    const { sent, received, violation, failure, wasClean } = this.endpoint;
    const error = violation ?? failure ?? this.cause;
    return {
      wasClean,
      ...(sent && { sent: describe(sent) }),
      ...(received && { received: describe(received) }),
      ...(error && { error }),
    };
  }

  /** Delivers nothing more and lets TCP hold the peer back. */
  pause(): void {
    if (this.wireClosed || this.endpoint.receiver.isDiscarding) return;
    this.paused = true;
    this.endpoint.receiver.suspend();
    this.socket.pause();
  }

  /** Goes on delivering, beginning with the next turn. */
  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.continueLater();
  }

  /** Takes a chunk from the wire. */
  receive(chunk: Buffer): void {
    this.begin();
    let threw = true;
    try {
      this.endpoint.receiver.push(chunk);
      threw = false;
    } finally {
      this.done(threw);
    }
  }

  /**
   * Goes on with what was kept: the application paused, a listener threw, others were let go
   * first, or a message took its time to be decoded.
   */
  continueReading(): void {
    this.willContinue = false;
    if (this.paused) return;
    this.begin();
    let threw = true;
    try {
      this.endpoint.receiver.resume();
      threw = false;
    } finally {
      this.done(threw);
      this.flow();
      if (!threw && !this.endpoint.receiver.hasRest) this.wireFinished();
    }
  }

  private begin(): void {
    this.reading = true;
    beginReading(this);
  }

  /** A chunk was read, or a listener threw. */
  private done(threw: boolean): void {
    this.reading = false;
    endReading();
    this.flush();
    const { receiver } = this.endpoint;
    if (receiver.isDecoding) this.socket.pause();
    else if (threw || receiver.hasRest || receiver.isSuspended) this.continueLater();
  }

  /** Has reading go on in the next turn; TCP holds the peer back while there is a rest. */
  private continueLater(): void {
    const { receiver } = this.endpoint;
    if (this.paused || this.willContinue) return;
    this.willContinue = true;
    if (receiver.hasRest || receiver.isSuspended) this.socket.pause();
    time.setImmediate(continueReading, this);
  }

  /** Has the socket flow; a loop inside of it that a listener's exception broke begins anew. */
  private flow(): void {
    if (this.paused || this.willContinue || this.endpoint.receiver.isDecoding) return;
    this.socket.pause();
    this.socket.resume();
  }

  readOn(): void {
    this.paused = false;
    this.socket.resume();
    // What was being decoded when the wire closed is dropped: nothing else will say that it is over.
    if (this.wireClosed) this.continueLater();
  }

  continueSending(): void {
    time.setImmediate(continueSending, this);
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
    const gather = this.endpoint.sender.takeGathered();
    if (gather === undefined) return true;
    const drained = this.write(gather.takeParts(), gather.callbacks);
    this.countWrite(gather);
    if (this.hasLeft()) gather.giveBack();
    this.endpoint.written(gather, drained);
    return drained;
  }

  private countWrite({ givenLength, byteLength }: Gather): void {
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

  end(): void {
    try {
      this.flush();
    } finally {
      this.endpoint.sender.halt(); // nothing may be written behind the end
      this.socket.end(() => {
        this.finished = true;
        this.destroyWhenOver();
      });
    }
  }

  /** A Duplex that does not destroy itself when both halves have ended would never be closed. */
  private destroyWhenOver(): void {
    if (!this.finished || !this.wireEnded || this.endpoint.receiver.hasRest) return;
    this.socket.destroy();
    this.expectClose();
  }

  destroy(): void {
    this.endpoint.sender.halt();
    // On a wire in memory a write may run the peer's listeners, which may throw.
    try {
      this.flush();
    } finally {
      this.socket.destroy();
      this.expectClose();
    }
  }

  /** A Duplex that does not tell when it is closed is taken as closed soon after its end. */
  private expectClose(): void {
    time.setImmediate(() => time.setImmediate(onClose.bind(this.socket as Wired)));
  }

  armCloseTimer(milliseconds: number): void {
    this.disarm();
    this.timer = time.setTimeout(() => this.endpoint.timedOut(), milliseconds);
  }

  disarm(): void {
    time.clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** The peer sends nothing more. */
  onEnd(): void {
    this.wireEnded = true;
    if (!this.endpoint.receiver.hasRest) this.wireFinished();
  }

  /** The wire broke. */
  onError(error: Error): void {
    this.cause ??= error;
    this.endpoint.sender.halt();
    this.socket.destroy();
    this.expectClose();
  }

  /** The wire is gone. */
  onClose(): void {
    if (this.wireClosed) return;
    this.wireEnded = true;
    this.wireClosed = true;
    connectionClosed();
    // What was received is delivered first, also to an application that paused.
    this.paused = false;
    // `read` may emit 'data' as well: one way is enough, the bytes are unmasked in place.
    this.socket.removeListener('data', onData);
    const left = this.socket.read(this.socket.readableLength) as Buffer | null;
    if (left !== null) this.endpoint.receiver.queue(left);
    if (this.endpoint.receiver.hasRest) this.continueReading();
    else this.wireFinished();
  }

  /** Tells the endpoint of the wire's end, behind everything that was received. */
  private wireFinished(): void {
    if (this.wireEnded) this.endpoint.wireEnded();
    if (!this.wireClosed) {
      this.destroyWhenOver();
      return;
    }
    this.unwritten = undefined;
    this.failCallbacks();
    this.endpoint.wireClosed();
  }

  /** What was not written when the wire closed never will be. */
  private failCallbacks(): void {
    const { sender, failure } = this.endpoint;
    const underWay = [...(this.awaiting ?? [])].flat();
    const unsent = [...underWay, ...(sender.takeGathered()?.callbacks ?? [])];
    this.awaiting = undefined;
    // An error captures the stack: none is made for nobody.
    if (unsent.length > 0) settle(unsent, this.cause ?? notSent());
    const left = sender.abandon();
    const unready = left.flatMap(({ callback }) => callback ?? []);
    if (unready.length > 0) settle(unready, failure ?? notReady(left));
  }
}

function describe(close: Close): { code: number; reason: string } {
  return { code: close.code, reason: close.reason.toString() };
}

function continueReading(connection: Connection): void {
  connection.continueReading();
}

function continueSending(connection: Connection): void {
  connection.endpoint.sender.continue();
}

function onData(this: Duplex, chunk: Buffer): void {
  (this as Wired)[CONNECTION].receive(chunk);
}

function onEnd(this: Duplex): void {
  (this as Wired)[CONNECTION].onEnd();
}

function onClose(this: Duplex): void {
  (this as Wired)[CONNECTION].onClose();
}

function onDrain(this: Duplex): void {
  (this as Wired)[CONNECTION].endpoint.drained();
}

// A reset after the connection is open is told by `close` 1006; the error is kept as its cause.
function onError(this: Duplex, error: Error): void {
  (this as Wired)[CONNECTION].onError(error);
}
