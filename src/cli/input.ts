/** What commands read from files and pipes: bytes, hexadecimal text, a recording, or a browser's HAR. */

import { Buffer, isUtf8 } from 'node:buffer';
import { existsSync, readFileSync } from 'node:fs';
import { fromHar, isHar } from '../recording/har-import.js';
import { isRecording, parseRecording } from '../recording/read.js';
import type { RecordingRecord } from '../recording/records.js';
import { toBytes } from '../sans-io/to-bytes.js';
import type { Input, Io } from './command.js';
import { Failure, UsageError } from './exit.js';
import { explain } from './explain.js';
import { exists } from './files.js';
import { isHexText, readHexText } from './hexdump.js';

/** The bytes of one direction, or the records of connections. */
export type CommandInput = Buffer | readonly RecordingRecord[];

/**
 * Reads what the arguments name.
 * @throws UsageError if they are neither hexadecimal nor a file; Failure if that cannot be read
 */
export async function readInput(args: readonly string[], stdin: Input): Promise<CommandInput> {
  const [first, ...rest] = args;
  if (first === undefined || (first === '-' && rest.length === 0)) {
    if (first === undefined && stdin.isTTY) {
      throw new UsageError('decode needs hexadecimal digits, a file, or - for standard input');
    }
    return interpret(await readAll(stdin));
  }
  if (rest.length === 0 && exists(first)) return interpret(readFile(first));
  const text = args.join(' ');
  if (isHexText(text)) return readDigits(text);
  if (rest.length === 0) throw new Failure(`${first} is neither a file nor hexadecimal digits`);
  throw new UsageError(`${JSON.stringify(args.find((arg) => !isHexText(arg)))} is not hexadecimal`);
}

/** Reads a recording or a HAR. @throws Failure if it is neither */
export async function readRecords(file: string, io: Io): Promise<readonly RecordingRecord[]> {
  if (file !== '-' && !existsSync(file))
    throw new Failure(`cannot read ${file}: there is no such file`);
  const input = await readInput([file], io.stdin);
  if (isRecords(input)) return input;
  throw new Failure(`${file} is neither a recording of ws6455 nor a HAR`);
}

export function isRecords(input: CommandInput): input is readonly RecordingRecord[] {
  return Array.isArray(input);
}

function readDigits(text: string): Buffer {
  try {
    return toBytes(text);
  } catch (error) {
    throw new UsageError(explain(error));
  }
}

function readFile(path: string): Buffer {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= MAX_INPUT) return bytes;
  } catch (error) {
    throw new Failure(`cannot read ${path}: ${explain(error)}`);
  }
  throw tooLong(path);
}

/** V8 has no longer text, and an endless input would take all memory. */
const MAX_INPUT = 512 * 1024 * 1024 - 1024;

async function readAll(stdin: Input): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk as Buffer); // no encoding is set
    length += (chunk as Buffer).length;
    if (length > MAX_INPUT) throw tooLong('standard input');
  }
  return Buffer.concat(chunks);
}

function tooLong(name: string): Failure {
  return new Failure(`${name} is too long: at most ${MAX_INPUT >> 20} MiB are read`);
}

/** Finds out what the bytes are. */
function interpret(bytes: Buffer): CommandInput {
  if (!isUtf8(bytes)) return bytes;
  const text = bytes.toString().trim();
  return readText(text) ?? bytes;
}

function readText(text: string): CommandInput | undefined {
  try {
    if (isRecording(text)) return parseRecording(text);
    return isHar(text) ? fromHar(text) : readHexText(text);
  } catch (error) {
    throw new Failure(explain(error));
  }
}
