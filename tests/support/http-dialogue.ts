/**
 * Reads golden dialogues: files (`*.http`) that hold the bytes of an opening handshake as both
 * sides put them on the wire.
 *
 *     # RFC 6455 §4.2.2: a sentence that says what this dialogue is about.
 *     # options: {"path": "/chat"}
 *     >>>
 *     GET /chat HTTP/1.1
 *     Host: server.example.com
 *
 *     <<<
 *     HTTP/1.1 101 Switching Protocols
 *
 *     >>>
 *     hex: 81 85 37 fa 21 3d 7f 9f 4d 51 58 (text "Hello")
 *     >>> FIN
 *     <<< FIN
 *
 * - Comment lines come first. `# name: value` with one lower-case word is a setting, its value is
 *   JSON; every other comment is for the reader and cites a chapter.
 * - `>>>` opens a block of bytes from the client to the server, `<<<` one from the server to the
 *   client. Inside a block every line stands for its own bytes, its line end included: a dialogue
 *   is written with CRLF, and a line that ends in a bare LF sends a bare LF.
 * - Some lines stand for other bytes, without a line end of their own:
 *   `hex: 81 05 …` bytes, a remark in parentheses may follow · `text: …` the characters behind the
 *   first blank · `repeat: 50 hex 89 80 …` or `repeat: 8000 text a` the same bytes many times.
 * - `close: 1002` as the last line of a block that is expected: a Close frame with this code and
 *   whatever reason.
 * - `{key}` and `{accept}` stand for the nonce that the client under test chose and for its answer.
 * - `<<< at least` compares a response loosely: its status line, every field line that is written
 *   here, and the body if one is written here.
 * - `>>> FIN` and `<<< FIN`: that side ends its direction of the connection.
 * - `=== host:port`: the client goes on over a new connection to that place (a redirect).
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Side = 'client' | 'server';

export type Step = BytesStep | { kind: 'end'; from: Side } | { kind: 'connection'; to: string };

export interface BytesStep {
  kind: 'bytes';
  from: Side;
  bytes: Buffer;
  /** written as `at least` */
  loose: boolean;
  /** the code of the Close frame behind the bytes; undefined if there is none */
  close: number | undefined;
}

export interface Dialogue {
  name: string;
  /** the comments that are no settings */
  notes: string[];
  settings: Record<string, unknown>;
  steps: Step[];
}

const MARK = /^(>>>|<<<|===)(?: (.*))?$/;
const SETTING = /^# ([a-z]+): (.*)$/;
const WRITTEN = /^(hex|text|repeat): (.*)$/;
const CLOSE = /^close: (\d{4})$/;

function fromHex(text: string): Buffer {
  const digits = text.replace(/\(.*\)\s*$/, '').replace(/\s+/g, '');
  if (!/^(?:[0-9a-f]{2})*$/.test(digits)) throw new SyntaxError(`not hexadecimal: ${text}`);
  return Buffer.from(digits, 'hex');
}

function written(kind: string, value: string): Buffer {
  if (kind === 'hex') return fromHex(value);
  if (kind === 'text') return Buffer.from(value, 'latin1');
  const [, count, inner, rest] = /^(\d+) (hex|text) (.*)$/.exec(value) ?? [];
  if (inner === undefined || rest === undefined) throw new SyntaxError(`what to repeat: ${value}`);
  return Buffer.concat(Array<Buffer>(Number(count)).fill(written(inner, rest)));
}

/** The lines of a file, each with its line end. */
function* linesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed + 1;
    yield bytes.subarray(start, end);
    start = end;
  }
}

function stepOf(mark: string, argument: string | undefined): Step {
  if (mark === '===') return { kind: 'connection', to: argument ?? '' };
  const from = mark === '>>>' ? 'client' : 'server';
  if (argument === 'FIN') return { kind: 'end', from };
  if (argument !== undefined && argument !== 'at least') throw new SyntaxError(`mark: ${argument}`);
  const loose = argument !== undefined;
  return { kind: 'bytes', from, bytes: Buffer.alloc(0), loose, close: undefined };
}

export function parseDialogue(name: string, bytes: Buffer): Dialogue {
  const dialogue: Dialogue = { name, notes: [], settings: {}, steps: [] };
  for (const line of linesOf(bytes)) {
    const text = line.toString('utf8').replace(/\r?\n$/, '');
    const [, mark, argument] = MARK.exec(text) ?? [];
    if (mark !== undefined) {
      dialogue.steps.push(stepOf(mark, argument));
      continue;
    }
    const step = dialogue.steps.at(-1);
    if (step === undefined) {
      readComment(dialogue, text);
    } else if (step.kind === 'bytes') {
      readLine(step, line);
    } else if (text !== '') {
      throw new SyntaxError(`${name}: bytes behind a mark that has none: ${text}`);
    }
  }
  return dialogue;
}

function readLine(step: BytesStep, line: Buffer): void {
  if (step.close !== undefined) throw new SyntaxError('`close:` is the last line of its block');
  const text = line.toString('latin1').replace(/\r?\n$/, '');
  const [, code] = CLOSE.exec(text) ?? [];
  if (code !== undefined) {
    step.close = Number(code);
    return;
  }
  const [, kind, value] = WRITTEN.exec(text) ?? [];
  const more = kind === undefined || value === undefined ? line : written(kind, value);
  step.bytes = Buffer.concat([step.bytes, more]);
}

function readComment(dialogue: Dialogue, text: string): void {
  if (text === '') return;
  const [, setting, value] = SETTING.exec(text) ?? [];
  if (setting !== undefined && value !== undefined) {
    dialogue.settings[setting] = JSON.parse(value);
  } else if (text.startsWith('# ')) {
    dialogue.notes.push(text.slice(2));
  } else {
    throw new SyntaxError(`${dialogue.name}: neither a comment nor a mark: ${text}`);
  }
}

/** Every dialogue of a folder, by name. */
export function readDialogues(folder: string): Dialogue[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.http'))
    .sort()
    .map((file) => parseDialogue(file.slice(0, -5), readFileSync(join(folder, file))));
}

/** The same bytes with `{key}` and `{accept}` filled in. */
export function fillIn(bytes: Buffer, values: Record<string, string>): Buffer {
  let text = bytes.toString('latin1');
  for (const [name, value] of Object.entries(values)) text = text.replaceAll(`{${name}}`, value);
  return Buffer.from(text, 'latin1');
}
