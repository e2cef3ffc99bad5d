/** RFC 6455 §9: the messages that an extension decodes, one after the other. */

import { ProtocolError } from './errors.js';
import type { Decoded, Extension } from './extension.js';

/**
 * After so many bytes the decoder is due to rest, so that others are let go first: a few bytes may
 * become many. About 1 ms.
 */
const DECODED_IN_A_ROW = 524_288;

/** What a decoding costs beside the bytes that come out of it, counted as such bytes. */
const COST_OF_DECODING = 8192;
const COST_OF_ENCODED_BYTE = 4;

/** What came of a message: its bytes, or the rule that its sender broke. */
export type Decoding = Buffer | ProtocolError;

/** An extension at work: everything that comes behind a message waits until it is decoded. */
export class Decoder {
  /** The reserved bits that mark a message as the extension's. */
  readonly reserved: number;
  /** Whether a message is being decoded. */
  isBusy = false;
  /** What came of a message that took its time; undefined if there is none to be handed up. */
  ready: Decoding | undefined;

  private readonly extension: Extension;
  private readonly onDecoded: Decoded;
  private discarded = false;
  private decodedInARow = 0;

  /** @param whenReady called when a message that took its time is `ready` */
  constructor(extension: Extension, whenReady: () => void) {
    this.extension = extension;
    this.reserved = extension.reserved;
    this.onDecoded = (decoded) => {
      if (this.discarded) return;
      this.isBusy = false;
      this.ready = decoded;
      whenReady();
    };
  }

  /** Whether so much was handed over since it rested that others should be let go first. */
  get isDueToRest(): boolean {
    return this.decodedInARow >= DECODED_IN_A_ROW;
  }

  /** Others were let go first. */
  rest(): void {
    this.decodedInARow = 0;
  }

  /** @returns what came of the message, at once; undefined if it takes its time */
  decode(payload: Buffer, limit: number): Decoding | undefined {
    this.decodedInARow += COST_OF_DECODING + payload.length * COST_OF_ENCODED_BYTE;
    this.isBusy = true;
    const decoded = this.extension.decode(payload, limit, this.onDecoded);
    this.isBusy = decoded === undefined;
    this.count(decoded);
    return decoded;
  }

  /** Hands over what is `ready`. */
  take(): Decoding | undefined {
    const { ready } = this;
    this.ready = undefined;
    this.count(ready);
    return ready;
  }

  private count(handedOver: Decoding | undefined): void {
    if (handedOver === undefined || handedOver instanceof ProtocolError) return;
    this.decodedInARow += handedOver.length;
  }

  /** Drops what is being decoded. */
  discard(): void {
    this.discarded = true;
    this.extension.dropDecoding();
    this.isBusy = false;
    this.ready = undefined;
  }
}
