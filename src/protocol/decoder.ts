/** RFC 6455 §9: the messages that an extension decodes, one after the other. */

import { ProtocolError } from './errors.js';
import type { Decoded, Extension } from './extension.js';

/**
 * After so many bytes the decoder is due to rest, so that others are let go first: a few bytes may
 * become many. About 1 ms.
 */
const MAX_DECODED_IN_A_ROW = 524_288;

/** What a decoding costs beside the bytes that come out of it, counted as such bytes. */
const COST_OF_DECODING = 8192;
const COST_OF_ENCODED_BYTE = 4;

/** What came of a message: its bytes, or the rule that its sender broke. */
export type DecodeResult = Buffer | ProtocolError;

/** A message is being decoded. */
const PENDING = Symbol('pending');

/** An extension at work: everything that comes behind a message waits until it is decoded. */
export class Decoder {
  /** The reserved bits that mark a message as the extension's. */
  readonly reserved: number;

  private readonly extension: Extension;
  private readonly onDecoded: Decoded;
  /** What came of the message that was given last; undefined when it was handed over or dropped. */
  private result: DecodeResult | typeof PENDING | undefined;
  private decodedInARow = 0;

  /** @param whenReady called when a message that took its time is ready to be taken */
  constructor(extension: Extension, whenReady: () => void) {
    this.extension = extension;
    this.reserved = extension.reserved;
    this.onDecoded = (decoded) => {
      if (this.result !== PENDING) return; // it was dropped
      this.result = decoded;
      whenReady();
    };
  }

  /** Whether a message is being decoded. */
  get isBusy(): boolean {
    return this.result === PENDING;
  }

  /** Whether a message was given that was not taken. */
  get holdsMessage(): boolean {
    return this.result !== undefined;
  }

  /** Whether so much was handed over since it rested that others should be let go first. */
  get shouldYield(): boolean {
    return this.decodedInARow >= MAX_DECODED_IN_A_ROW;
  }

  /** Others were let go first. */
  rest(): void {
    this.decodedInARow = 0;
  }

  /** @returns what came of the message, at once; undefined if it takes its time */
  decode(payload: Buffer, limit: number): DecodeResult | undefined {
    this.decodedInARow += COST_OF_DECODING + payload.length * COST_OF_ENCODED_BYTE;
    this.result = PENDING;
    const decoded = this.extension.decode(payload, limit, this.onDecoded);
    if (decoded !== undefined) this.result = decoded;
    return this.take();
  }

  /** Hands over what came of a message; undefined while there is nothing. */
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
