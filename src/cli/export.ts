/** The formats that `ws6455 decode --to` writes. */

import { existsSync } from 'node:fs';
import { toHar } from '../recording/har.js';
import { toPcapng } from '../recording/pcapng.js';
import { formatRecord } from '../recording/read.js';
import type { RecordingRecord } from '../recording/records.js';
import type { Io, Option } from './command.js';
import { type DecodeInput, readInput } from './decode-input.js';
import { Failure, UsageError } from './exit.js';

/** The words for `--to`. */
export const EXPORT_FORMATS = ['har', 'pcapng', 'recording'] as const;

export const EXPORT_OPTION: Option = {
  name: 'to',
  values: ['FORMAT'],
  description:
    'Write a recording or a HAR in another format instead: har, pcapng (for Wireshark) or recording.',
};

/** Writes to standard output. @throws Failure for input without connections */
export function exportTo(
  format: (typeof EXPORT_FORMATS)[number],
  input: DecodeInput,
  io: Io,
): void {
  if (!isRecords(input)) {
    throw new Failure('only a recording or a HAR can be written in another format');
  }
  if (format === 'pcapng' && io.stdout.isTTY) {
    throw new UsageError(
      'pcapng is binary: write it into a file, as in … --to pcapng > file.pcapng',
    );
  }
  io.stdout.write(written(format, input));
}

function written(
  format: (typeof EXPORT_FORMATS)[number],
  records: readonly RecordingRecord[],
): string | Uint8Array {
  if (format === 'pcapng') return toPcapng(records);
  if (format === 'har') return `${JSON.stringify(toHar(records), null, 2)}\n`;
  return records.map(formatRecord).join('');
}

/** Reads a recording or a HAR. @throws Failure if it is neither */
export async function readRecords(file: string, io: Io): Promise<readonly RecordingRecord[]> {
  if (file !== '-' && !existsSync(file))
    throw new Failure(`cannot read ${file}: there is no such file`);
  const input = await readInput([file], io.stdin);
  if (isRecords(input)) return input;
  throw new Failure(`${file} is neither a recording of ws6455 nor a HAR`);
}

function isRecords(input: DecodeInput): input is readonly RecordingRecord[] {
  return Array.isArray(input);
}
