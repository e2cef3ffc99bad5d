/** RFC 6455 §5: takes bytes apart into frames, and names each rule that they break. */

import { Buffer } from 'node:buffer';
import {
  checkConnectionOptions,
  checkWord,
  warnOfUnknownOptions,
} from '../connection/check-options.js';
import { DEFAULTS, toLimit } from '../connection/options.js';
import { ProtocolError, type Violation } from '../protocol/errors.js';
import { FrameHeader, Opcode, readHeader } from '../protocol/frame.js';
import { checkHeaderStart, checkLength } from '../protocol/frame-rules.js';
import { unmaskedCopy } from '../protocol/mask.js';
import { ContentReader } from './frame-content.js';
import { describeFields, type FrameField, nameOfOpcode } from './frame-fields.js';
import { toBytes } from './to-bytes.js';

/** The options of {@link decodeFrames}. */
export interface DecodeOptions {
  /** Who sent the bytes. Default: 'client' if the first frame is masked, else 'server'. RFC 6455 §5.1. */
  readonly from?: 'client' | 'server' | undefined;
  /**
   * Whether permessage-deflate was negotiated: RSV1 then marks a compressed message, which is inflated.
   * Default true. RFC 7692.
   */
  readonly perMessageDeflate?: boolean | undefined;
  /** The longest message that a receiver takes, in bytes; 0 = no limit. Default 100 MiB. */
  readonly maxPayload?: number | undefined;
}

const OPTION_NAMES = ['from', 'perMessageDeflate', 'maxPayload'];

/** A rule that a frame breaks, and what a receiver does about it. RFC 6455 §7.1.7. */
export interface FrameViolation {
  /** The `code` of the error, such as 'WS_ERR_EXPECTED_MASK'. docs/errors.md lists all. */
  readonly code: string;
  /** The code of the Close frame that answers it. RFC 6455 §7.4.1. */
  readonly closeCode: number;
  /** The section that has the rule. */
  readonly rfc: string;
  /** The error message, which is also the reason in that Close frame. */
  readonly message: string;
}

/** What a complete frame and the beginning of a frame have in common. */
export interface DecodedHeader {
  /** The index of its first byte. */
  readonly offset: number;
  /** Its bytes, a view of those that were given. */
  readonly bytes: Buffer;
  /** The fields of its header, in the order of RFC 6455 §5.2. */
  readonly fields: readonly FrameField[];
  /** FIN. */
  readonly fin: boolean;
  /** RSV1. */
  readonly rsv1: boolean;
  /** RSV2. */
  readonly rsv2: boolean;
  /** RSV3. */
  readonly rsv3: boolean;
  /** The opcode, 0 to 15. */
  readonly opcode: number;
  /** 'continuation', 'text', 'binary', 'close', 'ping', 'pong' or 'reserved'. RFC 6455 §11.8. */
  readonly opcodeName: string;
  /** MASK. */
  readonly masked: boolean;
  /** How many bits the length has: the form may be longer than needed, which breaks a rule. */
  readonly lengthBits: 7 | 16 | 64;
  /** The first rule that the frame breaks; undefined if it breaks none. */
  readonly violation: FrameViolation | undefined;
}

/** A complete frame. {@link encodeFrame} makes the same bytes of it. */
export interface DecodedFrame extends DecodedHeader {
  /** Its four bytes; undefined if the frame is not masked. RFC 6455 §5.3. */
  readonly maskingKey: Buffer | undefined;
  /** The payload, unmasked: a copy. */
  readonly payload: Buffer;
  /**
   * The message that the frame completes, of all its fragments and inflated: a string for text, a
   * Buffer for binary data and for text that is not UTF-8.
   */
  readonly message: Buffer | string | undefined;
  /** What a Close frame says; the code is 1005 if its payload is empty. RFC 6455 §5.5.1. */
  readonly close: { readonly code: number; readonly reason: string } | undefined;
}

/** The beginning of a frame: the rest was not given. */
export interface IncompleteFrame extends DecodedHeader {
  /** How many bytes are missing: of the header, if that is incomplete, else of the frame. */
  readonly missing: number;
}

/** The result of {@link decodeFrames}. */
export interface DecodedFrames {
  /** The complete frames, in their order. */
  readonly frames: readonly DecodedFrame[];
  /** The bytes behind them; empty if the last frame is complete. */
  readonly rest: Buffer;
  /** What these bytes say; undefined for fewer than two bytes. `fields` has the complete fields. */
  readonly incomplete: IncompleteFrame | undefined;
}

/**
 * Takes the bytes of one direction of a connection apart, from the end of the opening handshake on. It
 * is made for tools and tests: where a receiver fails the connection, this goes on. A frame behind a
 * Close is read as well.
 * @param bytes bytes, or hexadecimal text such as `81 05 48 65 6c 6c 6f`
 * @throws SyntaxError for a text that is not hexadecimal; TypeError or RangeError for a wrong option
 */
export function decodeFrames(
  bytes: Uint8Array | string,
  options: DecodeOptions = {},
): DecodedFrames {
  const decoder = new FrameDecoder(options);
  const frames = decoder.push(bytes);
  return { frames, rest: decoder.rest, incomplete: decoder.incomplete };
}

