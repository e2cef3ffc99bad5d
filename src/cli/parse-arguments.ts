/** Parses the options and arguments of a command line. */

import { parseArgs } from 'node:util';
import { Arguments } from './arguments.js';
import type { Command, Option } from './command.js';
import { UsageError } from './exit.js';
import { nearest } from './nearest.js';

/** The options that each command has. */
const COMMON_OPTIONS: readonly Option[] = [
  { name: 'no-color', description: 'No colours. NO_COLOR in the environment does the same.' },
  { name: 'help', short: 'h', description: 'Show this text.' },
];

/** All options of a command. */
export function optionsOf(command: Command): readonly Option[] {
  return [...command.options, ...COMMON_OPTIONS];
}

/** @throws UsageError for an unknown option, a missing value and too many arguments */
export function parseArguments(command: Command, args: readonly string[]): Arguments {
  const options = optionsOf(command);
  const tokens = tokensOf(options, args);
  const values = new Map<string, readonly string[]>();
  const positionals: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token; // i is within its bounds
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = findOption(options, token);
    const first = firstValue(option, token);
    const further = furtherValues(option, tokens.slice(i + 1));
    i += further.length;
    values.set(option.name, [...(values.get(option.name) ?? []), ...first, ...further]);
  }
  const surplus = positionals[command.maxPositionals];
  if (surplus === undefined || values.has('help')) return new Arguments(positionals, values);
  throw new UsageError(`the argument ${JSON.stringify(surplus)} is one too many`);
}

type Token = ReturnType<typeof tokensOf>[number];
type OptionToken = Extract<Token, { kind: 'option' }>;

function tokensOf(options: readonly Option[], args: readonly string[]) {
  const entries = options.map(({ name, short, values }) => [
    name,
    { type: values ? 'string' : 'boolean', ...(short && { short }) } as const,
  ]);
  const config = { strict: false, tokens: true, allowPositionals: true } as const;
  return parseArgs({ ...config, args: [...args], options: Object.fromEntries(entries) }).tokens;
}

function findOption(options: readonly Option[], { name, rawName }: OptionToken): Option {
  const found = options.find((option) => option.name === name);
  if (found !== undefined) return found;
  const names = options.map((option) => option.name);
  const close = nearest(name, names);
  const hint = close === undefined ? '' : `: did you mean --${close}?`;
  throw new UsageError(`unknown option ${rawName}${hint}`);
}

function firstValue({ name, values }: Option, { value, inlineValue }: OptionToken): string[] {
  if (values === undefined) {
    if (value === undefined) return [];
    throw new UsageError(`--${name} takes no value`);
  }
  if (value !== undefined && (inlineValue || !/^-./.test(value))) return [value];
  const hint =
    value === undefined ? '' : `; for a value that begins with a dash: --${name}=${value}`;
  throw new UsageError(`--${name} needs ${values.join(' and ')}${hint}`);
}

/** The second value of an option that has two, such as --tls CERT KEY. */
function furtherValues({ name, values = [] }: Option, tokens: readonly Token[]): string[] {
  return values.slice(1).map((what, i) => {
    const token = tokens[i];
    if (token?.kind === 'positional') return token.value;
    throw new UsageError(`--${name} needs ${values.join(' and ')}: ${what} is missing`);
  });
}
