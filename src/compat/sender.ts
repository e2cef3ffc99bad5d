/**
 * RFC 6455 §5.2, §6.1: a sender with the interface of `ws`, which writes frames one by one. Programs
 * frame a broadcast once with `Sender.frame`, or create a Sender for their own socket. Connections use
 * `protocol/sender`.
 */

import type { Blob } from 'node:buffer';
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { GenerateMask } from '../connection/options.js';
import { time } from '../connection/time.js';
import { writeClose } from '../protocol/close.js';
import { FIN, Opcode, sizeOfHeader, writeHeader } from '../protocol/frame.js';
import { randomMaskingKeys, unmask } from '../protocol/mask.js';
import type { SendCallback } from '../protocol/write-batch.js';
import { byteLengthOf, toClose, toControlPayload, toPayload } from '../websocket/payload.js';

/** RFC 7692 §6: the reserved bit of a compressed message. */
const RSV1 = 0x40;

/** The options of a frame. The default of each boolean is false. */
export interface FrameOptions {
  /** Whether it is the last frame of its message. */
  fin?: boolean | undefined;
  opcode: number;
  /** Whether the payload is compressed. RFC 7692 §6. */
  rsv1?: boolean | undefined;
  /** Whether the payload is masked. RFC 6455 §5.3. */
  mask?: boolean | undefined;
  /** Whether the data must not be changed. If false, they are masked in place. */
  readOnly?: boolean | undefined;
  /** Receives the masking key: four bytes. */
  maskBuffer?: Buffer | undefined;
  /** Fills `maskBuffer`, or another four bytes, with the masking key. Default: a random key. */
  generateMask?: GenerateMask | undefined;
}

/** The options of a message. Each is false by default. */
export interface SenderSendOptions {
  binary?: boolean | undefined;
  /** Whether it is compressed, if permessage-deflate was negotiated. */
  compress?: boolean | undefined;
  /** Whether it is the last fragment. */
  fin?: boolean | undefined;
  mask?: boolean | undefined;
}

/** The members of permessage-deflate that a sender uses. */
export interface Compressor {
  compress(
    data: Buffer | string,
    fin: boolean,
    callback: (error: Error | null, compressed: Buffer) => void,
  ): void;
  readonly params?: { readonly [name: string]: unknown } | null | undefined;
  /** @internal */
  readonly _isServer?: boolean | undefined;
  /** @internal */
  readonly _threshold?: number | undefined;
}

/** The negotiated extensions of a {@link Sender}. RFC 6455 §9.1. */
export interface SenderExtensions {
  'permessage-deflate'?: Compressor | undefined;
}

type Payload = Buffer | string | Blob;

/** A frame to send. */
interface Job {
  readonly data: Payload;
  readonly byteLength: number;
  readonly compress: boolean;
  readonly frame: FrameOptions;
  readonly callback: SendCallback | undefined;
}

/** Sends frames on a socket, in the order of the calls, also while one is being compressed. */
export class Sender {
  /** Called when a Blob cannot be read. */
  onerror: (error: Error) => void = () => {};
  /** @internal programs read these three */
  _socket: Duplex;
  /** @internal */
  _extensions: SenderExtensions;
  /** @internal the bytes in the queue */
  _bufferedBytes = 0;

  private readonly generateMask: GenerateMask | undefined;
  private jobs: Job[] = [];
  /** A job is being compressed, or its Blob is being read. */
  private busy = false;
  /** Whether a fragmented message is in progress. */
  private continuing = false;
  private compressing = false;

  constructor(socket: Duplex, extensions?: SenderExtensions, generateMask?: GenerateMask) {
    this._socket = socket;
    this._extensions = extensions ?? {};
    this.generateMask = generateMask;
  }

  /**
   * Creates a frame. RFC 6455 §5.2.
   * @returns the header and, if there is one, the payload; both in one Buffer if the payload was copied
   * for masking
   */
  static frame(data: Buffer | string, options: FrameOptions): Buffer[] {
    const payload = typeof data === 'string' ? Buffer.from(data) : data;
    const { length } = payload;
    const masked = Boolean(options.mask);
    const key = masked ? nextKey(options) : 0;
    const headerSize = sizeOfHeader(length, masked);
    const copies = key !== 0 && Boolean(options.readOnly) && payload === data;
    const header = Buffer.allocUnsafe(copies ? headerSize + length : headerSize);
    writeHeader(header, 0, firstByte(options), length, masked, key);
    if (length === 0) return [header];
    if (copies) {
      header.set(payload, headerSize);
      unmask(header, headerSize, header.length, key);
      return [header];
    }
    if (key !== 0) unmask(payload, 0, length, key);
    return [header, payload];
  }

  /**
   * Sends a message or a fragment. RFC 6455 §5.4.
   * @throws TypeError for data without bytes
   */
  send(data: unknown, options: SenderSendOptions, callback?: SendCallback): void {
    const payload = toPayload(data);
    const isFirst = !this.continuing;
    const fin = Boolean(options.fin);
    this.continuing = !fin;
    // RFC 7692 §6.1 MUST: the first frame decides for the whole message.
    if (isFirst) this.compressing = Boolean(options.compress) && this.compresses(payload);
    const opcode = !isFirst ? Opcode.CONTINUATION : options.binary ? Opcode.BINARY : Opcode.TEXT;
    const rsv1 = isFirst && this.compressing;
    this.enqueue(payload, this.compressing, { fin, opcode, rsv1, mask: options.mask }, callback);
  }

