/** RFC 6455 §5: takes bytes apart into frames, and names each rule that they break. */

import type { Buffer } from 'node:buffer';
import { checkConnectionOptions, checkWord } from '../connection/check-options.js';
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
  checkWord(options, 'from', ['client', 'server']);
  checkConnectionOptions({ maxPayload: options.maxPayload });
  return new FrameDecoder(toBytes(bytes), options).decode();
}

class FrameDecoder {
  private readonly bytes: Buffer;
  private readonly expectMask: boolean;
  /** The reserved bits that the extension uses. */
  private readonly owned: number;
  private readonly maxPayload: number;
  private readonly header = new FrameHeader();
  private readonly contents: ContentReader;
  private offset = 0;

  constructor(bytes: Buffer, { from, perMessageDeflate = true, maxPayload }: DecodeOptions) {
    this.bytes = bytes;
    const isMasked = ((bytes[1] ?? 0) & 0x80) !== 0;
    this.expectMask = from === undefined ? isMasked : from === 'client';
    this.owned = perMessageDeflate ? 4 : 0;
    this.maxPayload = toLimit(maxPayload, DEFAULTS.maxPayload);
    this.contents = new ContentReader(perMessageDeflate, this.maxPayload);
  }

  decode(): DecodedFrames {
    const frames: DecodedFrame[] = [];
    for (;;) {
      const isComplete = readHeader(this.bytes, this.offset, this.bytes.length, this.header);
      const { size, length } = this.header;
      if (!isComplete || size + length > this.bytes.length - this.offset) {
        return { frames, ...this.readRest(isComplete) };
      }
      frames.push(this.readFrame());
      this.offset += size + length;
    }
  }

  private readFrame(): DecodedFrame {
    const { bytes, header, offset } = this;
    const { masked, maskingKey, size } = header;
    const start = offset + size;
    const end = start + header.length;
    const payload = unmaskedCopy(bytes, start, end, masked ? maskingKey : 0);
    const violation = this.checkHeader(true);
    const content = this.contents.read(header, payload);
    return {
      ...this.describeHeader(bytes.subarray(offset, end), violation ?? content.violation),
      maskingKey: masked ? bytes.subarray(start - 4, start) : undefined,
      payload,
      message: content.message,
      close: content.close,
    };
  }

  private readRest(isComplete: boolean): Pick<DecodedFrames, 'rest' | 'incomplete'> {
    const { header, offset } = this;
    const rest = this.bytes.subarray(offset);
    if (rest.length < 2) return { rest, incomplete: undefined };
    const size = isComplete ? header.size + header.length : header.size;
    const described = this.describeHeader(rest, this.checkHeader(isComplete));
    return { rest, incomplete: { ...described, missing: size - rest.length } };
  }

  private describeHeader(bytes: Buffer, violation: ProtocolError | undefined): DecodedHeader {
    const { fin, reserved, opcode, masked, shortLength } = this.header;
    return {
      offset: this.offset,
      bytes,
      fields: describeFields(bytes, this.header),
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
    const { header, contents, expectMask, owned } = this;
    const violation = checkHeaderStart(header, expectMask, contents.isInMessage, owned);
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
