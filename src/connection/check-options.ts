/** Checks options in the constructor, so that a mistake throws there and not later. */

import { Buffer } from 'node:buffer';
import { inspect, types } from 'node:util';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { deflateOptions, type PerMessageDeflateOptions } from '../permessage-deflate/options.js';
import type { ConnectionOptions } from './options.js';

const NO_LIMIT = '0 or Infinity for no limit';

/** The numeric options of a connection, with their descriptions in error messages. */
const CONNECTION_NUMBERS = {
  maxPayload: `a number of bytes, ${NO_LIMIT}`,
  maxFragments: `a number of frames, ${NO_LIMIT}`,
  maxBufferedChunks: `a number of chunks, ${NO_LIMIT}`,
  maxPendingAutoPongs: `a number of frames, ${NO_LIMIT}`,
  closeTimeout: 'a number of milliseconds',
  maxBufferedAmount: `a number of bytes, ${NO_LIMIT}`,
  maxQueuedAge: `a number of milliseconds, ${NO_LIMIT}`,
  firstMessageTimeout: `a number of milliseconds, ${NO_LIMIT}`,
  idleTimeout: `a number of milliseconds, ${NO_LIMIT}`,
} as const;

/** The numeric options of `perMessageDeflate`, likewise. */
const DEFLATE_NUMBERS = {
  threshold: 'a number of bytes',
  concurrencyLimit: 'a number of messages',
} as const;

const OVERFLOW_POLICIES: readonly unknown[] = ['close', 'drop-newest', 'drop-oldest', 'conflate'];

/** The names of the options that both servers and clients have. */
export const CONNECTION_OPTIONS: readonly string[] = [
  ...Object.keys(CONNECTION_NUMBERS),
  'allowSynchronousEvents',
  'autoPong',
  'overflow',
  'captureRejections',
  'heartbeat',
  'messageRate',
  'perMessageDeflate',
  'skipUTF8Validation',
  'unheardErrors',
  // Packages pass the options of their streams and proxies on with those of a WebSocket.
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

/** The maximum edit distance between a misspelled name and the suggested one. */
const MAX_EDITS = 3;

/** Error messages truncate values to this many characters. */
const MAX_VALUE_LENGTH = 60;

/** RFC 1951 §3.2.6: an empty final block. */
const EMPTY_STREAM = Buffer.from([0x03, 0x00]);

/** The unknown names that a warning was emitted for. */
const warned = new Set<string>();

/**
 * Checks the options of {@link ConnectionOptions}.
 * @throws TypeError for a value of the wrong type; RangeError for a number out of range
 */
export function checkConnectionOptions(options: ConnectionOptions): void {
  checkNumbers(options, CONNECTION_NUMBERS);
  checkOverflow(options);
  checkWord(options, 'unheardErrors', ['close', 'throw']);
  checkMessageRate(options.messageRate);
  checkHeartbeat(options.heartbeat);
  const { perMessageDeflate } = options;
  if (typeof perMessageDeflate !== 'object' || perMessageDeflate === null) return;
  checkNumbers(perMessageDeflate, DEFLATE_NUMBERS);
  deflateOptions(perMessageDeflate, false); // checks the windows
  checkZlibOptions(perMessageDeflate);
  warnOfUnknownOptions(perMessageDeflate, DEFLATE_OPTIONS, 'perMessageDeflate');
}

/** @throws TypeError for an unknown policy, and for one that could never apply */
function checkOverflow({ overflow, maxBufferedAmount }: ConnectionOptions): void {
  if (overflow === undefined || overflow === null) return;
  if (typeof overflow !== 'function' && !OVERFLOW_POLICIES.includes(overflow)) {
    const expected = OVERFLOW_POLICIES.map((policy) => `'${policy}'`).join(', ');
    throw new TypeError(
      `The option overflow must be ${expected} or a function: ${describeValue(overflow)} was given`,
    );
  }
  if (overflow === 'conflate' || (maxBufferedAmount !== undefined && maxBufferedAmount !== null)) {
    return;
  }
  throw new TypeError(
    'The option overflow needs maxBufferedAmount, the limit at which it applies; only ' +
      "'conflate' works without a limit",
  );
}

/**
 * Checks numeric options. Numeric strings are accepted, because environment variables are strings;
 * undefined and null mean the default.
 * @param descriptions what each option must be, for the error message
 * @throws TypeError for a value that is not a number; RangeError for NaN and negative numbers
 */
export function checkNumbers(
  options: object,
  descriptions: Readonly<Record<string, string>>,
): void {
  for (const [name, description] of Object.entries(descriptions)) {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined || value === null) continue;
    const number = toNumber(value);
    if (number !== undefined && number >= 0) continue;
    const ErrorClass = typeof value === 'number' || number !== undefined ? RangeError : TypeError;
    const hint = typeof value === 'string' ? '; units are not understood' : '';
    throw new ErrorClass(
      `The option ${name} must be ${description}${hint}: ${describeValue(value)} was given`,
    );
  }
}

