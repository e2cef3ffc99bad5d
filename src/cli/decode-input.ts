/** What `ws6455 decode` reads: bytes, hexadecimal text, a recording, or a browser's HAR. */

import { Buffer, isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { Opcode } from '../protocol/frame.js';
import type { RecordingRecord } from '../recording/records.js';
import { encodeFrame } from '../sans-io/encode-frame.js';
import { toBytes } from '../sans-io/to-bytes.js';
import type { Input } from './command.js';
import { Failure, UsageError } from './exit.js';
import { explain } from './explain.js';
import { isHexText, readHexText } from './hexdump.js';

/** The bytes of one direction, or the records of connections. */
export type DecodeInput = Buffer | readonly RecordingRecord[];

/**
 * Reads what the arguments name.
 * @throws UsageError if they are neither hexadecimal nor a file; Failure if that cannot be read
 */
export async function readInput(args: readonly string[], stdin: Input): Promise<DecodeInput> {
  const [first, ...rest] = args;
  if (first === undefined || (first === '-' && rest.length === 0)) {
    if (first === undefined && stdin.isTTY) {
      throw new UsageError('decode needs hexadecimal digits, a file, or - for standard input');
    }
    return interpret(await readAll(stdin));
  }
  if (rest.length === 0 && isFile(first)) return interpret(readFile(first));
  const text = args.join(' ');
  if (isHexText(text)) return readDigits(text);
  if (rest.length === 0) throw new Failure(`${first} is neither a file nor hexadecimal digits`);
  throw new UsageError(`${JSON.stringify(args.find((arg) => !isHexText(arg)))} is not hexadecimal`);
}

function readDigits(text: string): Buffer {
  try {
    return toBytes(text);
  } catch (error) {
    throw new UsageError(explain(error));
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Failure(`cannot read ${path}: ${explain(error)}`);
  }
}

async function readAll(stdin: Input): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(chunk as Buffer); // no encoding is set
  return Buffer.concat(chunks);
}

/** Finds out what the bytes are. */
function interpret(bytes: Buffer): DecodeInput {
  if (!isUtf8(bytes)) return bytes;
  const text = bytes.toString().trim();
  if (text.startsWith('{') && text.includes('"recording"')) return readRecording(text);
  if (text.startsWith('{') && text.includes('"_webSocketMessages"')) return readHar(text);
  return readText(text) ?? bytes;
}

function readText(text: string): Buffer | undefined {
  try {
    return readHexText(text);
  } catch (error) {
    throw new Failure(explain(error));
  }
}

/** One JSON object a line. */
function readRecording(text: string): RecordingRecord[] {
  return text.split('\n').map((line, i) => {
    try {
      return JSON.parse(line) as RecordingRecord;
    } catch {
      throw new Failure(`line ${i + 1} of the recording is not JSON`);
    }
  });
}

/** A message in the HAR of a browser. */
interface HarMessage {
  readonly type: 'send' | 'receive';
  /** In seconds. */
  readonly time: number;
  readonly opcode: number;
  readonly data: string;
}

interface HarEntry {
  readonly request: { readonly url: string };
  readonly _webSocketMessages?: readonly HarMessage[];
}

/** A browser keeps messages, not frames: each one becomes the simplest frame that carries it. */
function readHar(text: string): RecordingRecord[] {
  const har = parseHar(text);
  return har.log.entries.flatMap(({ request, _webSocketMessages: messages }, i) => {
    if (messages === undefined) return [];
    const start = messages[0]?.time ?? 0;
    const base = { connection: i + 1, time: 0 };
    return [
      { type: 'connection', ...base, url: request.url },
      ...messages.map((message) => frameOf(message, i + 1, (message.time - start) * 1000)),
    ] as RecordingRecord[];
  });
}

function parseHar(text: string): { log: { entries: HarEntry[] } } {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure(`the HAR is not JSON: ${explain(error)}`);
  }
}

function frameOf({ type, opcode, data }: HarMessage, connection: number, time: number) {
  const payload = Buffer.from(data, opcode === Opcode.TEXT ? 'utf8' : 'base64');
  const from = type === 'send' ? 'client' : 'server';
  const mask = type === 'send' ? { maskingKey: Buffer.alloc(4) } : {};
  const bytes = encodeFrame({ fin: true, opcode, payload, ...mask }).toString('hex');
  return { type: 'frame', connection, time, from, bytes };
}
