/** Opening handshakes with faults in their lines, and what RFC 6455 §4 says about the result. */
import type { SeededRandom } from '../support/random.js';

export type Field = [name: string, value: string];

export interface Head {
  startLine: string;
  fields: Field[];
}

const TOKENS = ['chat', 'superchat', 'v1.json', 'constructor', '__proto__'];
const VALUES = ['', ' ', 'websocket', 'Upgrade', '13', 'x', 'a b', '"', ';', ',', '\t', 'é', '0'];
const PARAMETERS = [
  'client_max_window_bits',
  'client_max_window_bits=15',
  'client_max_window_bits=010',
  'server_max_window_bits=9',
  'server_max_window_bits=16',
  'server_max_window_bits="10"',
  'server_no_context_takeover',
  'client_no_context_takeover=1',
  'unknown',
];
const EXTENSIONS = ['permessage-deflate', 'permessage-deflate', 'x-other', 'constructor'];

export const subprotocols = (random: SeededRandom): string =>
  TOKENS.slice(random.integer(0, 2), random.integer(3, 5)).join(random.pick([',', ', ', ' , ']));

/** A Sec-WebSocket-Extensions field. */
export function extensions(random: SeededRandom): string {
  const one = (): string => {
    const count = random.pick([0, 0, 1, 2]);
    const parameters = Array.from({ length: count }, () => random.pick(PARAMETERS));
    return [random.pick(EXTENSIONS), ...parameters].join(random.pick([';', '; ']));
  };
  return Array.from({ length: random.pick([1, 1, 2]) }, one).join(', ');
}

function withCase(random: SeededRandom, text: string): string {
  return random.pick([text, text.toLowerCase(), text.toUpperCase()]);
}

type Fault = (random: SeededRandom, fields: Field[], at: number, field: Field) => void;

/** Ways to change the field at one place of the list. */
const FAULTS: Fault[] = [
  (_, fields, at) => fields.splice(at, 1),
  (_, fields, at, field) => fields.splice(at, 0, field),
  (random, fields, at, [name]) => fields.splice(at, 1, [name, random.pick(VALUES)]),
  (random, fields, at, [name]) => fields.splice(at, 0, [name, random.pick(VALUES)]),
  (random, fields, at, [name, value]) =>
    fields.splice(at, 1, [name, `${random.pick(VALUES)}${value}`]),
  (random, fields, at, [name, value]) =>
    fields.splice(at, 1, [name, `${value}${random.pick(VALUES)}`]),
  (_, fields, at, [name, value]) => fields.splice(at, 1, [name, value.slice(0, -1)]),
  (_, fields, at, [name, value]) => fields.splice(at, 1, [name, `keep-alive, ${value}`]),
  (random, fields, at) => fields.splice(at, 0, [`X-${at}`, 'x'.repeat(random.pick([0, 10, 5000]))]),
  (_, fields, at) => fields.splice(at, 0, ['Content-Length', '3']),
  (_, fields, at) => fields.splice(at, 0, ['Transfer-Encoding', 'chunked']),
];

/** The same fields in another case and order; with `faults`, some of them wrong. */
export function vary(random: SeededRandom, fields: readonly Field[], faults: number): Field[] {
  const all = fields.map(([name, value]): Field => [withCase(random, name), value]);
  const from = random.integer(0, all.length);
  const varied = [...all.slice(from), ...all.slice(0, from)];
  for (let count = faults; count > 0; count--) {
    const at = random.integer(0, varied.length - 1);
    const field = varied[at];
    if (field !== undefined) random.pick(FAULTS)(random, varied, at, field);
  }
  return varied;
}

export function write({ startLine, fields }: Head): Buffer {
  const lines = [startLine, ...fields.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** Changes, drops or doubles single bytes. */
export function spoilBytes(random: SeededRandom, bytes: Buffer): Buffer {
  const list = [...bytes];
  for (let count = random.integer(1, 3); count > 0; count--) {
    const at = random.integer(0, list.length - 1);
    const edit = random.integer(0, 3);
    if (edit === 0) list.splice(at, 1);
    else if (edit === 1) list.splice(at, 0, random.pick([0, 9, 10, 13, 32, 34, 44, 58, 59, 255]));
    else if (edit === 2) list[at] = random.integer(0, 255);
    else list.splice(at, 0, ...list.slice(at, at + random.integer(1, 60)));
  }
  return Buffer.from(list);
}

/** The head that bytes begin with, read as leniently as any HTTP parser may. */
export function readHead(bytes: Buffer): Head | undefined {
  const text = bytes.toString('latin1');
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) return undefined;
  const [startLine = '', ...lines] = text
    .slice(0, end.index)
    .replace(/^[\r\n]+/, '')
    .split(/\r?\n/);
  const fields = lines.map((line): Field => {
    const colon = line.indexOf(':');
    return [line.slice(0, Math.max(0, colon)).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { startLine, fields };
}

/** All values of a field, as one list. */
export function listOf({ fields }: Head, name: string): string[] {
  return valuesOf(fields, name).flatMap((value) => value.split(',').map((one) => one.trim()));
}

export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
}

/** Whether a list holds the token, in any case. */
export function lists(head: Head, name: string, token: string): boolean {
  return listOf(head, name).some((one) => one.toLowerCase() === token);
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const VALUE = `(?:${TOKEN}|"(?:\\\\?${TOKEN.slice(0, -1)})+")`;
const PARAMETER = `${TOKEN}(?:[ \\t]*=[ \\t]*${VALUE})?`;
const EXTENSION = `${TOKEN}(?:[ \\t]*;[ \\t]*${PARAMETER})*`;
const LIST = new RegExp(`^${EXTENSION}(?:[ \\t]*,[ \\t]*${EXTENSION})*$`);

/**
 * The extensions of a field, each with its name and its parameters; undefined if it breaks the grammar
 * of RFC 6455 §9.1, with the whitespace that RFC 2616 §2.1 allows between any two words.
 */
export function readExtensions(field: string): string[][] | undefined {
  if (!LIST.test(field)) return undefined;
  return field.split(',').map((one) => one.split(';').map((part) => part.trim()));
}

/** Whether a window has another spelling than that of RFC 7692 §7.1.2. */
export function hasOddBits(field: string): boolean {
  return [...field.matchAll(/_max_window_bits\s*=\s*([^;,\s]*)/g)].some(
    ([, value = '']) => !/^(?:[89]|1[0-5])$/.test(value.replace(/["\\]/g, '')),
  );
}

/** Whether there are more extensions than 32, or more parameters of one than 16. */
export function isLong(field: string): boolean {
  const extensions = readExtensions(field) ?? [];
  return extensions.length > 32 || extensions.some((parts) => parts.length > 17);
}
