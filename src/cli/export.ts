/** The formats that `ws6455 decode --to` writes. */

import { toHar } from '../recording/har.js';
import { toPcapng } from '../recording/pcapng.js';
import { formatRecord } from '../recording/read.js';
import type { RecordingRecord } from '../recording/records.js';
import type { Io, Option } from './command.js';
import { Failure, UsageError } from './exit.js';
import { explain } from './explain.js';
import { type CommandInput, isRecords } from './input.js';

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
  input: CommandInput,
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
  try {
    io.stdout.write(convert(format, input));
  } catch (error) {
    throw new Failure(`cannot write this recording as ${format}: ${explain(error)}`);
  }
}

function convert(
  format: (typeof EXPORT_FORMATS)[number],
  records: readonly RecordingRecord[],
): string | Uint8Array {
  if (format === 'pcapng') return toPcapng(records);
  if (format === 'har') return `${JSON.stringify(toHar(records), null, 2)}\n`;
  return records.map(formatRecord).join('');
}
