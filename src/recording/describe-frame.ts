/** What the record of a frame says beside its bytes. */

import { Buffer, isUtf8 } from 'node:buffer';
import { Opcode } from '../protocol/frame.js';
import type { DecodedFrame } from '../sans-io/decode-frames.js';
import type { FrameRecord } from './records.js';

/** How many characters of a text a record has. */
const MAX_PREVIEW = 160;

/** The properties of the record that the frame alone determines. */
export type FrameDescription = Omit<FrameRecord, 'type' | 'connection' | 'time' | 'from'>;

/** Describes a frame. */
export function describeFrame(frame: DecodedFrame): FrameDescription {
  const { message } = frame;
  return {
    bytes: frame.bytes.toString('hex'),
    fin: frame.fin,
    rsv1: frame.rsv1,
    rsv2: frame.rsv2,
    rsv3: frame.rsv3,
    opcode: frame.opcode,
    opcodeName: frame.opcodeName,
    masked: frame.masked,
    payloadLength: frame.payload.length,
    messageLength: message === undefined ? undefined : Buffer.byteLength(message),
    text: previewOf(frame),
    close: frame.close,
    violation: frame.violation,
  };
}

function previewOf({ message, opcode, payload }: DecodedFrame): string | undefined {
  if (typeof message === 'string') return shorten(message);
  const isPing = opcode === Opcode.PING || opcode === Opcode.PONG;
  return isPing && isUtf8(payload) ? shorten(payload.toString()) : undefined;
}

/** A character outside of the BMP is not cut into halves. */
function shorten(text: string): string {
  if (text.length <= MAX_PREVIEW) return text;
  const beginning = text.slice(0, MAX_PREVIEW).replace(/[\ud800-\udbff]$/, '');
  return Buffer.from(beginning).toString(); // in V8 a slice keeps the whole text in memory
}
