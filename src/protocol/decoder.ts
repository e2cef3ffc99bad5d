/** RFC 6455 §9: decodes messages with an extension, one at a time. */

import { ProtocolError } from './errors.js';
import type { Decoded, Extension } from './extension.js';

/** The receiver yields after this much decoding, about 1 ms: a few bytes may decode to many. */
const MAX_DECODED_IN_A_ROW = 524_288;

/** The cost of decoding besides the decoded bytes, as a number of bytes. */
const COST_OF_DECODING = 8192;
const COST_OF_ENCODED_BYTE = 4;

/** The result of decoding: the message, or the violation of its sender. */
export type DecodeResult = Buffer | ProtocolError;

/** The result while a message is being decoded. */
const PENDING = Symbol('pending');

/** Decodes messages. Frames after an encoded message are read when that message is decoded. */
export class Decoder {
  /** The reserved bits that mark an encoded message. */
  readonly reserved: number;

  private readonly extension: Extension;
  private readonly onDecoded: Decoded;
  /** The result of the last message; undefined after it was taken or dropped. */
  private result: DecodeResult | typeof PENDING | undefined;
  private decodedInARow = 0;

  /** @param onReady called when a message that was not decoded at once can be taken */
  constructor(extension: Extension, onReady: () => void) {
    this.extension = extension;
    this.reserved = extension.reserved;
    this.onDecoded = (decoded) => {
      if (this.result !== PENDING) return; // it was dropped
      this.result = decoded;
      onReady();
    };
  }

  /** Whether a message is being decoded. */
  get isBusy(): boolean {
    return this.result === PENDING;
  }

  /** Whether a message is being decoded, or was decoded and not taken. */
  get holdsMessage(): boolean {
    return this.result !== undefined;
  }

  /** Whether other connections should have a turn. */
  get shouldYield(): boolean {
    return this.decodedInARow >= MAX_DECODED_IN_A_ROW;
  }

  /** Other connections have had their turn. */
  resetBudget(): void {
    this.decodedInARow = 0;
  }

  /** @returns the result; undefined if the message is decoded later */
  decode(payload: Buffer, limit: number): DecodeResult | undefined {
    this.decodedInARow += COST_OF_DECODING + payload.length * COST_OF_ENCODED_BYTE;
    this.result = PENDING;
    const decoded = this.extension.decode(payload, limit, this.onDecoded);
    if (decoded !== undefined) this.result = decoded;
    return this.take();
  }

  /** Takes the result; undefined while there is none. */
  take(): DecodeResult | undefined {
    const { result } = this;
    if (result === PENDING || result === undefined) return undefined;
    this.result = undefined;
    if (!(result instanceof ProtocolError)) this.decodedInARow += result.length;
    return result;
  }

  /** Drops the message that is being decoded. */
  discard(): void {
    this.result = undefined;
    this.extension.dropDecoding();
  }
}
