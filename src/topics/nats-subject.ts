/** The subjects of topics at NATS. */

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { describeValue } from '../connection/check-options.js';

/** The most characters of a subject. A line of NATS has 4,096 bytes, with a reply subject and numbers. */
const MAX_SUBJECT = 2_048;

/** What subjects begin with: one token. With dots, topics of `a.b` could be those of `a`. */
const PREFIX = /^[\w-]{1,100}$/;

/**
 * What has to be escaped: what is not printable ASCII, a space, the wildcards, the two characters that
 * error messages quote, and the mark of an escape. The list may never change: servers of different
 * versions must find the same subject.
 */
const ESCAPED = /[^!-~]|["%*>\\]/gu;

/** @throws TypeError for what cannot begin a subject */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix === 'string' && PREFIX.test(prefix)) return prefix;
  throw new TypeError(
    "The option prefix must be 1 to 100 letters, digits, '-' or '_', without a dot: " +
      `${describeValue(prefix)} was given`,
  );
}

/**
 * Returns the subject of a topic; no two topics have the same one. A dot separates tokens, as in NATS. An
 * empty token, which NATS forbids, is written as `%`.
 */
export function subjectOf(prefix: string, topic: string): string {
  const subject = `${prefix}.${topic.split('.').map(encodeToken).join('.')}`;
  return subject.length <= MAX_SUBJECT ? subject : `${prefix}.%long${hashOf(topic)}`;
}

/** The subject at which the history of a topic receives messages. No topic has it as its own. */
export function historySubjectOf(prefix: string, epoch: string, topic: string): string {
  return subjectOf(`${prefix}.%history.${epoch}`, topic);
}

/** What the subjects of all histories match. */
export function historySubjectsOf(prefix: string): string {
  return `${prefix}.%history.>`;
}

/** The name of the stream with the history of a topic. JetStream allows neither dots nor long names. */
export function streamNameOf(prefix: string, topic: string): string {
  return `${prefix}-${hashOf(topic)}`;
}

/** Returns 32 hexadecimal digits. */
function hashOf(text: string): string {
  // UTF-16 keeps lone surrogates apart.
  return createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('hex').slice(0, 32);
}

function encodeToken(token: string): string {
  return token === '' ? '%' : token.replace(ESCAPED, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const unit = character.charCodeAt(0);
  // A lone surrogate has no form in UTF-8.
  if (character.length === 1 && unit >= 0xd800 && unit <= 0xdfff) return `%u${hex(unit)}`;
  return [...Buffer.from(character)].map((byte) => `%${hex(byte)}`).join('');
}

function hex(number: number): string {
  return number.toString(16).toUpperCase().padStart(2, '0');
}
