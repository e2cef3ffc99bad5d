/**
 * The core without anything above it: an `Endpoint` of `src/protocol`, driven by the few lines here
 * that a wire in memory needs. The conformance tables run on it, so what they check is held in the core.
 */
import { EventEmitter } from 'node:events';
import { type Time, time } from '../../src/connection/time.js';
import type { Application } from '../../src/protocol/endpoint.js';
import { Endpoint } from '../../src/protocol/endpoint.js';
import { Opcode } from '../../src/protocol/frame.js';
import { MaskingKeys } from '../../src/protocol/mask.js';
import type { Wire } from '../../src/protocol/wire.js';
import type { WireEnd } from '../support/duplex-pair.js';
import type { Product, Role, SendOptions, Settings } from './subject.js';

const bytesOf = (data: Buffer | string): Buffer => Buffer.from(data as string);

/** Whatever chunks come and whenever the wire ends: the endpoint sees the end behind the bytes. */
export class BareEndpoint extends EventEmitter implements Product, Wire, Application {
  readonly #wire: WireEnd;
  readonly #endpoint: Endpoint;
  #timer: ReturnType<Time['setTimeout']> | undefined;
  #isScheduled = false;
  #isEnded = false;

  constructor(wire: WireEnd, role: Role, settings: Settings, maxPayload: number) {
    super();
    this.#wire = wire;
    const { generateMask, maxFragments = 131_072 } = settings;
    const options = {
      role,
      receiving: {
        maxPayload: settings.maxPayload ?? maxPayload,
        maxFragments,
        checkUtf8: settings.skipUTF8Validation !== true,
        oneAtATime: settings.allowSynchronousEvents === false,
      },
      extension: undefined,
      keys: generateMask && new MaskingKeys(generateMask, 4),
      autoPong: settings.autoPong ?? true,
      closeTimeout: settings.closeTimeout ?? 30_000,
    };
    this.#endpoint = new Endpoint(options, this, this);
    wire.on('data', (chunk: Buffer) => this.#read(() => this.#endpoint.receiver.push(chunk)));
    wire.on('end', () => this.#end());
    wire.on('close', () => this.#closed());
    wire.on('drain', () => this.#endpoint.drained());
    wire.on('error', () => {}); // 'close' follows
    if (settings.head !== undefined) wire.unshift(settings.head);
  }

  get readyState(): number {
    const { state } = this.#endpoint;
    if (state === 'OPEN') return 1;
    return state === 'CLOSED' ? 3 : 2;
  }
  get bufferedAmount(): number {
    return this.#endpoint.sender.givenLength;
  }
  send(data: Buffer | string, options: SendOptions = {}, done?: (error?: Error) => void): void {
    const { binary = typeof data !== 'string', fin = true } = options;
    const isSent = this.#endpoint.sender.sendMessage(data, binary, fin, false, done);
    if (!isSent) done?.(new Error('the endpoint sends nothing behind a Close'));
  }
  ping(data: Buffer | string = ''): void {
    this.#endpoint.sender.sendControl(Opcode.PING, bytesOf(data), undefined);
  }
  pong(data: Buffer | string = ''): void {
    this.#endpoint.sender.sendControl(Opcode.PONG, bytesOf(data), undefined);
  }
  close(code = 1005, reason: Buffer | string = ''): void {
    this.#endpoint.startClosingHandshake({ code, reason: bytesOf(reason) });
  }
  terminate(): void {
    this.#endpoint.terminate();
  }
  pause(): void {
    this.#wire.pause();
  }
  resume(): void {
    this.#wire.resume();
  }

  onMessage(data: Buffer | Buffer[], isBinary: boolean): void {
    this.emit('message', data, isBinary);
  }
  onPing(payload: Buffer): void {
    this.emit('ping', payload);
  }
  onPong(payload: Buffer): void {
    this.emit('pong', payload);
  }
  onFailure(error: Error): void {
    this.emit('error', error);
  }
  onFull(): void {}
  onDrain(): void {}
  onClosed(code: number, reason: Buffer): void {
    this.emit('close', code, reason);
  }

  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    time.nextTick(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }
  flush(): boolean {
    const batch = this.#endpoint.sender.takeBatch();
    if (batch === undefined || !this.#wire.writable) return true;
    const isDrained = this.#wire.write(Buffer.concat(batch.takeParts()), (error) => {
      for (const callback of batch.callbacks ?? []) callback(error ?? undefined);
    });
    batch.release();
    this.#endpoint.written(batch, isDrained);
    return isDrained;
  }
  resumeToDiscard(): void {
    this.#wire.resume();
  }
  continueReading(): void {
    this.#read(() => this.#endpoint.receiver.resume());
  }
  continueSending(): void {
    time.setImmediate(() => this.#endpoint.sender.continue());
  }
  releaseBacklog(): void {}
  end(): void {
    this.flush();
    this.#wire.end();
  }
  destroy(): void {
    this.#wire.destroy();
  }
  armCloseTimer(milliseconds: number): void {
    this.disarm();
    this.#timer = time.setTimeout(() => this.#endpoint.timedOut(), milliseconds);
  }
  disarm(): void {
    time.clearTimeout(this.#timer);
  }

  /** Reads; the receiver continues in another turn if it suspended itself. */
  #read(read: () => void): void {
    read();
    if (this.#endpoint.receiver.hasUnread) time.setImmediate(() => this.continueReading());
    else if (this.#isEnded) this.#endpoint.wireEnded();
  }

  #end(): void {
    this.#isEnded = true;
    if (!this.#endpoint.receiver.hasUnread) this.#endpoint.wireEnded();
  }

  #closed(): void {
    this.#endpoint.sender.stop();
    this.#endpoint.wireClosed();
  }
}
