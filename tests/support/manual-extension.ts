import { ProtocolError } from '../../src/protocol/errors.js';
import type { Decoded, Encoded, Extension } from '../../src/protocol/extension.js';

/**
 * An extension that owns RSV1. It encodes text in capitals and decodes it in small letters: at once,
 * or, while `isSlow`, when the test calls `finish`. It rejects the payload `REJECT`.
 */
export class ManualExtension implements Extension {
  readonly name = 'manual';
  readonly reserved = 4;
  readonly parameters = '';
  isSlow = false;
  /** Payloads with fewer bytes are not encoded. */
  threshold = 0;
  /** What was called, in order. */
  readonly calls: string[] = [];
  #finish: (() => void)[] = [];

  wants(byteLength: number): boolean {
    return byteLength >= this.threshold;
  }
  decode(payload: Buffer, limit: number, done: Decoded): Buffer | ProtocolError | undefined {
    this.calls.push(`decode ${payload} ${limit}`);
    const isRejected = String(payload) === 'REJECT';
    return this.#give(
      isRejected
        ? new ProtocolError('INVALID_COMPRESSED_DATA', 'rejected')
        : Buffer.from(String(payload).toLowerCase()),
      done,
    );
  }
  encode(payload: Buffer, isFirst: boolean, fin: boolean, done: Encoded) {
    this.calls.push(`encode ${payload} ${isFirst ? 'first' : 'later'}${fin ? ' fin' : ''}`);
    const text = String(payload);
    if (text === 'reject') return this.#give<Buffer | Error>(new Error('rejected'), done);
    return this.#give<Buffer | Error>(
      text === text.toUpperCase() ? payload : Buffer.from(text.toUpperCase()),
      done,
    );
  }
  encodeAlone(payload: Buffer): Buffer {
    return payload;
  }
  noteEncoded(): void {}
  dropDecoding(): void {
    this.calls.push('dropDecoding');
  }
  dropEncoding(): void {
    this.calls.push('dropEncoding');
  }

  /** Lets the oldest call that took its time be done. */
  finish(): void {
    this.#finish.shift()?.();
  }

  #give<T>(result: T, done: (result: T) => void): T | undefined {
    if (!this.isSlow) return result;
    this.#finish.push(() => done(result));
    return undefined;
  }
}
