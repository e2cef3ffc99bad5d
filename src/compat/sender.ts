/**
 * RFC 6455 §5.2, §6.1: frames made and sent one by one, as `ws` does it. Here because programs frame
 * a broadcast once by `Sender.frame`, and because some put a Sender on a socket of their own.
 * Our own connections send by `protocol/sender`, which gathers.
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

/** RFC 7692 §7.2.1: the reserved bit of a compressed message. */
const RSV1 = 0x40;

/** How a frame is made. What is left out is off. */
export interface FrameOptions {
  /** The last frame of its message. */
  fin?: boolean | undefined;
  opcode: number;
  /** Whether the payload is compressed. RFC 7692 §6. */
  rsv1?: boolean | undefined;
  /** Whether it is masked. RFC 6455 §5.3. */
  mask?: boolean | undefined;
  /** Whether the data must stay as they are; else they are masked in place. */
  readOnly?: boolean | undefined;
  /** Where the masking key is put: four bytes. */
  maskBuffer?: Buffer | undefined;
  /** A source of masking keys in place of the random one. */
  generateMask?: GenerateMask | undefined;
}

/** How a message is sent. What is left out is off. */
export interface SenderSendOptions {
  binary?: boolean | undefined;
  /** Whether it is compressed, where an extension can. */
  compress?: boolean | undefined;
  /** The last fragment of its message. */
  fin?: boolean | undefined;
  mask?: boolean | undefined;
}

/** What a sender needs of permessage-deflate. */
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

/** The extensions agreed on. RFC 6455 §9.1. */
export interface SenderExtensions {
  'permessage-deflate'?: Compressor | undefined;
}

type Payload = Buffer | string | Blob;

/** A frame on its way to the socket. */
interface Job {
  readonly data: Payload;
  readonly byteLength: number;
  readonly compress: boolean;
  readonly frame: FrameOptions;
  readonly callback: SendCallback | undefined;
}

/** Sends frames on a socket, in the order of its calls, also behind one that is being compressed. */
export class Sender {
  /** Called when a Blob can't be read. */
  onerror: (error: Error) => void = () => {};
  /** @internal programs written for `ws` look into these three */
  _socket: Duplex;
  /** @internal */
  _extensions: SenderExtensions;
  /** @internal bytes that wait to be compressed or read, or behind such */
  _bufferedBytes = 0;

  private readonly generateMask: GenerateMask | undefined;
  private jobs: Job[] = [];
  /** A job waits for its compression, or for its Blob. */
  private busy = false;
  /** Whether the last data frame was a fragment with more to follow. */
  private continuing = false;
  private compressing = false;

  constructor(socket: Duplex, extensions?: SenderExtensions, generateMask?: GenerateMask) {
    this._socket = socket;
    this._extensions = extensions ?? {};
    this.generateMask = generateMask;
  }

  /**
   * Makes a frame. RFC 6455 §5.2.
   * @returns the header, and the payload behind it if there is one; both in one Buffer where the
   * payload had to be copied to be masked
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
   * Sends a message, or a fragment of one. RFC 6455 §5.4.
   * @throws TypeError for data that have no bytes
   */
  send(data: unknown, options: SenderSendOptions, callback?: SendCallback): void {
    const payload = toPayload(data);
    const isFirst = !this.continuing;
    const fin = Boolean(options.fin);
    this.continuing = !fin;
    // RFC 7692 §6.1: a message is compressed as a whole, which its first frame says.
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
   * Sends a Pong. RFC 6455 §5.5.3.
   * @throws RangeError above 125 bytes
   */
  pong(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this.control(Opcode.PONG, data, mask, callback);
  }

  /**
   * Sends a Close. RFC 6455 §5.5.1.
   * @throws TypeError for a code that must not be sent; RangeError for a reason above 123 bytes
   */
  close(code?: number, data?: string | Uint8Array, mask?: boolean, callback?: SendCallback): void {
    const payload = writeClose(toClose(code, data));
    this.enqueue(payload, false, { fin: true, opcode: Opcode.CLOSE, mask }, callback);
  }

  /** Writes the parts of a frame as `frame` made them, ahead of everything that waits. */
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

  /** Whether this message is worth compressing; with a context taken over, each one is. */
  private compresses(payload: Payload): boolean {
    const deflate = this._extensions['permessage-deflate'];
    if (deflate === undefined) return false;
    const role = deflate._isServer ? 'server' : 'client';
    const startsAnew = deflate.params?.[`${role}_no_context_takeover`];
    return !startsAnew || byteLengthOf(payload) >= (deflate._threshold ?? 0);
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
      if (this.mayGoOn(job, error, 'data was being compressed')) {
        this.finish(job, compressed, false);
        this.work();
      }
    });
  }

  private read(job: Job, blob: Blob): void {
    this.busy = true;
    const go = (error: Error | null, bytes: ArrayBuffer = new ArrayBuffer(0)): void => {
      this.busy = false;
      if (this.mayGoOn(job, error, 'the blob was being read')) {
        this.dispatch(job, Buffer.from(bytes));
        this.work();
      } else if (error !== null) {
        this.onerror(error);
      }
    };
    // In a tick of its own: what a callback throws is an exception, not a rejection.
    blob.arrayBuffer().then(
      (bytes) => time.nextTick(go, null, bytes),
      (error) => time.nextTick(go, error, undefined),
    );
  }

  private finish(job: Job, payload: Buffer | string, readOnly: boolean): void {
    this._bufferedBytes -= job.byteLength;
    const { generateMask } = this;
    this.sendFrame(Sender.frame(payload, { ...job.frame, readOnly, generateMask }), job.callback);
  }

  /** Whether this job may go on; if not, none that waits behind it will. */
  private mayGoOn(job: Job, error: Error | null, meanwhile: string): boolean {
    const lost = this._socket.destroyed
      ? new Error(`The socket was closed while ${meanwhile}`)
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
