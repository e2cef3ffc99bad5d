/** RFC 6455 §6.1: messages in, bytes out. */

import { FIN, Opcode, sizeOfHeader, writeHeader } from './frame.js';
import { Gather, type SendCallback } from './gather.js';
import { type MaskingKeys, unmask } from './mask.js';

/** What bytes go to. */
export interface Wire {
  /** Has `flush` called when this tick ends. */
  schedule(): void;
  /** Writes what is gathered. @returns false when the wire should be left to drain first */
  flush(): boolean;
  /** Reads on, also if the application paused: what comes is dropped from here on. */
  readOn(): void;
  /** Ends our half, behind everything sent. */
  end(): void;
  /** Drops the connection. */
  destroy(): void;
  /** Starts the close timer (anew): after so many milliseconds the time is up. */
  armCloseTimer(milliseconds: number): void;
  /** Stops the close timer. */
  disarm(): void;
}

/** Up to this many bytes a payload is copied behind its header; a larger one goes by reference. */
const COPY_UP_TO = 4096;

/** So much may gather before it is written at once. */
const FLUSH_FROM = 16_384;

/** Frames messages and control frames and gathers them. Every frame passes through `frame`. */
export class Sender {
  readonly gather = new Gather();
  private readonly wire: Wire;
  /** RFC 6455 §5.1: a client masks, a server does not. */
  private readonly keys: MaskingKeys | undefined;
  /** Whether the last data frame was a fragment with more to follow. */
  private continuing = false;

  /** @param keys a client's masking keys; undefined for a server */
  constructor(wire: Wire, keys: MaskingKeys | undefined) {
    this.wire = wire;
    this.keys = keys;
  }

  /**
   * Sends a message, or one fragment of it. Text given as a string is encoded as UTF-8.
   * @param fin false when more fragments of this message follow
   */
  message(
    payload: Buffer | string,
    isBinary: boolean,
    fin: boolean,
    callback: SendCallback | undefined,
  ): void {
    // RFC 6455 §5.4: the first fragment says what the message is, the others continue it.
    const opcode = this.continuing ? Opcode.CONTINUATION : isBinary ? Opcode.BINARY : Opcode.TEXT;
    this.continuing = !fin;
    this.frame(fin ? FIN | opcode : opcode, payload, callback);
  }

  /** Sends a control frame; its payload is at most 125 bytes. RFC 6455 §5.5. */
  control(opcode: number, payload: Buffer, callback: SendCallback | undefined): void {
    this.frame(FIN | opcode, payload, callback);
  }

  private frame(first: number, payload: Buffer | string, callback: SendCallback | undefined): void {
    const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
    const { gather } = this;
    const isCopied = length <= COPY_UP_TO;
    if (isCopied) this.copied(first, payload, length);
    else this.referred(first, payload, length);
    if (callback !== undefined) gather.notify(callback);
    // What goes by reference leaves at once: programs fill the same buffer again for the next one.
    if (isCopied && gather.byteLength < FLUSH_FROM) this.wire.schedule();
    else this.wire.flush();
  }

  /** Header and payload side by side. */
  private copied(first: number, payload: Buffer | string, length: number): void {
    const { gather, keys } = this;
    const masked = keys !== undefined;
    const key = masked ? keys.next() : 0;
    const offset = gather.reserve(sizeOfHeader(length, masked) + length);
    const bytes = gather.buffer;
    const start = writeHeader(bytes, offset, first, length, masked, key);
    if (typeof payload === 'string') bytes.write(payload, start, length);
    else bytes.set(payload, start);
    if (masked) unmask(bytes, start, start + length, key);
  }

  /** The header, then the payload as it is; masked, it is a copy: the caller's bytes stay. */
  private referred(first: number, payload: Buffer | string, length: number): void {
    const { gather, keys } = this;
    const masked = keys !== undefined;
    const key = masked ? keys.next() : 0;
    const offset = gather.reserve(sizeOfHeader(length, masked));
    writeHeader(gather.buffer, offset, first, length, masked, key);
    if (typeof payload === 'string' || masked) {
      const own = Buffer.from(payload as Buffer); // both kinds give a fresh Buffer
      if (masked) unmask(own, 0, length, key);
      gather.append(own);
    } else {
      gather.append(payload);
    }
  }
}