/** @throws TypeError unless the option is absent or one of the words */
export function checkWord(options: object, name: string, words: readonly string[]): void {
  const value: unknown = Reflect.get(options, name);
  if (value === undefined || value === null || words.includes(value as string)) return;
  const expected = words.map((word) => `'${word}'`).join(' or ');
  throw new TypeError(`The option ${name} must be ${expected}: ${describeValue(value)} was given`);
}

/** @throws TypeError or RangeError for a rate that cannot be kept */
function checkMessageRate(rate: unknown): void {
  if (rate === undefined || rate === null) return;
  if (typeof rate !== 'object') {
    throw new TypeError(
      'The option messageRate must be an object, such as { perSecond: 50, burst: 100 }: ' +
        `${describeValue(rate)} was given`,
    );
  }
  const { perSecond, burst = 1, policy } = rate as { [name: string]: unknown };
  checkRateNumber('perSecond', perSecond, Number.MIN_VALUE, 'above 0');
  checkRateNumber('burst', burst, 1, 'of at least 1');
  if (typeof policy !== 'function') checkWord({ policy }, 'policy', ['pause', 'close']);
  warnOfUnknownOptions(rate, ['perSecond', 'burst', 'policy'], 'messageRate');
}

function checkRateNumber(name: string, value: unknown, min: number, range: string): void {
  if (typeof value === 'number' && value >= min && value < Infinity) return;
  const ErrorClass = typeof value === 'number' ? RangeError : TypeError;
  const given = describeValue(value);
  throw new ErrorClass(
    `The option messageRate.${name} must be a number of messages ${range}: ${given} was given`,
  );
}

/** @throws TypeError or RangeError for periods that no peer can keep */
function checkHeartbeat(heartbeat: unknown): void {
  if (heartbeat === undefined || heartbeat === null || typeof heartbeat === 'boolean') return;
  if (typeof heartbeat !== 'object') {
    throw new TypeError(
      'The option heartbeat must be a boolean or an object, such as ' +
        `{ interval: 30_000, timeout: 20_000 }: ${describeValue(heartbeat)} was given`,
    );
  }
  for (const name of ['interval', 'timeout']) {
    const value: unknown = Reflect.get(heartbeat, name);
    const number = toNumber(value);
    if (value === undefined || value === null || (number !== undefined && number > 0)) continue;
    const ErrorClass = typeof value === 'number' || number !== undefined ? RangeError : TypeError;
    throw new ErrorClass(
      `The option heartbeat.${name} must be a number of milliseconds above 0: ` +
        `${describeValue(value)} was given; heartbeat: false turns it off`,
    );
  }
  warnOfUnknownOptions(heartbeat, ['interval', 'timeout'], 'heartbeat');
}

/** @returns undefined if the value is not a number */
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
  const forced = { windowBits: 15, maxOutputLength: undefined };
  deflateRawSync(Buffer.alloc(0), { ...zlibDeflateOptions, ...forced });
  inflateRawSync(EMPTY_STREAM, { ...zlibInflateOptions, ...forced });
}

/**
 * Checks that options are functions. A falsy value counts as absent.
 * @throws TypeError for any other value
 */
export function checkFunctions(options: object, names: readonly string[]): void {
  for (const name of names) {
    const value: unknown = Reflect.get(options, name);
    if (!value || typeof value === 'function') continue;
    throw new TypeError(`The option ${name} must be a function: ${describeValue(value)} was given`);
  }
}

/**
 * Emits a process warning for each unknown option, once per name and process.
 * @param known the names of all options that have an effect
 * @param owner what the options belong to, for the message
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

/** @returns the known name with the smallest edit distance; undefined if none is similar */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const max = Math.min(MAX_EDITS, Math.floor(name.length / 3));
  let nearest: string | undefined;
  let fewest = max + 1;
  for (const candidate of known) {
    const edits = countEdits(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) [nearest, fewest] = [candidate, edits];
  }
  return nearest;
}

/** The Damerau-Levenshtein distance: insertions, deletions, substitutions and transpositions. */
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

/** Formats a value for an error message, in one line. */
export function describeValue(value: unknown): string {
  if (typeof value === 'function') return value.name ? `function ${value.name}` : 'a function';
  if (types.isPromise(value)) return 'a Promise';
  const text = inspect(value, { depth: 0, breakLength: Infinity }).replace(/\s+/g, ' ');
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
