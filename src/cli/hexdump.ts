/** Reads bytes that a program printed: xxd, hexdump, od -t x1, Wireshark, or plain hexadecimal digits. */

import { Buffer } from 'node:buffer';
import { toBytes } from '../sans-io/to-bytes.js';

/** An offset, a colon or not, groups of hexadecimal digits, and perhaps the same as text. */
const DUMP_LINE =
  /^([0-9a-f]{4,8})(:?)\s+((?:[0-9a-f]{2}){1,2}(?:\s{1,2}(?:[0-9a-f]{2}){1,2})*)(?:\s{2,}.*|\s+\|.*)?$/i;

/** The last line of hexdump and od: the number of bytes. A star stands for repeated lines. */
const OTHER_LINE = /^(?:[0-9a-f]{4,8}|\*)$/i;

/** Only what hexadecimal text has beside 0x and \x: digits, spaces, commas, colons and dashes. */
const HEX_TEXT = /^[0-9a-f\s,:-]+$/i;

/** Whether a text is hexadecimal, such as `81 05 48` or `0x81, 0x05`. */
export function isHexText(text: string): boolean {
  return HEX_TEXT.test(text.replace(/0x|\\x/gi, '')) && /[0-9a-f]/i.test(text);
}

/** Returns the bytes of a dump or of hexadecimal text; undefined if it is neither. */
export function readHexText(text: string): Buffer | undefined {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const filled = lines.filter((line) => line !== '');
  const isDump =
    filled.length > 0 && filled.every((line) => DUMP_LINE.test(line) || OTHER_LINE.test(line));
  const hasOffsets = isDump && DUMP_LINE.test(filled[0] ?? '') && /^0+\b/.test(filled[0] ?? '');
  if (hasOffsets) return readDump(filled);
  return isHexText(text) ? toBytes(text) : undefined;
}

function readDump(lines: readonly string[]): Buffer {
  const rows: Buffer[] = [];
  let length = 0;
  let isRepeating = false;
  // Of od the offsets are octal: they are used only where lines are left out.
  for (const line of lines) {
    const [, offset = line, colon = '', groups = ''] = DUMP_LINE.exec(line) ?? [];
    if (line === '*') isRepeating = true;
    else {
      const missing = Number.parseInt(offset, 16) - length;
      if (isRepeating && missing > 0) {
        checkLength(length + missing);
        rows.push(Buffer.alloc(missing, rows.at(-1)));
        length += missing;
      }
      isRepeating = false;
      const bytes = bytesOf(groups, colon === '');
      rows.push(bytes);
      length += bytes.length;
    }
  }
  const [, last] = /^([0-9a-f]{4,8})$/i.exec(lines.at(-1) ?? '') ?? [];
  const bytes = Buffer.concat(rows);
  return hasWords(lines) && last ? bytes.subarray(0, Number.parseInt(last, 16)) : bytes;
}

/** With stars, two lines can stand for 4 GiB. */
const MAX_LENGTH = 256 * 1024 * 1024;

function checkLength(length: number): void {
  if (length <= MAX_LENGTH) return;
  throw new SyntaxError(`The lines left out of the dump make it ${length} bytes: too long to read`);
}

/** Plain hexdump prints words of two bytes, the second one first; xxd prints pairs in their order. */
function bytesOf(groups: string, isSwapped: boolean): Buffer {
  return Buffer.concat(
    groups.split(/\s+/).map((digits) => {
      const bytes = Buffer.from(digits, 'hex');
      return isSwapped && bytes.length === 2 ? bytes.reverse() : bytes;
    }),
  );
}

function hasWords([first = '']: readonly string[]): boolean {
  return /^[0-9a-f]{4,8}\s+[0-9a-f]{4}\b/i.test(first);
}
