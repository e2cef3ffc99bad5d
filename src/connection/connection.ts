/** An endpoint on a Duplex: reading, pausing, the close timer, the end. The base class writes. */

import type { Duplex } from 'node:stream';
import { type CloseInfo, describeClose, noteOpening } from './close-info.js';
import { beginReading, connectionClosed, connectionOpened, endReading } from './flush.js';
import { failPings } from './round-trip.js';
import { sweep } from './sweep.js';
import { type Timer, time } from './time.js';
import { Writer } from './writer.js';

/** The key of the connection in its Duplex. So all connections share their listeners. */
const CONNECTION = Symbol('ws6455.connection');

interface ConnectedDuplex extends Duplex {
  [CONNECTION]: Connection;
}

/** Whether a connection was already started on this Duplex. */
export function hasConnection(socket: Duplex): boolean {
  return CONNECTION in socket;
}

/** The methods of a `net.Socket` that another Duplex may lack. */
interface SocketMethods {
  setNoDelay?: (on: boolean) => void;
  setTimeout?: (milliseconds: number) => void;
}

/** Why nothing is read. Several may hold at once. */
export const Pause = { PROGRAM: 1, MESSAGE_RATE: 2, CONSUMER: 4 } as const;

/** An established connection. */
export class Connection extends Writer {
  private wire: 'OPEN' | 'ENDED' | 'CLOSED' = 'OPEN';
  /** The sum of the reasons of {@link Pause}; 0 if the connection is read. */
  private pausedBy = 0;
  /** `continueReading` is scheduled for the next turn of the event loop. */
  private readScheduled = false;
  /** The Duplex has finished: our half is ended, and all bytes are written. */
  private isFinished = false;
  private timer: Timer | undefined;

  /** Starts reading. @param head the first bytes after the opening handshake */
  start(head: Buffer): void {
    const { socket } = this;
    (socket as ConnectedDuplex)[CONNECTION] = this;
    connectionOpened();
    noteOpening(this, socket, head.length + socket.readableLength);
    const settings = socket as SocketMethods;
    settings.setTimeout?.(0);
    settings.setNoDelay?.(true);
    if (head.length > 0) socket.unshift(head);
    socket.on('error', onError);
    socket.on('end', onEnd);
    socket.on('close', onClose);
    socket.on('drain', onDrain);
    socket.on('data', this.readAt === undefined ? onData : onObservedData);
    if (socket.destroyed) this.closeIfSilent();
    else if (socket.readableEnded) time.setImmediate(() => this.onEnd());
  }

  /** The deadline of the closing handshake; undefined when there is none. */
  get closeTimer(): Timer | undefined {
    return this.timer;
  }

  /** Describes how the connection ended. */
  describeClose(messagesReceived: number): CloseInfo {
    const { endpoint, socket, wireError } = this;
    return describeClose(endpoint, socket, this, wireError, messagesReceived);
  }

  /**
   * Stops delivery and reading: TCP's flow control then stops the peer.
   * @returns false if there is nothing to stop: the connection is closed, or delivers nothing more
   */
  pause(reason: number = Pause.PROGRAM): boolean {
    if (this.wire === 'CLOSED' || this.endpoint.receiver.isDiscarding) return false;
    this.pausedBy |= reason;
    this.endpoint.receiver.suspend();
    this.socket.pause();
    return true;
  }

  /** Ends a pause. Without another one delivery continues in the next turn of the event loop. */
  resume(reason: number = Pause.PROGRAM): void {
    if ((this.pausedBy & reason) === 0) return;
    this.pausedBy &= ~reason;
    this.continueLater();
  }

  /** Reads a chunk from the wire. */
  receive(chunk: Buffer): void {
    this.read(chunk);
  }

  /**
   * Reads the bytes that are received and not read: the application paused, a listener threw, a message
   * was being decoded, or other connections had a turn.
   */
  continueReading(): void {
    this.readScheduled = false;
    if (this.pausedBy !== 0) return;
    try {
      this.read(undefined);
    } finally {
      this.restartFlow();
    }
    if (!this.endpoint.receiver.hasUnread) this.reportWireEnd();
  }

  /**
   * Reads a chunk, or the unread bytes. Frames that listeners send meanwhile are written at the end, in
   * one write.
   */
  private read(chunk: Buffer | undefined): void {
    const { receiver } = this.endpoint;
    this.isReading = true;
    beginReading(this);
    let threw = true;
    try {
      if (chunk === undefined) receiver.resume();
      else receiver.push(chunk);
      threw = false;
    } finally {
      this.isReading = false;
      endReading();
      this.flush();
      if (receiver.isDecoding) this.socket.pause();
      else if (threw || receiver.hasUnread || receiver.isSuspended) this.continueLater();
    }
  }

