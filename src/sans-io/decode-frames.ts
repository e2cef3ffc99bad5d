/** RFC 6455 §5: takes bytes apart into frames, and names each rule that they break. */

import { Buffer, isUtf8 } from 'node:buffer';
import { readClose } from '../protocol/close.js';
import { ProtocolError, type Violation } from '../protocol/errors.js';
import { FrameHeader, Opcode, readHeader } from '../protocol/frame.js';
import { checkHeaderStart, checkLength } from '../protocol/frame-rules.js';
import { unmaskedCopy } from '../protocol/mask.js';
import { describeFields, type FrameField, opcodeName } from './frame-fields.js';
import { MessageInflater } from './message-inflater.js';
import { toBytes } from './to-bytes.js';

/** How {@link decodeFrames} reads. */
export interface DecodeOptions {
  /** Who sent the bytes; default: a client if the first frame is masked, else a server. */
  readonly from?: 'client' | 'server' | undefined;
  /** Whether permessage-deflate was negotiated; default: as the RSV1 bits say. */
  readonly compressed?: boolean | undefined;
  /** The maximum length of a message, in bytes; default: no limit. */
  readonly maxPayload?: number | undefined;
}

/** A rule that a frame breaks. */
export interface FrameViolation {
  /** `WS_ERR_…`, listed in docs/errors.md. */
  readonly code: string;
  /** The close code that a receiver answers with. */
  readonly closeCode: number;
  /** The section of the rule. */
  readonly rfc: string;
  readonly message: string;
}

/** One frame, taken apart. */
export interface DecodedFrame {
  /** The index of its first byte. */
  readonly offset: number;
  /** Its bytes, as they were sent. */
  readonly bytes: Buffer;
  /** The fields of its header, in their order. */
  readonly fields: readonly FrameField[];
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly rsv2: boolean;
  readonly rsv3: boolean;
  readonly opcode: number;
  /** The name of the opcode, such as 'text'. */
  readonly name: string;
  /** The masking key; undefined if the frame is not masked. */
  readonly maskingKey: Buffer | undefined;
  /** The payload, unmasked. */
  readonly payload: Buffer;
  /** The whole message, if this frame ends one: inflated, and of all its fragments. */
  readonly message: Buffer | string | undefined;
  /** The contents of a Close frame; the code is 1005 if it has none. */
  readonly close: { readonly code: number; readonly reason: string } | undefined;
  /** The rule that it breaks; undefined if it breaks none. */
  readonly violation: FrameViolation | undefined;
}

/** What {@link decodeFrames} found. */
export interface DecodedFrames {
  readonly frames: readonly DecodedFrame[];
  /** The bytes of an incomplete frame at the end. */
  readonly rest: Buffer;
}

/**
 * Takes bytes of one direction of a connection apart, behind its opening handshake. A frame that breaks
 * a rule is decoded too, and so are those behind it: a receiver would have closed the connection.
 * @param bytes the bytes, or text of hexadecimal digits; blanks, commas, colons and `0x` are ignored
 * @throws TypeError for a text that is not hexadecimal
 */
export function decodeFrames(
  bytes: Uint8Array | string,
  options: DecodeOptions = {},
): DecodedFrames {
  return new FrameDecoder(toBytes(bytes), options).decode();
}

/** The message that is received. */
interface Message {
  readonly opcode: number;
  readonly isCompressed: boolean;
  readonly parts: Buffer[];
  length: number;
}

class FrameDecoder {
  private readonly bytes: Buffer;
  private readonly options: DecodeOptions;
  private readonly header = new FrameHeader();
  private offset = 0;
  private expectMask: boolean;
  private message: Message | undefined;
  private readonly inflater = new MessageInflater();

  constructor(bytes: Buffer, options: DecodeOptions) {
    this.bytes = bytes;
    this.options = options;
    const second = bytes[1] ?? 0;
    this.expectMask =
      options.from === undefined ? (second & 0x80) !== 0 : options.from === 'client';
  }

