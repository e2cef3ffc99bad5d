/** RFC 7692 §6, §7: permessage-deflate as the extension of one connection. */

import type { ZlibOptions } from 'node:zlib';
import type { ProtocolError } from '../protocol/errors.js';
import type { Decoded, Encoded, Extension, ExtensionOffer } from '../protocol/extension.js';
import type { Role } from '../protocol/receiver.js';
import { Deflater } from './deflate.js';
import { Inflater } from './inflate.js';
import { EXTENSION_NAME, type Negotiation } from './parameters.js';
import type { ZlibPool } from './zlib-pool.js';

/** The options for compressing and decompressing. */
export interface CodecOptions {
  /** Shorter messages are not compressed, without context takeover. In bytes. */
  readonly threshold?: number | undefined;
  readonly zlibDeflateOptions?: ZlibOptions | undefined;
  readonly zlibInflateOptions?: ZlibOptions | undefined;
}

/** The default of `threshold`, in bytes. */
export const DEFAULT_THRESHOLD = 1024;

/** RFC 7692 §6: RSV1 is the "Per-Message Compressed" bit. */
const RSV1 = 4;

/** Compresses and decompresses the messages of one connection. */
export class PerMessageDeflate implements Extension {
  readonly name = EXTENSION_NAME;
  readonly reserved = RSV1;
  /** RFC 7692 §5: the response of the server to the offer. */
  readonly response: ExtensionOffer;
  private readonly threshold: number;
  private readonly inflater: Inflater;
  private readonly deflater: Deflater;

  constructor(
    role: Role,
    { agreed, response }: Negotiation,
    options: CodecOptions,
    pool: ZlibPool,
  ) {
    this.response = response;
    const server = new Direction(agreed.serverMaxWindowBits, !agreed.serverNoContextTakeover);
    const client = new Direction(agreed.clientMaxWindowBits, !agreed.clientNoContextTakeover);
    // RFC 7692 §5, §7.2.2 MUST: both ends use the parameters of the response, whatever the offer says.
    const [ours, theirs] = role === 'server' ? [server, client] : [client, server];
    this.threshold = ours.takesOver ? 0 : (options.threshold ?? DEFAULT_THRESHOLD);
    const { zlibInflateOptions, zlibDeflateOptions } = options;
    this.inflater = new Inflater(theirs.windowBits, theirs.takesOver, zlibInflateOptions, pool);
    this.deflater = new Deflater(ours.windowBits, ours.takesOver, zlibDeflateOptions, pool);
  }

  wants(byteLength: number): boolean {
    return byteLength >= this.threshold;
  }

  decode(payload: Buffer, limit: number, done: Decoded): Buffer | ProtocolError | undefined {
    return this.inflater.inflate(payload, limit, done);
  }

  encode(
    payload: Buffer,
    isFirst: boolean,
    fin: boolean,
    done: Encoded,
  ): Buffer | Error | undefined {
    return this.deflater.deflate(payload, isFirst, fin, done);
  }

  get parameters(): string {
    return this.deflater.parameters;
  }

  encodeAlone(payload: Buffer): Buffer {
    return this.deflater.deflateAlone(payload);
  }

  noteEncoded(payload: Buffer): void {
    this.deflater.note(payload);
  }

  dropDecoding(): void {
    this.inflater.drop();
  }

  dropEncoding(): void {
    this.deflater.drop();
  }
}

/** RFC 7692 §7.1: the agreed parameters for the messages of one role. */
class Direction {
  readonly windowBits: number;
  readonly takesOver: boolean;

  constructor(windowBits: number, takesOver: boolean) {
    this.windowBits = windowBits;
    this.takesOver = takesOver;
  }
}
