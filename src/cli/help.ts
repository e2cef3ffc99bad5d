/** The texts of --help, made from the tables of commands and options. */

import type { Command, Option } from './command.js';
import type { CommandEntry } from './commands.js';
import { optionsOf } from './parse-arguments.js';
import type { Style } from './style.js';
import { wrap } from './text.js';

const WIDTH = 80;

/** The help of the program. */
export function programHelp(commands: readonly CommandEntry[], style: Style): string {
  const rows = commands.map(({ name, summary }): Row => [name, summary]);
  return join([
    `${style.bold('ws6455')}: WebSocket servers, clients and frames on the command line. RFC 6455.`,
    section('Usage', ['ws6455 COMMAND [options]', 'ws6455 COMMAND --help'], style),
    section('Commands', table(rows), style),
    section(
      'Options',
      table([
        ['-h, --help', 'Show this text.'],
        ['-V, --version', 'Print the version.'],
      ]),
      style,
    ),
    section('Exit codes', EXIT_CODES, style),
  ]);
}

const EXIT_CODES = [
  '0  success; also after Ctrl-C, if all connections were closed properly',
  '1  a connection could not be made or failed, or a rule of the RFC is broken',
  '2  the command line is wrong',
];

/** The help of a command. */
export function commandHelp(entry: CommandEntry, command: Command, style: Style): string {
  const { name, summary } = entry;
  const { synopsis, details = [], examples } = command;
  const rows = optionsOf(command).map(optionRow);
  const lines = examples.flatMap(({ command: line, meaning }) => [line, style.dim(`  ${meaning}`)]);
  return join([
    wrap(summary, WIDTH).join('\n'),
    section('Usage', [`ws6455 ${name} ${synopsis}`], style),
    ...details.map((detail) => wrap(detail, WIDTH).join('\n')),
    section('Options', table(rows), style),
    section('Examples', lines, style),
  ]);
}

type Row = readonly [left: string, right: string];

function join(parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`;
}

function section(title: string, lines: readonly string[], style: Style): string {
  return [style.bold(`${title}:`), ...lines.map((line) => `  ${line}`)].join('\n');
}

function optionRow({ name, short, values = [], description }: Option): Row {
  const long = [`--${name}`, ...values].join(' ');
  return [short === undefined ? `    ${long}` : `-${short}, ${long}`, description];
}

/** Two columns; a left cell that is too wide has a line of its own. */
function table(rows: readonly Row[]): string[] {
  const widths = rows.map(([left]) => left.length).filter((length) => length <= 26);
  const width = Math.max(...widths) + 2;
  return rows.flatMap(([left, right]) => {
    const [first = '', ...rest] = wrap(right, WIDTH - width - 2);
    const indented = rest.map((line) => ' '.repeat(width) + line);
    if (left.length > width - 2) return [left, ' '.repeat(width) + first, ...indented];
    return [left.padEnd(width) + first, ...indented];
  });
}