  /** Schedules the next read. The socket is paused while received bytes wait. */
  private continueLater(): void {
    const { receiver } = this.endpoint;
    if (this.pausedBy !== 0 || this.readScheduled) return;
    this.readScheduled = true;
    if (receiver.hasUnread || receiver.isSuspended) this.socket.pause();
    time.setImmediate(continueReading, this);
  }

  /** Restarts 'data' events: an exception in a listener ends Node's read loop. */
  private restartFlow(): void {
    if (this.pausedBy !== 0 || this.readScheduled || this.endpoint.receiver.isDecoding) return;
    this.socket.pause();
    this.socket.resume();
  }

  resumeToDiscard(): void {
    this.pausedBy = 0;
    this.socket.resume();
    // A message in the decoder is dropped, so `onDecoded` will not report the end of the wire.
    if (this.wire === 'CLOSED') this.continueLater();
  }

  continueSending(): void {
    time.setImmediate(continueSending, this);
  }

  // RFC 6455 §7.1.1 SHOULD: TCP ends cleanly, each half by its end, and what still comes is discarded.
  end(): void {
    try {
      this.flush();
    } finally {
      this.endpoint.sender.stop(); // no write may follow end()
      this.socket.end(() => {
        this.isFinished = true;
        this.destroyWhenOver();
      });
    }
  }

  /** Destroys the Duplex when both halves have ended: one without `autoDestroy` stays open. */
  private destroyWhenOver(): void {
    if (!this.isFinished || this.wire === 'OPEN' || this.endpoint.receiver.hasUnread) return;
    this.socket.destroy();
    this.closeIfSilent();
  }

  destroy(): void {
    this.endpoint.sender.stop();
    // With an in-memory Duplex a write runs the peer's listeners, which may throw.
    try {
      this.flush();
    } finally {
      this.socket.destroy();
      this.closeIfSilent();
    }
  }

  /** Handles a Duplex that emits no 'close': it counts as closed two turns later. */
  private closeIfSilent(): void {
    time.setImmediate(() => time.setImmediate(onClose.bind(this.socket as ConnectedDuplex)));
  }

  armCloseTimer(milliseconds: number): void {
    this.disarm();
    this.timer = time.setTimeout(() => this.endpoint.timedOut(), milliseconds);
  }

  disarm(): void {
    time.clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** The peer has ended its half. */
  onEnd(): void {
    if (this.wire === 'OPEN') this.wire = 'ENDED';
    if (!this.endpoint.receiver.hasUnread) this.reportWireEnd();
  }

  /** The Duplex had an error. */
  onError(error: Error): void {
    this.wireError ??= error;
    this.endpoint.sender.stop();
    this.socket.destroy();
    this.closeIfSilent();
  }

  /** The Duplex is closed. */
  onClose(): void {
    if (this.wire === 'CLOSED') return;
    this.wire = 'CLOSED';
    connectionClosed();
    // Received messages are delivered first, even if the connection is paused.
    this.pausedBy = 0;
    // read() emits 'data' too; the same bytes must not be unmasked in place twice.
    this.socket.removeListener('data', onData).removeListener('data', onObservedData);
    const rest = this.socket.read(this.socket.readableLength) as Buffer | null;
    if (rest !== null) this.endpoint.receiver.queue(rest);
    if (this.endpoint.receiver.hasUnread) this.continueReading();
    else this.reportWireEnd();
  }

  // RFC 6455 §7.2.1 MUST: if the transport is lost, the connection fails.
  /** Reports the end of the wire to the endpoint, after all received bytes. */
  private reportWireEnd(): void {
    if (this.wire !== 'OPEN') this.endpoint.wireEnded();
    if (this.wire !== 'CLOSED') {
      this.destroyWhenOver();
      return;
    }
    this.heartbeat?.remove(this);
    if (this.pings !== undefined) failPings(this);
    this.failCallbacks();
    this.endpoint.wireClosed();
  }
}

function continueReading(connection: Connection): void {
  connection.continueReading();
}

function continueSending(connection: Connection): void {
  connection.endpoint.sender.continue();
}

function onData(this: Duplex, chunk: Buffer): void {
  (this as ConnectedDuplex)[CONNECTION].receive(chunk);
}

function onObservedData(this: Duplex, chunk: Buffer): void {
  const connection = (this as ConnectedDuplex)[CONNECTION];
  connection.readAt = sweep.stamp;
  connection.receive(chunk);
}

function onEnd(this: Duplex): void {
  (this as ConnectedDuplex)[CONNECTION].onEnd();
}

function onClose(this: Duplex): void {
  (this as ConnectedDuplex)[CONNECTION].onClose();
}

function onDrain(this: Duplex): void {
  (this as ConnectedDuplex)[CONNECTION].endpoint.drained();
}

// A connection reset is reported as 'close' with the code 1006; `closeInfo` has the error.
function onError(this: Duplex, error: Error): void {
  (this as ConnectedDuplex)[CONNECTION].onError(error);
}
