/** RFC 6455 §9: the messages that an extension decodes, one after the other. */

import type { ProtocolError } from './errors.js';
import type { Decoded, Extension } from './extension.js';

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

  /** @returns what came of the message, at once; undefined if it takes its time */
  decode(payload: Buffer, limit: number): Decoding | undefined {
    this.isBusy = true;
    const decoded = this.extension.decode(payload, limit, this.onDecoded);
    this.isBusy = decoded === undefined;
    return decoded;
  }

  /** Hands over what is `ready`. */
  take(): Decoding | undefined {
    const { ready } = this;
    this.ready = undefined;
    return ready;
  }

  /** Drops what is being decoded. */
  discard(): void {
    this.discarded = true;
    this.extension.dropDecoding();
    this.isBusy = false;
    this.ready = undefined;
  }
}
