/** The heads of a replay: those of the recording, but for what belongs to one connection. */

import { acceptFor, parseExtensions, parseSubprotocols } from '../handshake/fields.js';
import { fieldValue, startLineOf, statusOf } from './http-head.js';
import type { Comparison } from './replay-comparison.js';

/** Replaces the values of fields; undefined removes a field, and a name that is not listed is kept. */
function rewrite(
  head: string,
  startLine: string,
  replace: Readonly<Record<string, string | undefined>>,
): string {
  const lines = head.split('\r\n').slice(1);
  const rewritten = lines.flatMap((line) => {
    const name = line.slice(0, Math.max(0, line.indexOf(':')));
    const key = name.toLowerCase();
    if (!Object.hasOwn(replace, key)) return [line];
    const value = replace[key];
    return value === undefined ? [] : [`${name}: ${value}`];
  });
  return [startLine, ...rewritten].join('\r\n');
}

/** The recorded request with another target, Host and key. A request without a key stays without. */
export function requestFor(recorded: string, resource: string, host: string, key: string): string {
  const startLine = startLineOf(recorded).replace(
    /^(\S+) \S+/,
    (_, method) => `${method} ${resource}`,
  );
  return rewrite(recorded, startLine, { host, 'sec-websocket-key': key });
}

/**
 * The recorded response with the accept value of this request's key, and without a subprotocol and
 * extensions that it does not offer. RFC 6455 §4.2.2.
 */
export function responseFor(recorded: string, request: string): string {
  const replace: Record<string, string | undefined> = {};
  const key = fieldValue(request, 'sec-websocket-key');
  if (key !== undefined) replace['sec-websocket-accept'] = acceptFor(key);
  if (!offersSubprotocol(recorded, request)) replace['sec-websocket-protocol'] = undefined;
  if (!offersExtensions(recorded, request)) replace['sec-websocket-extensions'] = undefined;
  return rewrite(recorded, startLineOf(recorded), replace);
}

function offersSubprotocol(response: string, request: string): boolean {
  const offered = parseSubprotocols(fieldValue(request, 'sec-websocket-protocol') ?? '');
  return offered?.has(fieldValue(response, 'sec-websocket-protocol') ?? '') ?? false;
}

function offersExtensions(response: string, request: string): boolean {
  const names = (head: string) =>
    parseExtensions(fieldValue(head, 'sec-websocket-extensions') ?? '')?.map(({ name }) => name);
  const offered = names(request) ?? [];
  return names(response)?.every((name) => offered.includes(name)) ?? false;
}

const AGREED = ['Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions'] as const;

/** Compares what was agreed on: the status, the subprotocol and the extensions. */
export function compareResponses(
  comparison: Comparison,
  recorded: string | undefined,
  received: string,
): void {
  if (recorded === undefined) {
    comparison.addOther('handshake', 'no response', startLineOf(received));
    return;
  }
  if (statusOf(recorded) !== statusOf(received)) {
    comparison.addOther('handshake', startLineOf(recorded), startLineOf(received));
  }
  for (const name of AGREED) {
    const expected = `${name}: ${agreedValue(recorded, name)}`;
    const actual = `${name}: ${agreedValue(received, name)}`;
    if (expected !== actual) comparison.addOther('handshake', expected, actual);
  }
}

function agreedValue(head: string, name: string): string {
  return fieldValue(head, name.toLowerCase()) ?? 'none';
}

/** RFC 6455 §4.1: the accept value answers the key. */
export function compareAccept(comparison: Comparison, key: string, response: string): void {
  const accept = fieldValue(response, 'sec-websocket-accept');
  if (statusOf(response) !== 101 || accept === acceptFor(key)) return;
  const received = `Sec-WebSocket-Accept: ${accept ?? 'none'}`;
  comparison.addOther('handshake', `Sec-WebSocket-Accept: ${acceptFor(key)}`, received);
}
