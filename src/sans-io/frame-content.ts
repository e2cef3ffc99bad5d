/** RFC 6455 §5.4, §5.5.1, §5.6: what the frames of one direction carry: messages and Close frames. */

import { Buffer, isUtf8 } from 'node:buffer';
import { CloseCode, readClose } from '../protocol/close.js';
import { ProtocolError } from '../protocol/errors.js';
import { type FrameHeader, Opcode } from '../protocol/frame.js';
import { MessageInflater } from './message-inflater.js';

/** What a frame carries or completes. */
export interface FrameContent {
  readonly message?: Buffer | string;
  readonly close?: { readonly code: number; readonly reason: string };
  readonly violation?: ProtocolError;
}

/** A message whose last frame was not read. */
interface Message {
  readonly opcode: number;
  readonly isCompressed: boolean;
  readonly parts: Buffer[];
  length: number;
}

const NOTHING: FrameContent = {};
const RSV1 = 4;

/** Reads the payloads of frames in their order, also of frames that break a rule. */
export class ContentReader {
  private message: Message | undefined;
  private readonly inflater = new MessageInflater();
  private readonly isInflating: boolean;
  private readonly maxPayload: number;

  /** @param isInflating whether messages with RSV1 are inflated */
  constructor(isInflating: boolean, maxPayload: number) {
    this.isInflating = isInflating;
    this.maxPayload = maxPayload;
  }

  /** Whether the last frame of a message is still to come. */
  get isInMessage(): boolean {
    return this.message !== undefined;
  }

  /** The payload bytes of the message in progress so far. */
  get length(): number {
    return this.message?.length ?? 0;
  }

  /** @param payload unmasked */
  read(header: FrameHeader, payload: Buffer): FrameContent {
    switch (header.opcode) {
      case Opcode.CONTINUATION:
        return this.message === undefined ? NOTHING : this.add(this.message, header, payload);
      case Opcode.TEXT:
      case Opcode.BINARY:
        return this.begin(header, payload);
      case Opcode.CLOSE:
        return readCloseFrame(payload);
      default:
        return NOTHING;
    }
  }

  /** Inside a message another one may not begin: a whole one is read beside it, else it is replaced. */
  private begin(header: FrameHeader, payload: Buffer): FrameContent {
    const isCompressed = this.isInflating && (header.reserved & RSV1) !== 0;
    const message = { opcode: header.opcode, isCompressed, parts: [payload] };
    if (header.fin) return this.finish({ ...message, length: payload.length });
    this.message = { ...message, length: payload.length };
    return NOTHING;
  }

  /** The fragments of a message that is too long are not kept: each of them breaks a rule anyway. */
  private add(message: Message, { fin }: FrameHeader, payload: Buffer): FrameContent {
    message.length += payload.length;
    const isTooLong = this.maxPayload > 0 && message.length > this.maxPayload;
    if (isTooLong) message.parts.length = 0;
    else message.parts.push(payload);
    if (!fin) return NOTHING;
    this.message = undefined;
    return isTooLong ? NOTHING : this.finish(message);
  }

  private finish({ parts, opcode, isCompressed }: Message): FrameContent {
    const joined = Buffer.concat(parts);
    const data = isCompressed ? this.inflater.inflate(joined, this.maxPayload) : joined;
    if (data instanceof ProtocolError) return { violation: data };
    if (opcode === Opcode.BINARY) return { message: data };
    // RFC 6455 §8.1: the whole message is UTF-8.
    return isUtf8(data)
      ? { message: data.toString() }
      : { message: data, violation: new ProtocolError('INVALID_UTF8') };
  }
}

/** A code that no Close may have is read too. */
function readCloseFrame(payload: Buffer): FrameContent {
  if (payload.length === 0) return { close: { code: CloseCode.NO_STATUS, reason: '' } };
  if (payload.length === 1) return NOTHING; // the header breaks a rule
  const close = { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
  const result = readClose(payload, true);
  return result instanceof ProtocolError ? { close, violation: result } : { close };
}
