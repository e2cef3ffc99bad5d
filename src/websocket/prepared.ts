/** A message that is framed once, and compressed at most once per set of parameters, for many. */

import { Buffer } from 'node:buffer';
import type { Extension } from '../protocol/extension.js';
import { FIN, Opcode, sizeOfHeader, writeHeader } from '../protocol/frame.js';
import type { Sender } from '../protocol/sender.js';
import type { SendCallback } from '../protocol/write-batch.js';
import type { PrepareOptions } from './api.js';
import { type BufferLike, toPayload } from './payload.js';

/** What a message looks like where it was encoded in one way. */
interface Form {
  /** FIN, reserved bit and opcode. */
  readonly first: number;
  readonly payload: Buffer;
  /** Header and payload, as a server sends them; made with the first one that does. */
  frame: Buffer | undefined;
}

/** A message ready to be sent to any number of connections. It must not change any more. */
export class PreparedMessage {
  /** Its bytes. */
  readonly payload: Buffer;
  /** Whether it is binary. */
  readonly isBinary: boolean;
  private readonly compresses: boolean;
  private readonly plain: Form;
  /** Its compressed forms, by the parameters that they were made with. */
  private readonly compressed = new Map<string, Form>();

  /** @throws TypeError for data that has no bytes, and for a Blob: its bytes come later */
  constructor(data: BufferLike, options: PrepareOptions = {}) {
    const payload = toPayload(data);
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) {
      throw new TypeError('A Blob cannot be prepared: read it first, with its arrayBuffer()');
    }
    this.isBinary = options.binary ?? typeof payload !== 'string';
    this.compresses = options.compress ?? true;
    // A copy: what was prepared stays as it was, whatever becomes of the program's buffer.
    this.payload = Buffer.from(payload as Buffer); // a string too
    this.plain = { first: this.firstByte(0), payload: this.payload, frame: undefined };
  }

  /** Its bytes: so it passes for data wherever it comes to, and is data to those who know no more. */
  valueOf(): Uint8Array {
    return this.payload;
  }

  /** Sends it on a connection. @returns false if a Close was sent or the wire is gone */
  sendBy(
    sender: Sender,
    extension: Extension | undefined,
    callback: SendCallback | undefined,
  ): boolean {
    // Behind what waits to be encoded, or in the middle of a message, it is one like any other.
    if (!sender.isIdle) {
      return sender.sendMessage(this.payload, this.isBinary, true, this.compresses, callback);
    }
    sender.prepareKey();
    const form = this.formFor(extension);
    if (form !== this.plain) extension?.noteEncoded(this.payload);
    const { length } = this.payload;
    if (sender.masks) sender.writeFrame(form.first, form.payload, length, callback);
    else sender.sendShared(frameOf(form), length, callback);
    return true;
  }

  private formFor(extension: Extension | undefined): Form {
    if (extension === undefined || !this.compresses) return this.plain;
    if (!extension.wants(this.payload.length)) return this.plain;
    const { parameters } = extension;
    let form = this.compressed.get(parameters);
    if (form === undefined) {
      form = this.compress(extension);
      this.compressed.set(parameters, form);
    }
    return form;
  }

  private compress(extension: Extension): Form {
    const payload = extension.encodeAlone(this.payload);
    if (payload === this.payload) return this.plain;
    return { first: this.firstByte(extension.reserved), payload, frame: undefined };
  }

  private firstByte(reserved: number): number {
    return FIN | (reserved << 4) | (this.isBinary ? Opcode.BINARY : Opcode.TEXT);
  }
}

function frameOf(form: Form): Buffer {
  if (form.frame !== undefined) return form.frame;
  const { first, payload } = form;
  const size = sizeOfHeader(payload.length, false);
  const frame = Buffer.allocUnsafeSlow(size + payload.length);
  writeHeader(frame, 0, first, payload.length, false, 0);
  payload.copy(frame, size);
  form.frame = frame;
  return frame;
}

/**
 * Frames a message once, for `send` of any number of connections. It is compressed at most once
 * per set of parameters, when the first connection needs it.
 * @throws TypeError for data that has no bytes, and for a Blob
 */
export function prepareMessage(data: BufferLike, options?: PrepareOptions): PreparedMessage {
  return new PreparedMessage(data, options);
}
