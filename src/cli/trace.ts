/** Prints the records of a connection for --trace. */

import { Buffer } from 'node:buffer';
import { Opcode } from '../protocol/frame.js';
import type { FrameRecord, RecordingRecord, Sender } from '../recording/records.js';
import type { DecodedFrame } from '../sans-io/decode-frames.js';
import { bitsOf } from './frame-text.js';
import type { Style } from './style.js';
import { count, describeCloseCode, escapeControls, hex, shorten } from './text.js';

const MAX_TEXT = 60;

/**
 * The lines for a record: handshakes as they are, a line for each frame. `>` is what a client sends.
 * @param frame given for the record of a frame
 */
export function traceLines(
  record: RecordingRecord,
  frame: DecodedFrame | undefined,
  style: Style,
): string[] {
  switch (record.type) {
    case 'handshake': {
      const lines = record.head.trimEnd().split('\r\n');
      return lines.map((line) => `${arrowOf(record.from, style)} ${escapeControls(line)}`);
    }
    case 'frame':
      return frame === undefined ? [] : frameLines(record, frame, style);
    case 'bytes':
      return [
        `${arrowOf(record.from, style)} ${hex(Buffer.from(record.bytes, 'hex'), 16)} (no frame)`,
      ];
    case 'end': {
      const how = record.how === 'end' ? 'end of TCP' : escapeControls(`error: ${record.error}`);
      return [`${arrowOf(record.from, style)} ${style.dim(how)}`];
    }
    default:
      return [];
  }
}

function arrowOf(from: Sender, { green, blue }: Style): string {
  return from === 'client' ? green('>') : blue('<');
}

function frameLines(record: FrameRecord, frame: DecodedFrame, style: Style): string[] {
  const { from, opcodeName, violation } = record;
  const { bytes, payload, maskingKey } = frame;
  const bits = style.dim(bitsOf(frame));
  const key = maskingKey === undefined ? '' : style.dim(` key=${maskingKey.toString('hex')}`);
  const sizes = `${count(payload.length, 'byte')} (${bytes.length} on the wire)`;
  const content = contentOf(record, payload);
  const line = `${arrowOf(from, style)} ${style.bold(opcodeName)} ${bits}${key} ${sizes}${content}`;
  if (violation === undefined) return [line];
  return [line, style.red(`  ! ${violation.message} (${violation.rfc})`)];
}

function contentOf(record: FrameRecord, payload: Buffer): string {
  const { opcode, close, text, roundTrip, messageLength, rsv1 } = record;
  if (close !== undefined) return ` ${describeCloseCode(close.code, close.reason)}`;
  const time = roundTrip === undefined ? '' : `, round trip ${roundTrip} ms`;
  const inflated = rsv1 && messageLength !== undefined ? `, inflated to ${messageLength}` : '';
  const isShown = text !== undefined && (opcode < Opcode.CLOSE || !/\p{Cc}/u.test(text));
  const shown = isShown ? text : hex(payload, 16);
  return `${inflated}${time} ${escapeControls(shorten(shown, MAX_TEXT))}`.trimEnd();
}