  /**
   * Sends a Ping. RFC 6455 §5.5.2.
   * @throws RangeError above 125 bytes
   */
  ping(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.control(Opcode.PING, data, mask, callback);
  }

  /**
   * Sends a Pong, likewise. RFC 6455 §5.5.3.
   */
  pong(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.control(Opcode.PONG, data, mask, callback);
  }

  /**
   * Sends a Close. RFC 6455 §5.5.1.
   * @throws TypeError for an invalid code; RangeError for a reason above 123 bytes
   */
  close(code?: number, data?: string | Uint8Array, mask?: boolean, callback?: SendCallback): void {
    const payload = writeClose(toClose(code, data));
    this.enqueue(payload, false, { fin: true, opcode: Opcode.CLOSE, mask }, callback);
  }

  /** Writes the parts of a frame of `frame` now, before the frames in the queue. */
  sendFrame(parts: readonly (Buffer | string)[], callback?: SendCallback): void {
    const socket = this._socket;
    const last = parts.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(parts[i]);
    socket.write(parts[last], (error) => callback?.(error ?? undefined));
    if (last > 0) socket.uncork();
  }

  private control(
    opcode: number,
    data: unknown,
    mask: boolean | undefined,
    callback: SendCallback | undefined,
  ): void {
    this.enqueue(toControlPayload(data), false, { fin: true, opcode, mask }, callback);
  }

  /** Whether a message is compressed: all are with context takeover, else those above the threshold. */
  private compresses(payload: Payload): boolean {
    const deflate = this._extensions['permessage-deflate'];
    if (deflate === undefined) return false;
    const role = deflate._isServer ? 'server' : 'client';
    const noContextTakeover = deflate.params?.[`${role}_no_context_takeover`];
    return !noContextTakeover || byteLengthOf(payload) >= (deflate._threshold ?? 0);
  }

  private enqueue(
    data: Payload,
    compress: boolean,
    frame: FrameOptions,
    callback: SendCallback | undefined,
  ): void {
    const byteLength = byteLengthOf(data);
    this._bufferedBytes += byteLength;
    this.jobs.push({ data, byteLength, compress, frame, callback });
    this.work();
  }

  private work(): void {
    while (!this.busy) {
      const job = this.jobs.shift();
      if (job === undefined) return;
      if (isRead(job.data)) this.dispatch(job, job.data);
      else this.read(job, job.data);
    }
  }

  private dispatch(job: Job, data: Buffer | string): void {
    const deflate = job.compress ? this._extensions['permessage-deflate'] : undefined;
    if (deflate === undefined) {
      this.finish(job, data, true);
      return;
    }
    this.busy = true;
    deflate.compress(data, job.frame.fin === true, (error, compressed) => {
      this.busy = false;
      if (this.mayContinue(job, error, 'data was being compressed')) {
        this.finish(job, compressed, false);
        this.work();
      }
    });
  }

  private read(job: Job, blob: Blob): void {
    this.busy = true;
    const onRead = (error: Error | null, bytes: ArrayBuffer = new ArrayBuffer(0)): void => {
      this.busy = false;
      if (this.mayContinue(job, error, 'the blob was being read')) {
        this.dispatch(job, Buffer.from(bytes));
        this.work();
      } else if (error !== null) {
        this.onerror(error);
      }
    };
    // In the next tick, so that an exception of a callback is no rejection.
    blob.arrayBuffer().then(
      (bytes) => time.nextTick(onRead, null, bytes),
      (error) => time.nextTick(onRead, error, undefined),
    );
  }

  private finish(job: Job, payload: Buffer | string, readOnly: boolean): void {
    this._bufferedBytes -= job.byteLength;
    const { generateMask } = this;
    this.sendFrame(Sender.frame(payload, { ...job.frame, readOnly, generateMask }), job.callback);
  }

  /** Whether a job may continue. If not, it fails with all jobs after it. */
  private mayContinue(job: Job, error: Error | null, activity: string): boolean {
    const lost = this._socket.destroyed
      ? new Error(`The socket was closed while ${activity}`)
      : undefined;
    const cause = error ?? lost;
    if (cause === undefined) return true;
    const failed = [job, ...this.jobs];
    this.jobs = [];
    this._bufferedBytes = 0;
    for (const { callback } of failed) callback?.(cause);
    return false;
  }
}

function firstByte({ fin, rsv1, opcode }: FrameOptions): number {
  return (fin ? FIN : 0) | (rsv1 ? RSV1 : 0) | opcode;
}

// RFC 6455 §5.3 MUST: each frame gets a new key.
function nextKey({ generateMask, maskBuffer }: FrameOptions): number {
  if (generateMask === undefined) {
    const key = randomMaskingKeys().next();
    maskBuffer?.writeInt32LE(key, 0);
    return key;
  }
  const bytes = maskBuffer ?? Buffer.alloc(4);
  generateMask(bytes);
  return bytes.readInt32LE(0);
}

function isRead(data: Payload): data is Buffer | string {
  return typeof data === 'string' || Buffer.isBuffer(data);
}
