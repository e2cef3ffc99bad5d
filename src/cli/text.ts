/** Texts that several commands print. */

import type { Buffer } from 'node:buffer';
import { CloseCode } from '../protocol/close.js';
import { spaced } from '../sans-io/to-bytes.js';
import type { Output } from './command.js';

/** The meaning of each close code, after RFC 6455 §7.4.1 and its IANA registry. */
const CLOSE_MEANINGS: Readonly<Record<number, string>> = {
  [CloseCode.NORMAL]: 'normal closure',
  [CloseCode.GOING_AWAY]: 'going away',
  [CloseCode.PROTOCOL_ERROR]: 'protocol error',
  [CloseCode.UNSUPPORTED_DATA]: 'unsupported data',
  [CloseCode.RESERVED]: 'reserved',
  [CloseCode.NO_STATUS]: 'no code was sent',
  [CloseCode.ABNORMAL]: 'no Close frame was received',
  [CloseCode.INVALID_PAYLOAD]: 'invalid payload data',
  [CloseCode.POLICY_VIOLATION]: 'policy violation',
  [CloseCode.MESSAGE_TOO_BIG]: 'message too big',
  [CloseCode.MANDATORY_EXTENSION]: 'an extension is missing',
  [CloseCode.INTERNAL_ERROR]: 'internal error',
  [CloseCode.SERVICE_RESTART]: 'service restart',
  [CloseCode.TRY_AGAIN_LATER]: 'try again later',
  [CloseCode.BAD_GATEWAY]: 'bad gateway',
  [CloseCode.TLS_HANDSHAKE]: 'TLS handshake failed',
};

/** Describes a close code and reason, such as '1001 (going away): restart'. */
export function describeCloseCode(code: number, reason = ''): string {
  return `${code} (${meaningOfCloseCode(code)})${reason === '' ? '' : `: ${escapeControls(reason)}`}`;
}

/** What a close code means. RFC 6455 §7.4. */
export function meaningOfCloseCode(code: number): string {
  return CLOSE_MEANINGS[code] ?? rangeOf(code);
}

// RFC 6455 §7.4.2: who may use which range.
function rangeOf(code: number): string {
  if (code >= 4000 && code <= 4999) return 'private use of the application';
  if (code >= 3000 && code <= 3999) return 'registered by a library or framework';
  return code >= 1000 && code <= 2999 ? 'not assigned' : 'not a close code';
}

/** Writes control characters as \xNN: a peer's text must not control the terminal. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.charCodeAt(0);
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    if (code > 0xff) return `\\u${code.toString(16)}`;
    return `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

const HEX_PIECE = 65_536;

/** Bytes as hexadecimal digits with spaces between. */
export function hex(bytes: Buffer, max = bytes.length): string {
  const parts: string[] = [];
  const end = Math.min(bytes.length, max);
  // V8 ends the process when one `replace` finds a hundred million places.
  for (let start = 0; start < end; start += HEX_PIECE) {
    parts.push(spaced(bytes.toString('hex', start, Math.min(end, start + HEX_PIECE))));
  }
  const shown = parts.join(' ');
  return bytes.length > max ? `${shown} … (${bytes.length - max} more)` : shown;
}

/** A number with its noun in the right form. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Shortens a text to a length. */
export function shorten(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

/** Writes a line. */
export function writeLine(output: Output, line: string): void {
  output.write(`${line}\n`);
}

/** Breaks a text into lines at spaces, but not within 'RFC 6455 §5.2'. */
export function wrap(text: string, width: number): string[] {
  const glued = text.replace(/RFC (\d+) §/g, 'RFC\xa0$1\xa0§');
  return breakLines(glued, width).map((line) => line.replaceAll('\xa0', ' '));
}

function breakLines(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
