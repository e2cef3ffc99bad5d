/** An endpoint on a Duplex: bytes in, timers, pauses, the end. Bytes go out by its base class. */

import type { Duplex } from 'node:stream';
import type { Close } from '../protocol/close.js';
import { beginReading, connectionClosed, connectionOpened, endReading } from './flush.js';
import type { CloseInfo } from './options.js';
import { type Timer, time } from './time.js';
import { Writer } from './writer.js';

/** Where a Duplex keeps its connection, so that all connections share the same listeners. */
const CONNECTION = Symbol('ws6455.connection');

interface Wired extends Duplex {
  [CONNECTION]: Connection;
}

/** Whether a Duplex has a connection already. */
export function hasConnection(socket: Duplex): boolean {
  return CONNECTION in socket;
}

/** What only real sockets have. */
interface SocketSettings {
  setNoDelay?: (on: boolean) => void;
  setTimeout?: (milliseconds: number) => void;
}

/** Drives an {@link Endpoint} over a Duplex. */
export class Connection extends Writer {
  private wire: 'OPEN' | 'ENDED' | 'CLOSED' = 'OPEN';
  private paused = false;
  /** Reading goes on in the next turn of the event loop. */
  private willContinue = false;
  /** Our half is ended, and everything that was written has left. */
  private finished = false;
  private timer: Timer | undefined;

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
    if (this.wire === 'CLOSED' || this.endpoint.receiver.isDiscarding) return;
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
    this.read(chunk);
  }

  /**
   * Goes on with what was kept: the application paused, a listener threw, others were let go
   * first, or a message took its time to be decoded.
   */
  continueReading(): void {
    this.willContinue = false;
    if (this.paused) return;
    try {
      this.read(undefined);
    } finally {
      this.flow();
    }
    if (!this.endpoint.receiver.hasUnread) this.wireFinished();
  }

  /** Reads a chunk, or what was kept. What listeners send meanwhile leaves at the end, in one write. */
  private read(chunk: Buffer | undefined): void {
    const { receiver } = this.endpoint;
    this.reading = true;
    beginReading(this);
    let threw = true;
    try {
      if (chunk === undefined) receiver.resume();
      else receiver.push(chunk);
      threw = false;
    } finally {
      this.reading = false;
      endReading();
      this.flush();
      if (receiver.isDecoding) this.socket.pause();
      else if (threw || receiver.hasUnread || receiver.isSuspended) this.continueLater();
    }
  }

  /** Has reading go on in the next turn; TCP holds the peer back while there is a rest. */
  private continueLater(): void {
    const { receiver } = this.endpoint;
    if (this.paused || this.willContinue) return;
    this.willContinue = true;
    if (receiver.hasUnread || receiver.isSuspended) this.socket.pause();
    time.setImmediate(continueReading, this);
  }

  /** Has the socket flow; a loop inside of it that a listener's exception broke begins anew. */
  private flow(): void {
    if (this.paused || this.willContinue || this.endpoint.receiver.isDecoding) return;
    this.socket.pause();
    this.socket.resume();
  }

  resumeToDiscard(): void {
    this.paused = false;
    this.socket.resume();
    // What was being decoded when the wire closed is dropped: nothing else will say that it is over.
    if (this.wire === 'CLOSED') this.continueLater();
  }

  continueSending(): void {
    time.setImmediate(continueSending, this);
  }

  end(): void {
    try {
      this.flush();
    } finally {
      this.endpoint.sender.stop(); // nothing may be written behind the end
      this.socket.end(() => {
        this.finished = true;
        this.destroyWhenOver();
      });
    }
  }

  /** A Duplex that does not destroy itself when both halves have ended would never be closed. */
  private destroyWhenOver(): void {
    if (!this.finished || this.wire === 'OPEN' || this.endpoint.receiver.hasUnread) return;
    this.socket.destroy();
    this.expectClose();
  }

  destroy(): void {
    this.endpoint.sender.stop();
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
    if (this.wire === 'OPEN') this.wire = 'ENDED';
    if (!this.endpoint.receiver.hasUnread) this.wireFinished();
  }

  /** The wire broke. */
  onError(error: Error): void {
    this.cause ??= error;
    this.endpoint.sender.stop();
    this.socket.destroy();
    this.expectClose();
  }

  /** The wire is gone. */
  onClose(): void {
    if (this.wire === 'CLOSED') return;
    this.wire = 'CLOSED';
    connectionClosed();
    // What was received is delivered first, also to an application that paused.
    this.paused = false;
    // `read` may emit 'data' as well: one way is enough, the bytes are unmasked in place.
    this.socket.removeListener('data', onData);
    const left = this.socket.read(this.socket.readableLength) as Buffer | null;
    if (left !== null) this.endpoint.receiver.queue(left);
    if (this.endpoint.receiver.hasUnread) this.continueReading();
    else this.wireFinished();
  }

  /** Tells the endpoint of the wire's end, behind everything that was received. */
  private wireFinished(): void {
    if (this.wire !== 'OPEN') this.endpoint.wireEnded();
    if (this.wire !== 'CLOSED') {
      this.destroyWhenOver();
      return;
    }
    this.failCallbacks();
    this.endpoint.wireClosed();
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
