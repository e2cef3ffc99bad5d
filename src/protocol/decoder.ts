/** RFC 6455 §9: decodes the messages of an extension, one after the other. */

import { ProtocolError } from './errors.js';
import type { Decoded, Extension } from './extension.js';

/** The decoder should yield after this many bytes: a few bytes may become many. About 1 ms. */
const MAX_DECODED_IN_A_ROW = 524_288;

/** What decoding costs beside the decoded bytes, in bytes. */
const COST_OF_DECODING = 8192;
const COST_OF_ENCODED_BYTE = 4;

/** The outcome of decoding: the message, or the rule that its sender broke. */
export type DecodeResult = Buffer | ProtocolError;

/** A message is being decoded. */
const PENDING = Symbol('pending');

/** Decodes by an extension. What comes behind a message waits until the message is decoded. */
export class Decoder {
  /** The reserved bits that mark a message as the extension's. */
  readonly reserved: number;

  private readonly extension: Extension;
  private readonly onDecoded: Decoded;
  /** The outcome of the last message; undefined when it was taken or dropped. */
  private result: DecodeResult | typeof PENDING | undefined;
  private decodedInARow = 0;

  /** @param onReady called when a message that took its time can be taken */
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

  /** Whether others should go first. */
  get shouldYield(): boolean {
    return this.decodedInARow >= MAX_DECODED_IN_A_ROW;
  }

  /** Others went first. */
  resetBudget(): void {
    this.decodedInARow = 0;
  }

  /** @returns the outcome; undefined if decoding takes its time */
  decode(payload: Buffer, limit: number): DecodeResult | undefined {
    this.decodedInARow += COST_OF_DECODING + payload.length * COST_OF_ENCODED_BYTE;
    this.result = PENDING;
    const decoded = this.extension.decode(payload, limit, this.onDecoded);
    if (decoded !== undefined) this.result = decoded;
    return this.take();
  }

  /** Takes the outcome; undefined while there is none. */
  take(): DecodeResult | undefined {
    const { result } = this;
    if (result === PENDING || result === undefined) return undefined;
    this.result = undefined;
    if (!(result instanceof ProtocolError)) this.decodedInARow += result.length;
    return result;
  }

  /** Drops what is being decoded. */
  discard(): void {
    this.result = undefined;
    this.extension.dropDecoding();
  }
}