/** As {@link decodeFrames}, for bytes that come in chunks. */
export class FrameDecoder {
  private expectMask: boolean | undefined;
  /** The reserved bits that the extension uses. */
  private readonly owned: number;
  private readonly maxPayload: number;
  private readonly header = new FrameHeader();
  private readonly contents: ContentReader;
  /** The chunks from the first byte of the current frame on, and their length. */
  private chunks: Buffer[] = [];
  private length = 0;
  /** So many bytes are needed to read more of the current frame. */
  private needed = 2;
  /** Where that frame begins in the stream. */
  private offset = 0;

  /** @param options those of {@link decodeFrames} */
  constructor(options: DecodeOptions = {}) {
    checkWord(options, 'from', ['client', 'server']);
    checkConnectionOptions({ maxPayload: options.maxPayload });
    warnOfUnknownOptions(options, OPTION_NAMES, 'decodeFrames');
    const { from, perMessageDeflate = true, maxPayload } = options;
    this.expectMask = from && from === 'client';
    this.owned = perMessageDeflate ? 4 : 0;
    this.maxPayload = toLimit(maxPayload, DEFAULTS.maxPayload);
    this.contents = new ContentReader(perMessageDeflate, this.maxPayload);
  }

  /**
   * Adds a chunk. Its bytes must not change afterwards.
   * @returns the frames that it completes; their `offset` counts from the first chunk on
   */
  push(bytes: Uint8Array | string): DecodedFrame[] {
    const chunk = toBytes(bytes);
    this.chunks.push(chunk);
    this.length += chunk.length;
    return this.length < this.needed ? [] : this.readFrames(this.rest);
  }

  /** The bytes behind the complete frames. */
  get rest(): Buffer {
    const [only] = this.chunks;
    if (this.chunks.length === 1 && only !== undefined) return only;
    const joined = Buffer.concat(this.chunks);
    this.chunks = [joined];
    return joined;
  }

  /** See {@link DecodedFrames}. */
  get incomplete(): IncompleteFrame | undefined {
    const { rest, header } = this;
    if (rest.length < 2) return undefined;
    const isComplete = readHeader(rest, 0, rest.length, header);
    const described = this.describeHeader(rest, this.checkHeader(isComplete));
    return { ...described, missing: this.missing };
  }

  /** How many bytes are missing to read on: of a header, or of the frame whose header was read. */
  get missing(): number {
    return this.needed - this.length;
  }

  /** @internal A recorder of many frames leaves the fields out, which takes a third of the time. */
  protected fieldsOf(bytes: Buffer, header: FrameHeader): readonly FrameField[] {
    return describeFields(bytes, header);
  }

  private readFrames(bytes: Buffer): DecodedFrame[] {
    const frames: DecodedFrame[] = [];
    let start = 0;
    while (this.hasFrame(bytes, start)) {
      const end = start + this.needed;
      frames.push(this.readFrame(bytes.subarray(start, end)));
      this.offset += this.needed;
      start = end;
    }
    this.chunks = [bytes.subarray(start)];
    this.length = bytes.length - start;
    return frames;
  }

  /** Reads a header, as far as it is there. @returns whether the whole frame is there */
  private hasFrame(bytes: Buffer, start: number): boolean {
    const { header } = this;
    const isComplete = readHeader(bytes, start, bytes.length, header);
    this.needed = isComplete ? header.size + header.length : header.size;
    return isComplete && this.needed <= bytes.length - start;
  }

  private readFrame(bytes: Buffer): DecodedFrame {
    const { header } = this;
    const { masked, maskingKey, size } = header;
    const payload = unmaskedCopy(bytes, size, bytes.length, masked ? maskingKey : 0);
    const violation = this.checkHeader(true);
    const content = this.contents.read(header, payload);
    // In V8 an object literal with a spread takes 7 µs here, and Object.assign a fiftieth of that.
    return Object.assign(this.describeHeader(bytes, violation ?? content.violation), {
      maskingKey: masked ? bytes.subarray(size - 4, size) : undefined,
      payload,
      message: content.message,
      close: content.close,
    });
  }

  private describeHeader(bytes: Buffer, violation: ProtocolError | undefined): DecodedHeader {
    const { fin, reserved, opcode, masked, shortLength } = this.header;
    return {
      offset: this.offset,
      bytes,
      fields: this.fieldsOf(bytes, this.header),
      fin,
      rsv1: (reserved & 4) !== 0,
      rsv2: (reserved & 2) !== 0,
      rsv3: (reserved & 1) !== 0,
      opcode,
      opcodeName: nameOfOpcode(opcode),
      masked,
      lengthBits: shortLength < 126 ? 7 : shortLength === 126 ? 16 : 64,
      violation: violation && toPlain(violation),
    };
  }

  /** Checks a header as a receiver does: the first two bytes alone, then the length of a data frame. */
  private checkHeader(isComplete: boolean): ProtocolError | undefined {
    const { header, contents, owned } = this;
    this.expectMask ??= header.masked;
    const violation = checkHeaderStart(header, this.expectMask, contents.isInMessage, owned);
    if (violation !== undefined) {
      const detail = violation === 'INVALID_OPCODE' ? header.opcode : header.shortLength;
      return new ProtocolError(violation, detail);
    }
    const tooLong = isComplete ? this.checkLength() : undefined;
    return tooLong && new ProtocolError(tooLong, header.length);
  }

  private checkLength(): Violation | undefined {
    const { header, contents, maxPayload } = this;
    const isData = header.opcode < Opcode.CLOSE;
    return isData ? checkLength(header, contents.length, maxPayload) : undefined;
  }
}

function toPlain({ code, closeCode, rfc, message }: ProtocolError): FrameViolation {
  return { code, closeCode, rfc, message };
}
