/** `ws6455 decode`: explains frames bit by bit. */

import { time } from '../connection/time.js';
import type { Arguments } from './arguments.js';
import type { Command, Io } from './command.js';
import { type Item, itemsOfBytes, itemsOfRecords } from './decode-items.js';
import { itemToJson } from './decode-json.js';
import { ItemPrinter } from './decode-text.js';
import { Exit, Failure } from './exit.js';
import { EXPORT_FORMATS, EXPORT_OPTION, exportTo } from './export.js';
import { isRecords, readInput } from './input.js';
import { styleFor } from './style.js';
import { writeLine } from './text.js';

const DEFAULT_MAX = 64;

const ITEMS_PER_TURN = 50;

export const decode: Command = {
  synopsis: '[HEX... | FILE | -] [options]',
  details: [
    'HEX is as in 81 05 48, 0x81,0x05 or 81:05:48. A file or standard input has raw bytes, hexadecimal text, the output of xxd or hexdump, a recording of this program, or the HAR of a browser. The head of an opening handshake before the frames is explained too.',
    'The exit code is 1 if a frame breaks a rule.',
  ],
  options: [
    {
      name: 'from',
      values: ['END'],
      description:
        'Who sent the bytes: client or server. Default: the client if the first frame is masked.',
    },
    { name: 'brief', short: 'b', description: 'One line for each frame.' },
    { name: 'no-deflate', description: 'Without permessage-deflate: RSV1 breaks a rule.' },
    {
      name: 'max',
      values: ['N'],
      description: `How many bytes of each payload are shown. Default ${DEFAULT_MAX}. The figure has at most 8.`,
    },
    { name: 'json', description: 'A JSON object for each frame and head, one a line.' },
    EXPORT_OPTION,
  ],
  examples: [
    {
      command: 'ws6455 decode 81 85 37 fa 21 3d 7f 9f 4d 51 58',
      meaning: 'the masked "Hello" of RFC 6455 §5.7',
    },
    {
      command: 'ws6455 decode capture.bin --from server --brief',
      meaning: 'the frames of a file, one a line',
    },
    { command: 'xxd capture.bin | ws6455 decode -', meaning: 'a hexdump' },
    { command: 'ws6455 decode session.har', meaning: 'the messages that a browser exported' },
    {
      command: 'ws6455 decode session.jsonl --to pcapng > session.pcapng',
      meaning: 'a recording, for Wireshark',
    },
  ],
  maxPositionals: Number.POSITIVE_INFINITY,
  run: runDecode,
};

async function runDecode(given: Arguments, io: Io): Promise<number> {
  const from = given.word('from', ['client', 'server']);
  const perMessageDeflate = !given.has('no-deflate');
  const max = given.integer('max', 0, Number.MAX_SAFE_INTEGER) ?? DEFAULT_MAX;
  const input = await readInput(given.positionals, io.stdin);
  if (input.length === 0) throw new Failure('there is nothing to decode');
  const format = given.word('to', EXPORT_FORMATS);
  if (format !== undefined) {
    exportTo(format, input, io);
    return Exit.OK;
  }
  const items = isRecords(input)
    ? itemsOfRecords(input, { perMessageDeflate })
    : itemsOfBytes(input, { perMessageDeflate, from });
  const write = given.has('json') ? jsonWriter(io) : textWriter(given, io, max);
  let isBroken = false;
  let count = 0;
  for (const item of items) {
    if (++count % ITEMS_PER_TURN === 0) await nextTurn();
    if (io.signal.aborted) break;
    write(item);
    isBroken ||= breaksRule(item);
  }
  return isBroken ? Exit.FAILED : Exit.OK;
}

/** Lets Node notice Ctrl-C, and that the reader of standard output has gone. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => time.setImmediate(resolve));
}

type Write = (item: Item) => void;

function jsonWriter(io: Io): Write {
  return (item) => writeLine(io.stdout, JSON.stringify(itemToJson(item)));
}

function textWriter(given: Arguments, io: Io, max: number): Write {
  const columns = io.stdout.columns ?? (Number(io.env['COLUMNS']) || 80);
  const style = styleFor(given, io.stdout, io.env);
  const printer = new ItemPrinter({ style, columns, max }, given.has('brief'));
  return (item) => {
    for (const line of printer.print(item)) writeLine(io.stdout, line);
  };
}

function breaksRule(item: Item): boolean {
  switch (item.kind) {
    case 'frame':
    case 'incomplete':
      return item.frame.violation !== undefined;
    case 'head':
      return item.lines.some(({ violation }) => violation !== undefined);
    default:
      return false;
  }
}
