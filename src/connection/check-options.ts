/** Checks options when an object is made, so that a mistake is an exception there and nowhere later. */

import { Buffer } from 'node:buffer';
import { inspect, types } from 'node:util';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { deflateOptions, type PerMessageDeflateOptions } from '../permessage-deflate/options.js';
import type { ConnectionOptions } from './options.js';

const LIMIT = '0 or Infinity for no limit';

/** What the numeric options of a connection count. */
const CONNECTION_NUMBERS = {
  maxPayload: `a number of bytes, ${LIMIT}`,
  maxFragments: `a number of frames, ${LIMIT}`,
  maxBufferedChunks: `a number of chunks, ${LIMIT}`,
  maxPendingAutoPongs: `a number of frames, ${LIMIT}`,
  closeTimeout: 'a number of milliseconds',
} as const;

/** What the numeric options of `perMessageDeflate` count. */
const DEFLATE_NUMBERS = {
  threshold: 'a number of bytes',
  concurrencyLimit: 'a number of messages',
} as const;

/** The options that servers and clients have in common. */
export const CONNECTION_OPTIONS: readonly string[] = [
  ...Object.keys(CONNECTION_NUMBERS),
  'allowSynchronousEvents',
  'autoPong',
  'perMessageDeflate',
  'skipUTF8Validation',
  // Packages pass options of their own streams and proxies on with those of a WebSocket.
  'objectMode',
  'rewriteRequestHeaders',
];

const DEFLATE_OPTIONS: readonly string[] = [
  ...Object.keys(DEFLATE_NUMBERS),
  'clientMaxWindowBits',
  'clientNoContextTakeover',
  'serverMaxWindowBits',
  'serverNoContextTakeover',
  'zlibDeflateOptions',
  'zlibInflateOptions',
];

/** The greatest number of edits after which a name still counts as a misspelling of another. */
const MAX_EDITS = 3;

/** Value texts in messages are cut here. */
const MAX_VALUE_LENGTH = 60;

/** RFC 1951 §3.2.6: a final block with nothing in it. */
const EMPTY_STREAM = Buffer.from([0x03, 0x00]);

/** Names that a warning was given for. */
const warned = new Set<string>();

/**
 * Checks the options that servers and clients have in common.
 * @throws TypeError for a value of the wrong type; RangeError for a number that makes no sense
 */
export function checkConnectionOptions(options: ConnectionOptions): void {
  checkNumbers(options, CONNECTION_NUMBERS);
  const { perMessageDeflate } = options;
  if (typeof perMessageDeflate !== 'object' || perMessageDeflate === null) return;
  checkNumbers(perMessageDeflate, DEFLATE_NUMBERS);
  deflateOptions(perMessageDeflate, false); // checks the windows
  checkZlibOptions(perMessageDeflate);
  warnOfUnknownOptions(perMessageDeflate, DEFLATE_OPTIONS, 'perMessageDeflate');
}

/**
 * Checks numeric options. A string that is a number counts as that number: environment variables
 * are strings. undefined and null mean the default.
 * @param numbers what each option counts, for the message
 * @throws TypeError for no number; RangeError for NaN and negative numbers
 */
export function checkNumbers(options: object, numbers: Readonly<Record<string, string>>): void {
  for (const [name, unit] of Object.entries(numbers)) {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined || value === null) continue;
    const number = toNumber(value);
    if (number !== undefined && number >= 0) continue;
    const Class = typeof value === 'number' || number !== undefined ? RangeError : TypeError;
    const hint = typeof value === 'string' ? '; units are not understood' : '';
    throw new Class(`The option ${name} must be ${unit}${hint}: ${describeValue(value)} was given`);
  }
}

/** @returns undefined if the value is no number */
function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}

/** Lets zlib check its own options. @throws Node's TypeError or RangeError */
function checkZlibOptions(options: PerMessageDeflateOptions): void {
  const { zlibDeflateOptions, zlibInflateOptions } = options;
  if (!zlibDeflateOptions && !zlibInflateOptions) return;
  const ours = { windowBits: 15, maxOutputLength: undefined };
  deflateRawSync(Buffer.alloc(0), { ...zlibDeflateOptions, ...ours });
  inflateRawSync(EMPTY_STREAM, { ...zlibInflateOptions, ...ours });
}

/**
 * Checks that options are functions, or left out: every false value leaves an option out.
 * @throws TypeError for another value
 */
export function checkFunctions(options: object, names: readonly string[]): void {
  for (const name of names) {
    const value: unknown = Reflect.get(options, name);
    if (!value || typeof value === 'function') continue;
    throw new TypeError(`The option ${name} must be a function: ${describeValue(value)} was given`);
  }
}

/**
 * Emits a process warning for each option that has no effect because nothing is known by its name;
 * once per name and process.
 * @param known the names that have an effect
 * @param owner what the options were given to, for the message
 */
export function warnOfUnknownOptions(
  options: object,
  known: readonly string[],
  owner: string,
): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name) || warned.has(name)) continue;
    warned.add(name);
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    process.emitWarning(`${owner} has no option ${name}${hint}`, {
      code: 'WS6455_UNKNOWN_OPTION',
    });
  }
}

/** @returns undefined if no name is close */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const max = Math.min(MAX_EDITS, Math.floor(name.length / 3));
  let nearest: string | undefined;
  let fewest = max + 1;
  for (const one of known) {
    const edits = countEdits(name.toLowerCase(), one.toLowerCase());
    if (edits < fewest) [nearest, fewest] = [one, edits];
  }
  return nearest;
}

/** How many times a character was left out, put in, replaced, or swapped with its neighbour. */
function countEdits(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, i) => i)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= to.length; j++) {
      const replaced = at(i - 1, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwap ? at(i - 2, j - 2) + 1 : replaced;
      row.push(Math.min(replaced, swapped, at(i - 1, j) + 1, at(i, j - 1) + 1));
    }
  }
  return at(from.length, to.length);
}

/** A value as a message shows it, in one line. */
export function describeValue(value: unknown): string {
  if (typeof value === 'function') return value.name ? `function ${value.name}` : 'a function';
  if (types.isPromise(value)) return 'a Promise';
  const text = inspect(value, { depth: 0, breakLength: Infinity }).replace(/\s+/g, ' ');
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
