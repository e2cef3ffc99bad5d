/** The wire and the application of an endpoint without I/O: it collects bytes and events. */

import { Buffer } from 'node:buffer';
import { time } from '../connection/time.js';
import { type Application, Endpoint, type EndpointOptions } from '../protocol/endpoint.js';
import type { MessageData } from '../protocol/receiver.js';
import type { Wire } from '../protocol/wire.js';
import type { ProtocolEvent } from './protocol-events.js';

/** What a connection leaves to later turns of the event loop is done here before a call returns. */
export class Collector implements Wire, Application {
  readonly endpoint: Endpoint;
  private readonly onReady: (() => void) | undefined;
  private events: ProtocolEvent[] = [];
  private written: Buffer[] = [];
  private wire: 'OPEN' | 'ENDED' | 'CLOSED' = 'OPEN';
  private isInCall = false;
  private isWakeScheduled = false;
  /** The sender has yielded. */
  private mustContinue = false;
  private isTimerSet = false;

  /** @param onReady called when zlib has finished a message that did not fit into a call */
  constructor(options: EndpointOptions, onReady: (() => void) | undefined) {
    this.onReady = onReady;
    this.endpoint = new Endpoint(options, this, this);
  }

  /** Runs a call of the program, and all that follows from it. */
  run(call: (endpoint: Endpoint) => void): void {
    this.isInCall = true;
    try {
      call(this.endpoint);
      this.settle();
    } finally {
      this.isInCall = false;
    }
  }

  takeEvents(): ProtocolEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }

  takeBytes(): Buffer {
    const { written } = this;
    this.written = [];
    const [only] = written;
    return written.length === 1 && only !== undefined ? only : Buffer.concat(written);
  }

  /** Reads a chunk, which belongs to the collector. */
  receive(chunk: Buffer): void {
    this.run(({ receiver }) => {
      if (this.wire === 'OPEN') receiver.push(chunk);
    });
  }

  /** The peer has ended its direction of the wire. */
  wireEnded(): void {
    this.run(() => {
      if (this.wire === 'OPEN') this.wire = 'ENDED';
    });
  }

  wireClosed(): void {
    this.run(({ sender }) => {
      this.wire = 'CLOSED';
      this.written = [];
      sender.stop();
    });
  }

  timedOut(): void {
    this.run((endpoint) => {
      if (!this.isTimerSet) return;
      this.isTimerSet = false;
      endpoint.timedOut();
    });
  }

  private settle(): void {
    const { receiver, sender } = this.endpoint;
    while (receiver.hasUnread && !receiver.isDecoding) receiver.resume();
    do {
      this.mustContinue = false;
      sender.continue();
    } while (this.mustContinue);
    // Received messages are delivered first, also one that zlib is still inflating.
    if (!receiver.hasUnread) this.reportWireEnd();
  }

  private reportWireEnd(): void {
    if (this.wire !== 'OPEN') this.endpoint.wireEnded();
    if (this.wire === 'CLOSED') this.endpoint.wireClosed();
  }

  /** Outside of a call zlib has finished a message: the rest is done when its callback has returned. */
  private wake(): void {
    if (this.isInCall || this.isWakeScheduled) return;
    this.isWakeScheduled = true;
    time.nextTick(() => {
      this.isWakeScheduled = false;
      this.run(() => {});
      this.onReady?.();
    });
  }

  private report(event: ProtocolEvent): void {
    this.events.push(event);
    this.wake();
  }

  onMessage(data: MessageData, isBinary: boolean): void {
    const message = Buffer.isBuffer(data) ? data : Buffer.concat(data);
    this.report({ type: 'message', data: message, isBinary });
  }

  onPing(payload: Buffer): void {
    this.report({ type: 'ping', payload });
  }

  onPong(payload: Buffer): void {
    this.report({ type: 'pong', payload });
  }

  onFailure(error: Error): void {
    this.report({ type: 'error', error });
  }

  onClosed(code: number, reason: Buffer): void {
    const { wasClean } = this.endpoint;
    this.report({ type: 'close', code, reason: reason.toString(), wasClean });
  }

  schedule(): void {
    this.flush();
  }

  flush(): boolean {
    const batch = this.endpoint.sender.takeBatch();
    if (batch === undefined) return true;
    // The memory of the batch is reused after its release.
    if (this.wire !== 'CLOSED') this.written.push(Buffer.concat(batch.takeParts()));
    batch.release();
    this.endpoint.written(batch, true);
    this.wake();
    return true;
  }

  end(): void {
    this.requestEnd('end');
  }

  destroy(): void {
    this.requestEnd('destroy');
  }

  private requestEnd(type: 'end' | 'destroy'): void {
    this.endpoint.sender.stop();
    if (this.wire !== 'CLOSED') this.report({ type });
  }

  armCloseTimer(milliseconds: number): void {
    if (this.wire === 'CLOSED') return;
    this.isTimerSet = true;
    this.report({ type: 'timer', milliseconds });
  }

  disarm(): void {
    if (!this.isTimerSet) return;
    this.isTimerSet = false;
    this.report({ type: 'timer', milliseconds: undefined });
  }

  continueReading(): void {
    this.wake();
  }

  continueSending(): void {
    this.mustContinue = true;
    this.wake();
  }

  // Nothing is paused here, nothing waits above the sender, and `bytesToSend` is never full.
  resumeToDiscard(): void {}
  releaseBacklog(): void {}
  onFull(): void {}
  onDrain(): void {}
}
