/** The commands of the prompt of `ws6455 connect`. */

import { Buffer } from 'node:buffer';
import { isCloseCode } from '../protocol/close.js';
import { MAX_CLOSE_REASON, MAX_CONTROL_PAYLOAD } from '../protocol/frame.js';
import { toBytes } from '../sans-io/to-bytes.js';
import { nearest } from './nearest.js';

/** What a line of the prompt asks for. */
export type Action =
  | { readonly type: 'text'; readonly data: string }
  | { readonly type: 'binary'; readonly data: Buffer }
  | { readonly type: 'file'; readonly path: string }
  | { readonly type: 'ping' | 'pong'; readonly payload: Buffer }
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  | { readonly type: 'trace'; readonly isOn: boolean }
  | { readonly type: 'help' }
  | { readonly type: 'wrong'; readonly message: string };

/** The names, and what they do, for /help and completion. */
export const SLASH_COMMANDS = [
  ['/text TEXT', 'send text, also text that begins with a slash; //TEXT does that too'],
  ['/binary HEX', 'send bytes, as in /binary 00 ff'],
  ['/file PATH', 'send a file as a binary message'],
  ['/ping [TEXT]', 'send a Ping'],
  ['/pong [TEXT]', 'send a Pong that nobody asked for'],
  ['/close [CODE [REASON]]', 'begin the closing handshake; CODE is 1000 by default'],
  ['/trace on|off', 'print the frames'],
  ['/quit', 'close with 1000 and leave, as Ctrl-D and Ctrl-C do'],
  ['/help', 'show this list'],
] as const;

/** The names alone. */
export const SLASH_NAMES: readonly string[] = SLASH_COMMANDS.map(([usage]) =>
  usage.replace(/ .*/, ''),
);

/** Reads a line: without a slash it is a text message. */
export function parseLine(line: string): Action {
  if (!line.startsWith('/')) return { type: 'text', data: line };
  if (line.startsWith('//')) return { type: 'text', data: line.slice(1) };
  const [, name = '', rest = ''] = /^\/(\S*)\s?(.*)$/s.exec(line) ?? [];
  switch (name) {
    case 'text':
      return { type: 'text', data: rest };
    case 'binary':
      return parseBinary(rest);
    case 'file':
      return rest === '' ? wrong('/file needs the path of a file') : { type: 'file', path: rest };
    case 'ping':
    case 'pong':
      return parseControl(name, rest);
    case 'close':
      return parseClose(rest);
    case 'quit':
      return { type: 'close', code: 1000, reason: '' };
    case 'trace':
      if (rest === 'on' || rest === 'off') return { type: 'trace', isOn: rest === 'on' };
      return wrong('/trace is on or off');
    case 'help':
      return { type: 'help' };
    default:
      return unknown(name);
  }
}

function wrong(message: string): Action {
  return { type: 'wrong', message };
}

function unknown(name: string): Action {
  const close = name === '' ? undefined : nearest(`/${name}`, SLASH_NAMES);
  const hint = close === undefined ? '/help lists the commands' : `did you mean ${close}?`;
  return wrong(`/${name} is no command: ${hint} //${name} sends it as text`);
}

function parseBinary(digits: string): Action {
  try {
    return { type: 'binary', data: toBytes(digits) };
  } catch (error) {
    return wrong((error as Error).message);
  }
}

function parseControl(type: 'ping' | 'pong', text: string): Action {
  const payload = Buffer.from(text);
  if (payload.length <= MAX_CONTROL_PAYLOAD) return { type, payload };
  return wrong(
    `a control frame has at most ${MAX_CONTROL_PAYLOAD} bytes: ${payload.length} were given`,
  );
}

function parseClose(rest: string): Action {
  const [, digits, reason = ''] = /^(\S+)?\s*(.*)$/s.exec(rest) ?? [];
  const code = digits === undefined ? 1000 : Number(digits);
  // RFC 6455 §7.4.1: 1005, 1006 and 1015 are never sent.
  if (!isCloseCode(code)) {
    return wrong(`${digits} cannot be sent: a code is 1000 to 1003, 1007 to 1014, or 3000 to 4999`);
  }
  if (Buffer.byteLength(reason) <= MAX_CLOSE_REASON) return { type: 'close', code, reason };
  return wrong(`a reason has at most ${MAX_CLOSE_REASON} bytes`);
}
