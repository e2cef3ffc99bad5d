/** The rows of docs/from-ws.md that make a client read one response in two ways. */
import { isDeepStrictEqual } from 'node:util';
import type { ClientSetup } from './client-setups.js';
import { type Head, hasOddBits, isLong, readExtensions, valuesOf } from './http-grammar.js';

/** What one of the two did with the responses. */
export interface ResponseOutcome {
  /** of the WebSocket, and the requests that were sent */
  events: string[];
  protocol: string;
  extensions: string;
  /** All sockets are destroyed in the end. */
  isGone: boolean;
}

export interface ResponseCase {
  readonly setup: ClientSetup;
  /** The heads of the responses, read as leniently as they can be. */
  readonly heads: readonly Head[];
  readonly ours: ResponseOutcome;
  readonly theirs: ResponseOutcome;
}

export interface ResponseDifference {
  /** the first cell of the row in docs/from-ws.md */
  row: string;
  /** Whether the row is the reason for the difference. */
  applies(one: ResponseCase): boolean;
}

const EXTENSIONS_ERROR = 'Invalid Sec-WebSocket-Extensions header';

const failsWith = ({ events }: ResponseOutcome, message: string): boolean =>
  events.includes(`error ${message}`);

const opens = ({ events }: ResponseOutcome): boolean => events.includes('open');

const anyError = (event: string): string => event.replace(/^error .*/, 'error');

const count = ({ events }: ResponseOutcome, kind: string): number =>
  events.filter((event) => event.startsWith(kind)).length;

const isAtHome = (event: string): boolean => /^request .*, server\.example\.com(,|$)/.test(event);

/** Requests to another host than the first one have no Proxy-Authorization. */
const withoutProxyCredentials = (events: string[]): string[] =>
  events.map((event) => (isAtHome(event) ? event : event.replace(', Basic y', '')));

/** Requests behind the first one to another host have no credentials at all. */
function withoutCredentials(events: string[]): string[] {
  const left = events.findIndex((event) => event.startsWith('request ') && !isAtHome(event));
  return withoutProxyCredentials(events).map((event, i) =>
    i > left && left >= 0 ? event.replace(', Basic x, a=b, Basic y', '') : event,
  );
}

/** What the user info of a Location becomes where the program's credentials are not sent. */
const withoutUserInfo = (events: string[]): string[] =>
  events.map((event) => event.replace(', Basic dXNlcjpzZWNyZXQ=', ''));

/** The values of Sec-WebSocket-Extensions that may have been read. */
const extensionsOf = ({ heads }: ResponseCase): string[] =>
  heads.map(({ fields }) => valuesOf(fields, 'sec-websocket-extensions').join(', '));

const has = (one: ResponseCase, isSo: (extensions: string) => boolean): boolean =>
  extensionsOf(one).some(isSo);

export const RESPONSE_DIFFERENCES: readonly ResponseDifference[] = [
  {
    row: '101 in a status line of HTTP/1.0',
    applies: ({ heads, ours }) =>
      heads.some(({ startLine }) => /^HTTP\/(1\.0|0\.\d) 101/.test(startLine)) &&
      failsWith(ours, 'Invalid HTTP version: HTTP/1.1 or higher is needed'),
  },
  {
    row: "101 without `Upgrade` or `Connection`, and no listener of 'unexpected-response'",
    applies: ({ setup, ours, theirs }) =>
      setup.hearsResponses !== true &&
      failsWith(theirs, 'Unexpected server response: 101') &&
      ours.events.some((event) => /^error (Invalid|Server) /.test(event)) &&
      isDeepStrictEqual(ours.events.map(anyError), theirs.events.map(anyError)),
  },
  {
    row: '`protocol` of a client whose handshake failed because of the extensions',
    applies: ({ ours, theirs }) =>
      ours.events.some((event) => /^error .*[Ee]xtension/.test(event)) &&
      isDeepStrictEqual(ours, { ...theirs, protocol: '' }),
  },
  {
    row: 'the server accepts a larger `server_max_window_bits` than the client asked for',
    applies: (one) =>
      typeof one.setup.deflate === 'object' &&
      one.setup.deflate.serverMaxWindowBits !== undefined &&
      has(one, (extensions) => extensions.includes('server_max_window_bits')) &&
      failsWith(one.ours, EXTENSIONS_ERROR) &&
      opens(one.theirs),
  },
  {
    row: 'a response with permessage-deflate twice',
    applies: (one) =>
      has(one, (extensions) => (readExtensions(extensions) ?? []).length > 1) &&
      failsWith(one.ours, EXTENSIONS_ERROR) &&
      opens(one.theirs),
  },
  {
    row: '`client_max_window_bits=010`',
    applies: (one) =>
      has(one, hasOddBits) && failsWith(one.ours, EXTENSIONS_ERROR) && opens(one.theirs),
  },
  {
    row: 'whitespace around `=` in `Sec-WebSocket-Extensions`',
    applies: (one) =>
      has(one, (extensions) => /[ \t]=|=[ \t]/.test(extensions)) &&
      failsWith(one.theirs, EXTENSIONS_ERROR),
  },
  {
    row: 'more than 32 extensions, or 16 parameters of one',
    applies: (one) => has(one, isLong) && failsWith(one.ours, EXTENSIONS_ERROR),
  },
  {
    row: '`ws://host/#`, an empty fragment',
    applies: ({ heads, ours }) =>
      failsWith(ours, 'The URL contains a fragment identifier') &&
      heads.some(({ fields }) => valuesOf(fields, 'location').some((one) => one.endsWith('#'))),
  },
  {
    row: '`Proxy-Authorization` in a redirect to another host',
    applies: ({ ours, theirs }) =>
      isDeepStrictEqual(ours, { ...theirs, events: withoutProxyCredentials(theirs.events) }),
  },
  {
    row: 'a redirect to another host, and from there back',
    applies: ({ ours, theirs }) =>
      isDeepStrictEqual(withoutUserInfo(ours.events), withoutCredentials(theirs.events)) &&
      isDeepStrictEqual({ ...ours, events: [] }, { ...theirs, events: [] }),
  },
  {
    row: 'an error of a connection whose redirect was followed, or refused',
    applies: ({ ours, theirs }) =>
      theirs.events.some((event) => /^error .* (HPE_|ECONNRESET)/.test(event)) &&
      count(ours, 'close ') === 1 &&
      (count(theirs, 'close ') > 1 || count(theirs, 'connect ') > 1) &&
      count(ours, 'connect ') >= count(theirs, 'connect '),
  },
];

const find = (one: ResponseCase): ResponseDifference | undefined =>
  RESPONSE_DIFFERENCES.find(({ applies }) => applies(one));

/** @returns the row that explains why the two outcomes differ; undefined if none does */
export function explainResponse(one: ResponseCase): ResponseDifference | undefined {
  const events = withoutCredentials(one.theirs.events);
  // Another row may explain the rest.
  return find(one) ?? find({ ...one, theirs: { ...one.theirs, events } });
}
