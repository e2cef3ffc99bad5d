/** RFC 6455 §4.3, §9.1: the grammar of the opening handshake's header fields. */

import { createHash, randomBytes } from 'node:crypto';
import type { ExtensionOffer, Parameter } from '../protocol/extension.js';

/** RFC 6455 §1.3: a server appends it to the key, to show that it understood the request. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Limits far above what clients send: a longer field would only cost time. */
const MAX_EXTENSIONS = 32;
const MAX_PARAMETERS = 16;

/** The header fields of a request or response; names in lower case. */
export type Fields = { readonly [name: string]: string | string[] | undefined };

/** Returns a field as text; undefined if it is absent. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return value === undefined || value === null ? undefined : String(value);
}

/** RFC 6455 §4.1 MUST: a key is 16 random bytes in base64. */
export function newKey(): string {
  return randomBytes(16).toString('base64');
}

/**
 * Whether a key is 16 bytes in base64. RFC 6455 §11.3.1 MUST NOT: the field comes once. `node:http`
 * joins two fields, and the result is no key.
 */
export function isKey(key: string): boolean {
  return /^[+/0-9A-Za-z]{22}==$/.test(key);
}

/** RFC 6455 §4.2.2 MUST: Sec-WebSocket-Accept is the SHA-1 of the key and the GUID, in base64. */
export function acceptFor(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

/** Whether `text` is a token of HTTP (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}

/** Whether text can be in a header field: it has no line break and no NUL. */
export function isFieldText(text: string): boolean {
  return !/[\r\n\0]/.test(text);
}

/** Whether a version of HTTP has the Upgrade of RFC 9110 §7.8. An unknown version counts as 1.1. */
export function isHttp11OrHigher(version = '1.1'): boolean {
  return !/^(0\.|1\.0$)/.test(version);
}

/** Whether a comma-separated list has this token, in any case. */
export function listHas(list: string | undefined, token: string): boolean {
  if (list === undefined) return false;
  return list.split(',').some((element) => trim(element).toLowerCase() === token);
}

/** Removes spaces and tabs at both ends, in linear time. */
export function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text.charCodeAt(start))) start++;
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Reads a Sec-WebSocket-Protocol field. RFC 6455 §4.1 MUST: subprotocols are tokens, and unique.
 * @returns undefined if the list breaks that rule
 */
export function parseSubprotocols(list: string): Set<string> | undefined {
  const names = new Set<string>();
  for (const element of list.split(',')) {
    const name = trim(element);
    if (!isToken(name) || names.has(name)) return undefined;
    names.add(name);
  }
  return names;
}

/**
 * Reads a Sec-WebSocket-Extensions field.
 * @returns undefined if it breaks the grammar or lists too much
 */
export function parseExtensions(field: string): ExtensionOffer[] | undefined {
  return new ExtensionParser(field).parse();
}

/** Writes an extension for a Sec-WebSocket-Extensions field. */
export function formatExtension({ name, parameters }: ExtensionOffer): string {
  const written = parameters.map(([key, value]) => (value === true ? key : `${key}=${value}`));
  return [name, ...written].join('; ');
}

/** Reads a Sec-WebSocket-Extensions field from left to right, each character once. */
class ExtensionParser {
  private readonly field: string;
  private offset = 0;

  constructor(field: string) {
    this.field = field;
  }

  parse(): ExtensionOffer[] | undefined {
    const offers: ExtensionOffer[] = [];
    do {
      const offer = this.readExtension();
      if (offer === undefined || offers.length === MAX_EXTENSIONS) return undefined;
      offers.push(offer);
    } while (this.consume(','));
    return this.offset === this.field.length ? offers : undefined;
  }

  private readExtension(): ExtensionOffer | undefined {
    const name = this.readToken();
    if (name === '') return undefined;
    const parameters: Parameter[] = [];
    while (this.consume(';')) {
      const parameter = this.readParameter();
      if (parameter === undefined || parameters.length === MAX_PARAMETERS) return undefined;
      parameters.push(parameter);
    }
    return { name, parameters };
  }

  private readParameter(): Parameter | undefined {
    const name = this.readToken();
    if (name === '') return undefined;
    if (!this.consume('=')) return [name, true];
    this.skipWhitespace(); // RFC 6455 §4.3: the grammar has the implied whitespace of RFC 2616 §2.1.
    const value = this.consume('"') ? this.readQuoted() : this.readToken();
    // RFC 6455 §4.3, §9.1 MUST: a quoted value is a token without its quotes.
    return isToken(value) ? [name, value] : undefined;
  }

  /** Reads a token and the whitespace around it; '' if there is none. */
  private readToken(): string {
    this.skipWhitespace();
    const start = this.offset;
    while (isToken(this.field.charAt(this.offset))) this.offset++;
    const token = this.field.slice(start, this.offset);
    this.skipWhitespace();
    return token;
  }

  /** Reads up to the closing quote; '' if there is none. */
  private readQuoted(): string {
    let text = '';
    for (;;) {
      const character = this.field.charAt(this.offset++);
      if (character === '') return '';
      if (character === '"') break;
      text += character === '\\' ? this.field.charAt(this.offset++) : character;
    }
    this.skipWhitespace();
    return text;
  }

  private consume(character: string): boolean {
    if (this.field.charAt(this.offset) !== character) return false;
    this.offset++;
    return true;
  }

  private skipWhitespace(): void {
    while (isWhitespace(this.field.charCodeAt(this.offset))) this.offset++;
  }
}
