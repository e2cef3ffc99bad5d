/**
 * RFC 6455 §6.2: a receiver to be written to, as `ws` has one. Here because programs for `ws` read
 * frames with it from streams of their own. Our own connections read by `protocol/receiver`, which
 * this one is made of.
 */

import { Writable } from 'node:stream';
import { isOn, toLimit } from '../connection/options.js';
import { time } from '../connection/time.js';
import { readClose } from '../protocol/close.js';
import { ProtocolError } from '../protocol/errors.js';
import type { Decoded, Extension } from '../protocol/extension.js';
import { Opcode } from '../protocol/frame.js';
import { type MessageData, Receiver as Reader } from '../protocol/receiver.js';
import { type BinaryType, toBinary } from '../websocket/payload.js';

/** What a receiver needs of permessage-deflate. */
export interface Decompressor {
  decompress(
    data: Buffer,
    fin: boolean,
    callback: (error: Error | null, decompressed?: Buffer) => void,
  ): void;
}

/** What a receiver accepts, and how it hands it on. */
export interface ReceiverOptions {
  /** Whether several messages may be delivered in one turn of the event loop. Default true. */
  allowSynchronousEvents?: boolean | undefined;
  /** In which form binary messages are delivered. Default 'nodebuffer'. */
  binaryType?: BinaryType | undefined;
  /** The extensions agreed on. RFC 6455 §9.1. */
  extensions?: { 'permessage-deflate'?: Decompressor | undefined } | undefined;
  /** Whether this end is a server, which receives masked frames. Default false. RFC 6455 §5.1. */
  isServer?: boolean | undefined;
  /** Accepted for programs written for `ws`; small pieces are joined as they come. */
  maxBufferedChunks?: number | undefined;
  /** The most frames a message may have. 0 = no limit, the default. */
  maxFragments?: number | undefined;
  /** The longest message, in bytes. 0 = no limit, the default. */
  maxPayload?: number | undefined;
  /** Leaves out the check that text is UTF-8. Default false. RFC 6455 §8.1. */
  skipUTF8Validation?: boolean | undefined;
}

/**
 * Takes the bytes of a connection, and emits 'message' (data, isBinary), 'ping' and 'pong' (data),
 * and for a Close 'conclude' (code, reason), behind which it ends. What breaks a rule is an 'error'
 * with `code` and `closeCode`. The bytes written to it are unmasked in place.
 */
export class Receiver extends Writable {
  private readonly reader: Reader;
  private readonly checkUtf8: boolean;
  private readonly binaryType: BinaryType;
  /** Tells the stream that the chunk was read. */
  private done: ((error?: Error) => void) | undefined;

  constructor(options: ReceiverOptions = {}) {
    super();
    this.binaryType = options.binaryType ?? 'nodebuffer';
    this.checkUtf8 = !options.skipUTF8Validation;
    const deflate = options.extensions?.['permessage-deflate'];
    this.reader = new Reader(
      options.isServer ? 'server' : 'client',
      {
        maxPayload: toLimit(options.maxPayload, 0),
        maxFragments: toLimit(options.maxFragments, 0),
        checkUtf8: this.checkUtf8,
        oneAtATime: !isOn(options.allowSynchronousEvents, true),
      },
      deflate && decoding(deflate),
      { onMessage: (data, isBinary) => this.tellMessage(data, isBinary) },
      {
        onControl: (opcode, payload) => this.tellControl(opcode, payload),
        onViolation: (error) => this.fail(error),
        onDecoded: () => this.goOn(),
      },
    );
    this.reader.inFragments = this.binaryType === 'fragments';
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.done = done;
    this.read(() => this.reader.push(chunk));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.reader.discard();
    done(error);
  }

  private goOn(): void {
    this.read(() => this.reader.resume());
  }

  private read(step: () => void): void {
    try {
      step();
    } finally {
      this.afterReading();
    }
  }

  /** Asks for the next chunk, or sees to it that the rest of this one is read. */
  private afterReading(): void {
    const { reader } = this;
    if (reader.isDecoding) return;
    if (reader.hasUnread) time.setImmediate(() => this.goOn());
    else this.settle();
  }

  private settle(error?: Error): void {
    const { done } = this;
    this.done = undefined;
    done?.(error);
  }

  private tellMessage(data: MessageData, isBinary: boolean): void {
    this.emit('message', isBinary ? toBinary(data, this.binaryType) : data, isBinary);
  }

  private tellControl(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.CLOSE) this.conclude(payload);
    else this.emit(opcode === Opcode.PING ? 'ping' : 'pong', payload);
  }

  private conclude(payload: Buffer): void {
    const close = readClose(payload, this.checkUtf8);
    // RFC 6455 §5.5.1: nothing is sent behind a Close.
    this.reader.discard();
    if (close instanceof ProtocolError) {
      this.fail(close);
      return;
    }
    this.emit('conclude', close.code, close.reason);
    this.end();
  }

  private fail(error: ProtocolError): void {
    this.settle(error);
  }
}

/** Makes a `Decompressor` an extension that decodes; a receiver encodes nothing. */
function decoding(deflate: Decompressor): Extension {
  return {
    name: 'permessage-deflate',
    // RFC 7692 §6: RSV1 marks a compressed message.
    reserved: 4,
    decode: (payload, limit, done) => {
      deflate.decompress(payload, true, (error, decompressed) => {
        const decoded = judge(error, decompressed, limit);
        time.nextTick(done satisfies Decoded, decoded);
      });
      return undefined;
    },
    wants: () => false,
    encode: (payload) => payload,
    parameters: '',
    encodeAlone: (payload) => payload,
    noteEncoded: () => {},
    dropDecoding: () => {},
    dropEncoding: () => {},
  };
}

function judge(
  error: (Error & { code?: string }) | null,
  decompressed: Buffer | undefined,
  limit: number,
): Buffer | ProtocolError {
  const isTooLong = decompressed !== undefined && limit > 0 && decompressed.length > limit;
  if (isTooLong || error?.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return new ProtocolError('UNSUPPORTED_MESSAGE_LENGTH');
  }
  if (error instanceof ProtocolError) return error;
  return decompressed ?? new ProtocolError('INVALID_COMPRESSED_DATA', error?.message);
}
