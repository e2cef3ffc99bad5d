/** Messages that are framed and compressed once for many connections. */

import { Buffer } from 'node:buffer';
import type { Extension } from '../protocol/extension.js';
import { FIN, Opcode, sizeOfHeader, writeHeader } from '../protocol/frame.js';
import type { Sender } from '../protocol/sender.js';
import type { SendCallback } from '../protocol/write-batch.js';
import type { PrepareOptions } from './api.js';
import { type BufferLike, toPayload } from './payload.js';

/** An encoding of a message. */
interface EncodedForm {
  /** The first byte of its frame: FIN, reserved bits and opcode. */
  readonly firstByte: number;
  readonly payload: Buffer;
  /** The unmasked frame, which servers send. Created when a server first sends it. */
  frame: Buffer | undefined;
}

/** An immutable message, ready to be sent on any number of connections. */
export class PreparedMessage {
  /** @internal */
  readonly kind = 'MESSAGE';
  /** @internal */
  readonly fin = true;
  /** The bytes of the message, uncompressed. */
  readonly payload: Buffer;
  /** True for a binary message, false for text. */
  readonly isBinary: boolean;
  /** @internal */
  readonly isCompressible: boolean;
  private readonly uncompressed: EncodedForm;
  /** The compressed forms, by the parameters of their extension. Made with the first one. */
  private compressed: Map<string, EncodedForm> | undefined;

  /** @throws TypeError for a Blob, because it is read asynchronously, and for data without bytes */
  constructor(data: BufferLike, options: PrepareOptions = {}) {
    const payload = toReadPayload(data);
    this.isBinary = options.binary ?? typeof payload !== 'string';
    this.isCompressible = options.compress ?? true;
    // A copy, so that later changes of the program's buffer have no effect.
    this.payload = Buffer.from(payload as Buffer); // or a string
    this.uncompressed = { firstByte: this.firstByte(0), payload: this.payload, frame: undefined };
  }

  /** @internal */
  get byteLength(): number {
    return this.payload.length;
  }

  /** @internal connections that wait share it: it never changes */
  keep(): void {}

  /** Lets a prepared message pass wherever data is accepted: `Buffer.from` reads `valueOf`. */
  valueOf(): Uint8Array {
    return this.payload;
  }

  /** Sends the message on a connection. @returns false if it cannot be sent any more */
  sendOn(
    sender: Sender,
    extension: Extension | undefined,
    callback: SendCallback | undefined,
  ): boolean {
    // Frames are queued, or a fragmented message is in progress: send it as an ordinary message.
    if (!sender.isIdle) {
      return sender.sendMessage(this.payload, this.isBinary, true, this.isCompressible, callback);
    }
    sender.prepareKey();
    const form = this.formFor(extension);
    if (form !== this.uncompressed) extension?.noteEncoded(this.payload);
    const { length } = this.payload;
    if (sender.masks) sender.writeFrame(form.firstByte, form.payload, length, callback);
    else sender.sendShared(frameOf(form), length, callback);
    return true;
  }

  private formFor(extension: Extension | undefined): EncodedForm {
    if (extension === undefined || !this.isCompressible) return this.uncompressed;
    if (!extension.wants(this.payload.length)) return this.uncompressed;
    const { parameters } = extension;
    this.compressed ??= new Map();
    let form = this.compressed.get(parameters);
    if (form === undefined) {
      form = this.compress(extension);
      this.compressed.set(parameters, form);
    }
    return form;
  }

  private compress(extension: Extension): EncodedForm {
    const payload = extension.encodeAlone(this.payload);
    if (payload === this.payload) return this.uncompressed;
    return { firstByte: this.firstByte(extension.reserved), payload, frame: undefined };
  }

  private firstByte(reserved: number): number {
    return FIN | (reserved << 4) | (this.isBinary ? Opcode.BINARY : Opcode.TEXT);
  }
}

/** As `toPayload`. @throws TypeError for a Blob, because it is read asynchronously */
export function toReadPayload(data: BufferLike): Buffer | string {
  const payload = toPayload(data);
  if (typeof payload === 'string' || Buffer.isBuffer(payload)) return payload;
  throw new TypeError('A Blob cannot be prepared: read it first, with its arrayBuffer()');
}

function frameOf(form: EncodedForm): Buffer {
  if (form.frame !== undefined) return form.frame;
  const { firstByte, payload } = form;
  const size = sizeOfHeader(payload.length, false);
  const frame = Buffer.allocUnsafeSlow(size + payload.length);
  writeHeader(frame, 0, firstByte, payload.length, false, 0);
  payload.copy(frame, size);
  form.frame = frame;
  return frame;
}

/**
 * Prepares a message for `send` on any number of connections. It is framed once, and compressed at most
 * once for each set of negotiated parameters.
 * @throws TypeError for data that has no bytes, and for a Blob
 */
export function prepareMessage(data: BufferLike, options?: PrepareOptions): PreparedMessage {
  return new PreparedMessage(data, options);
}
