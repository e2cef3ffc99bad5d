/** The lines of `ws6455 decode --json`: records of a recording, with everything that was decoded. */

import type { Buffer } from 'node:buffer';
import type { DecodedFrame, DecodedHeader } from '../sans-io/decode-frames.js';
import type { Item } from './decode-items.js';

/** Bytes are hexadecimal digits. docs/cli.md lists the properties. */
export function itemToJson(item: Item): object {
  if (item.kind === 'note') return item.record;
  const { connection, time = 0, from } = item.origin;
  const base = { connection, time, from };
  switch (item.kind) {
    case 'head':
      return { type: 'handshake', ...base, head: item.head, lines: item.lines };
    case 'frame':
      return { type: 'frame', ...base, ...frameToJson(item.frame) };
    case 'incomplete': {
      const { missing } = item.frame;
      return {
        type: 'bytes',
        ...base,
        missing,
        ...headerToJson(item.frame),
        bytes: digits(item.bytes),
      };
    }
    default:
      return { type: 'bytes', ...base, bytes: digits(item.bytes) };
  }
}

function frameToJson(frame: DecodedFrame): object {
  const { payload, maskingKey, message, close } = frame;
  return {
    ...headerToJson(frame),
    payloadLength: payload.length,
    maskingKey: maskingKey && digits(maskingKey),
    payload: digits(payload),
    ...(typeof message === 'string' ? { text: message } : { data: message && digits(message) }),
    close,
  };
}

function headerToJson(frame: DecodedHeader): object {
  const { offset, bytes, fields, fin, rsv1, rsv2, rsv3, opcode, opcodeName, masked } = frame;
  const { lengthBits, violation } = frame;
  const bits = { fin, rsv1, rsv2, rsv3, opcode, opcodeName, masked };
  return { bytes: digits(bytes), offset, ...bits, lengthBits, fields, violation };
}

function digits(bytes: Buffer): string {
  return bytes.toString('hex');
}