  decode(): DecodedFrames {
    const frames: DecodedFrame[] = [];
    for (let frame = this.next(); frame !== undefined; frame = this.next()) frames.push(frame);
    return { frames, rest: this.bytes.subarray(this.offset) };
  }

  private next(): DecodedFrame | undefined {
    const { bytes, header, offset } = this;
    if (!readHeader(bytes, offset, bytes.length, header)) return undefined;
    const end = offset + header.size + header.length;
    if (end > bytes.length) return undefined;
    this.offset = end;
    const { fin, reserved, opcode, masked, maskingKey, size } = header;
    const payload = unmaskedCopy(bytes, offset + size, end, masked ? maskingKey : 0);
    const broken = this.checkHeader();
    const content = this.readContent(payload, broken);
    const violation = broken ?? content.violation;
    return {
      offset,
      bytes: bytes.subarray(offset, end),
      fields: describeFields(bytes.subarray(offset, end), header),
      fin,
      rsv1: (reserved & 4) !== 0,
      rsv2: (reserved & 2) !== 0,
      rsv3: (reserved & 1) !== 0,
      opcode,
      name: opcodeName(opcode),
      maskingKey: masked ? bytes.subarray(offset + size - 4, offset + size) : undefined,
      payload,
      message: content.message,
      close: content.close,
      violation: violation && describe(violation),
    };
  }

  private checkHeader(): ProtocolError | undefined {
    const { header, message, options } = this;
    const owned = (options.compressed ?? true) ? 4 : 0;
    const { maxPayload = 0 } = options;
    const isData = header.opcode < Opcode.CLOSE;
    const violation: Violation | undefined =
      checkHeaderStart(header, this.expectMask, message !== undefined, owned) ??
      checkLength(header, isData ? (message?.length ?? 0) : 0, isData ? maxPayload : 0);
    return violation && new ProtocolError(violation, detailOf(violation, header));
  }

  private readContent(payload: Buffer, broken: ProtocolError | undefined): Content {
    if (this.header.opcode >= Opcode.CLOSE) return broken ? {} : readControl(this.header, payload);
    return this.addFragment(payload);
  }

  /** A continuation without a beginning, and a beginning inside a message, start a new message. */
  private addFragment(payload: Buffer): Content {
    const { fin, opcode, reserved } = this.header;
    if (opcode !== Opcode.CONTINUATION || this.message === undefined) {
      this.message = { opcode, isCompressed: (reserved & 4) !== 0, parts: [], length: 0 };
    }
    const { message } = this;
    message.parts.push(payload);
    message.length += payload.length;
    if (!fin) return {};
    this.message = undefined;
    return this.finish(message);
  }

  private finish({ parts, opcode, isCompressed }: Message): Content {
    const joined = Buffer.concat(parts);
    const data = isCompressed ? this.inflater.inflate(joined, this.options.maxPayload) : joined;
    if (data instanceof ProtocolError) return { violation: data };
    if (opcode !== Opcode.TEXT) return { message: data };
    // RFC 6455 §8.1: text is UTF-8.
    return isUtf8(data)
      ? { message: data.toString() }
      : { message: data, violation: new ProtocolError('INVALID_UTF8') };
  }
}

interface Content {
  readonly message?: Buffer | string;
  readonly close?: { readonly code: number; readonly reason: string };
  readonly violation?: ProtocolError;
}

function readControl({ opcode }: FrameHeader, payload: Buffer): Content {
  if (opcode !== Opcode.CLOSE) return {};
  const close = readClose(payload, true);
  if (close instanceof ProtocolError) return { violation: close };
  return { close: { code: close.code, reason: close.reason.toString() } };
}

function detailOf(violation: Violation, header: FrameHeader): number | undefined {
  if (violation === 'INVALID_OPCODE') return header.opcode;
  const hasLength =
    violation === 'INVALID_CONTROL_PAYLOAD_LENGTH' || violation === 'NON_MINIMAL_PAYLOAD_LENGTH';
  return hasLength ? header.length : undefined;
}

function describe({ code, closeCode, rfc, message }: ProtocolError): FrameViolation {
  return { code, closeCode, rfc, message };
}
