/** Reads and writes the text of a recording: JSON Lines. */

import { describeValue } from '../connection/check-options.js';
import {
  FORMAT_VERSION,
  type RecordingRecord,
  type RecordingStart,
  type Sender,
} from './records.js';

/** Writes a record as one line. */
export function formatRecord(record: RecordingRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/**
 * Reads a recording. Records of an unknown type, properties that are unknown and empty lines are
 * skipped: a later program may write them.
 * @param text the whole text, or its lines
 * @throws SyntaxError for a line that is no record; it names the line. RangeError for a higher version
 */
export function parseRecording(text: string | Iterable<string>): RecordingRecord[] {
  const lines = typeof text === 'string' ? text.replace(/^\ufeff/, '').split(/\r?\n/) : text;
  const records: RecordingRecord[] = [];
  let number = 0;
  for (const line of lines) {
    number++;
    if (line.trim() === '') continue;
    const record = parseLine(line, number, records.length === 0);
    if (record !== undefined) records.push(record);
  }
  if (records.length > 0) return records;
  throw new SyntaxError('The recording is empty: its first line has the type "recording"');
}

/** Whether a text begins as a recording does. */
export function isRecording(text: string): boolean {
  return /^\ufeff?\s*\{\s*"type"\s*:\s*"recording"/.test(text);
}

/** An object of JSON, of which nothing is known. */
type Unchecked = Readonly<Record<string, unknown>>;

function parseLine(line: string, number: number, isFirst: boolean): RecordingRecord | undefined {
  const value = parseJson(line, number);
  if (isFirst) return checkStart(value, number);
  const { type } = value;
  if (typeof type !== 'string') {
    throw wrong(number, `type must be a text: it is ${describeValue(type)}`);
  }
  if (type === 'recording')
    throw wrong(number, 'a second recording begins; it belongs into a file of its own');
  const checks = CHECKS.get(type);
  if (checks === undefined) return undefined;
  for (const [property, { test, expected }] of checks) {
    const given = value[property];
    if (test(given)) continue;
    const what = given === undefined ? 'missing' : describeValue(given);
    throw wrong(number, `${property} of "${type}" must be ${expected}: it is ${what}`);
  }
  return value as unknown as RecordingRecord; // checked
}

function parseJson(line: string, number: number): Unchecked {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw wrong(number, `it is not JSON, or cut off: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Unchecked;
  }
  throw wrong(number, `a record is a JSON object: ${describeValue(value)} was found`);
}

function checkStart(value: Unchecked, number: number): RecordingStart {
  const { type, version, startedAt } = value;
  if (type !== 'recording') {
    throw wrong(
      number,
      `the first record has the type "recording": ${describeValue(type)} was found`,
    );
  }
  if (!Number.isInteger(version) || Number(version) < 1) {
    throw wrong(
      number,
      `version must be a whole number from 1 on: it is ${describeValue(version)}`,
    );
  }
  if (Number(version) > FORMAT_VERSION) {
    throw new RangeError(
      `The recording has version ${version} of the format. This program reads up to version ` +
        `${FORMAT_VERSION}; a newer ws6455 reads it`,
    );
  }
  if (typeof startedAt !== 'string' || Number.isNaN(Date.parse(startedAt))) {
    throw wrong(number, `startedAt must be a time of ISO 8601: it is ${describeValue(startedAt)}`);
  }
  return {
    ...value,
    type,
    version: Number(version),
    startedAt,
    software: String(value['software']),
  };
}

/** What a property must be. */
interface Check {
  readonly test: (value: unknown) => boolean;
  readonly expected: string;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);

const TEXT: Check = { test: isText, expected: 'a text' };
const NUMBER: Check = { test: isNumber, expected: 'a number' };
const BOOLEAN: Check = { test: (value) => typeof value === 'boolean', expected: 'true or false' };
const HEX: Check = {
  test: (value) => isText(value) && value.length % 2 === 0 && /^[\da-f]*$/i.test(value),
  expected: 'bytes in hexadecimal digits',
};
const HEAD: Check = {
  test: (value) => isText(value) && /^[\0-\xff]*$/.test(value),
  expected: 'a text with one Latin-1 character for each byte',
};

function oneOf(...words: readonly string[]): Check {
  const expected = words.map((word) => `"${word}"`).join(' or ');
  return { test: (value) => isText(value) && words.includes(value), expected };
}

const FROM = oneOf('client', 'server' satisfies Sender);

const OF_CONNECTION = {
  connection: { test: (value: unknown) => Number.isInteger(value), expected: 'a whole number' },
  time: NUMBER,
} as const;

/** The properties without which the rest of the program could not use a record. */
const CHECKS = new Map(
  Object.entries({
    connection: { url: TEXT },
    handshake: { from: FROM, head: HEAD },
    frame: {
      from: FROM,
      bytes: HEX,
      ...{ fin: BOOLEAN, rsv1: BOOLEAN, rsv2: BOOLEAN, rsv3: BOOLEAN, masked: BOOLEAN },
      ...{ opcode: NUMBER, opcodeName: TEXT, payloadLength: NUMBER },
    },
    bytes: { from: FROM, bytes: HEX },
    end: { from: FROM, how: oneOf('end', 'error') },
  }).map(([type, checks]) => [type, Object.entries<Check>({ ...OF_CONNECTION, ...checks })]),
);

function wrong(line: number, what: string): SyntaxError {
  return new SyntaxError(`Line ${line} of the recording: ${what}`);
}
