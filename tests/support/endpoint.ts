/** An endpoint on a wire in memory. The test sees what it asks of the wire and what it reports. */

import { type Application, Endpoint, type EndpointOptions } from '../../src/protocol/endpoint.js';
import type { FrameObserver } from '../../src/protocol/frame-observer.js';
import type { Role } from '../../src/protocol/receiver.js';
import type { Wire } from '../../src/protocol/wire.js';
import type { SendCallback } from '../../src/protocol/write-batch.js';
import { readFrames, type SeenFrame } from './frames.js';

/** Writes at once; or, with `isHeld`, when `flush` is called. */
export class RecordingWire implements Wire {
  /** What was asked for, in order, without the writes. */
  readonly calls: string[] = [];
  readonly writes: Buffer[] = [];
  /** Callbacks of what was written, in order. */
  readonly callbacks: SendCallback[] = [];
  isHeld = false;
  /** Whether `flush` writes nothing, as if a message that is being encoded went first. */
  isBlocked = false;
  /** Whether its buffer is full. */
  isFull = false;
  /** Whether the close timer runs. */
  isArmed = false;
  endpoint: Endpoint | undefined;

  get frames(): SeenFrame[] {
    return readFrames(Buffer.concat(this.writes)).frames;
  }

  schedule(): void {
    if (!this.isHeld) this.flush();
  }
  flush(): boolean {
    if (this.isBlocked) return true;
    const batch = this.endpoint?.sender.takeBatch();
    if (batch === undefined) return true;
    this.writes.push(Buffer.concat(batch.takeParts()));
    this.callbacks.push(...(batch.callbacks ?? []));
    this.endpoint?.written(batch, !this.isFull);
    return !this.isFull;
  }
  /** Nothing waits above the sender here. */
  releaseBacklog(): void {}
  end(): void {
    this.flush();
    this.calls.push('end');
  }
  destroy(): void {
    this.calls.push('destroy');
  }
  resumeToDiscard(): void {
    this.calls.push('resumeToDiscard');
  }
  continueReading(): void {
    this.calls.push('continueReading');
  }
  continueSending(): void {
    this.calls.push('continueSending');
  }
  armCloseTimer(milliseconds: number): void {
    this.isArmed = true;
    this.calls.push(`armCloseTimer ${milliseconds}`);
  }
  disarm(): void {
    this.isArmed = false;
    this.calls.push('disarm');
  }
}

/** Writes down in words what an endpoint reports. */
export class RecordingApplication implements Application {
  readonly events: string[] = [];
  frames: FrameObserver | undefined;

  onMessage(data: Buffer | Buffer[], isBinary: boolean): void {
    this.events.push(`${isBinary ? 'binary' : 'text'} ${data}`);
  }
  onPing(payload: Buffer): void {
    this.events.push(`ping ${payload}`);
  }
  onPong(payload: Buffer): void {
    this.events.push(`pong ${payload}`);
  }
  onFailure(error: Error & { code?: string }): void {
    this.events.push(`failure ${error.code ?? error.message}`);
  }
  onFull(): void {
    this.events.push('full');
  }
  onDrain(): void {
    this.events.push('drain');
  }
  onClosed(code: number, reason: Buffer): void {
    this.events.push(`closed ${code} ${reason}`.trimEnd());
  }
}

export interface Opened {
  readonly endpoint: Endpoint;
  readonly wire: RecordingWire;
  readonly application: RecordingApplication;
}

/** An endpoint after the opening handshake; without limits if `options` names none. */
export function openEndpoint(role: Role, options: Partial<EndpointOptions> = {}): Opened {
  const wire = new RecordingWire();
  const application = new RecordingApplication();
  const all: EndpointOptions = {
    role,
    receiving: { maxPayload: 0, maxFragments: 0, checkUtf8: true, oneAtATime: false },
    extension: undefined,
    keys: undefined,
    autoPong: true,
    closeTimeout: 30_000,
    ...options,
  };
  const endpoint = new Endpoint(all, wire, application);
  wire.endpoint = endpoint;
  return { endpoint, wire, application };
}
