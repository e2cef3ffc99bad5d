/**
 * RFC 6455 §6.2: a receiver as a Writable, with the interface of `ws`. Programs read frames of other
 * streams with it. It uses `protocol/receiver`, as connections do.
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

/** The method of permessage-deflate that a receiver uses. */
export interface Decompressor {
  decompress(
    data: Buffer,
    fin: boolean,
    callback: (error: Error | null, decompressed?: Buffer) => void,
  ): void;
}

/** The options of a {@link Receiver}. */
export interface ReceiverOptions {
  /** Whether several messages may be delivered in one turn of the event loop. Default true. */
  allowSynchronousEvents?: boolean | undefined;
  /** The form in which binary messages are delivered. Default 'nodebuffer'. */
  binaryType?: BinaryType | undefined;
  /** The negotiated extensions. Default: none. RFC 6455 §9.1. */
  extensions?: { 'permessage-deflate'?: Decompressor | undefined } | undefined;
  /** Whether this end is a server, which receives masked frames. Default false. RFC 6455 §5.1. */
  isServer?: boolean | undefined;
  /** Accepted as in `ws`, without effect. */
  maxBufferedChunks?: number | undefined;
  /** The maximum number of frames in a message. Default: no limit. */
  maxFragments?: number | undefined;
  /** The maximum length of a message in bytes. Default: no limit. */
  maxPayload?: number | undefined;
  /** Whether text is not checked to be UTF-8. Default false. RFC 6455 §8.1. */
  skipUTF8Validation?: boolean | undefined;
}

/**
 * Reads the bytes of a connection, and emits 'message' (data, isBinary), 'ping' and 'pong' (data), and
 * 'conclude' (code, reason) for a Close, after which it ends. A violation is an 'error' with `code` and
 * `closeCode`. The bytes written to it are unmasked in place.
 */
export class Receiver extends Writable {
  private readonly reader: Reader;
  private readonly checkUtf8: boolean;
  private readonly binaryType: BinaryType;
  /** Completes `_write`: the chunk is read. */
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
      { onMessage: (data, isBinary) => this.deliverMessage(data, isBinary) },
      {
        onControl: (opcode, payload) => this.deliverControl(opcode, payload),
        onViolation: (error) => this.fail(error),
        onDecoded: () => this.continueReading(),
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

  private continueReading(): void {
    this.read(() => this.reader.resume());
  }

  private read(step: () => void): void {
    try {
      step();
    } finally {
      this.afterReading();
    }
  }

  /** Requests the next chunk, or schedules the rest of this one. */
  private afterReading(): void {
    const { reader } = this;
    if (reader.isDecoding) return;
    if (reader.hasUnread) time.setImmediate(() => this.continueReading());
    else this.completeWrite();
  }

  private completeWrite(error?: Error): void {
    const { done } = this;
    this.done = undefined;
    done?.(error);
  }

  private deliverMessage(data: MessageData, isBinary: boolean): void {
    this.emit('message', isBinary ? toBinary(data, this.binaryType) : data, isBinary);
  }

  private deliverControl(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.CLOSE) this.conclude(payload);
    else this.emit(opcode === Opcode.PING ? 'ping' : 'pong', payload);
  }

  private conclude(payload: Buffer): void {
    const close = readClose(payload, this.checkUtf8);
    // RFC 6455 §5.5.1: no data follows a Close.
    this.reader.discard();
    if (close instanceof ProtocolError) {
      this.fail(close);
      return;
    }
    this.emit('conclude', close.code, close.reason);
    this.end();
  }

  private fail(error: ProtocolError): void {
    this.completeWrite(error);
  }
}

/** Returns an extension that decodes with a `Decompressor`. */
function decoding(deflate: Decompressor): Extension {
  return {
    name: 'permessage-deflate',
    // RFC 7692 §6: RSV1 marks a compressed message.
    reserved: 4,
    decode: (payload, limit, done) => {
      deflate.decompress(payload, true, (error, decompressed) => {
        const decoded = toDecoded(error, decompressed, limit);
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

function toDecoded(
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
