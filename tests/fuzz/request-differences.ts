/** The rows of docs/from-ws.md that make a server answer one request in two ways. */
import type { IncomingMessage } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { hasOddBits, isLong, readExtensions } from './http-grammar.js';
import { usesDeflate } from './offers.js';
import type { Setup } from './server-setups.js';

/** What one of the two did with a request. */
export interface RequestOutcome {
  /** of all responses */
  statuses: number[];
  /** that of the only response, if it refuses */
  body: string;
  accept: string[];
  protocol: string[];
  /** their parameters in alphabetical order */
  extensions: string[];
  /** The server ended TCP before the client did. */
  ended: boolean;
  /** The socket is destroyed after the client has ended TCP. */
  isGone: boolean;
  /** of the server, its callbacks and the connection */
  events: string[];
}

export interface RequestCase {
  readonly request: IncomingMessage;
  /** It is no upgrade for `node:http`. */
  readonly isPlain: boolean;
  readonly setup: Setup;
  readonly ours: RequestOutcome;
  readonly theirs: RequestOutcome;
}

export interface RequestDifference {
  /** the first cell of the row in docs/from-ws.md */
  row: string;
  /** Whether the row is the reason for the difference. */
  applies(one: RequestCase): boolean;
}

/** How a server refuses, in words. */
const REFUSAL = {
  version: 'Missing or invalid Sec-WebSocket-Version header',
  host: 'Missing or invalid Host header',
  connection: 'Invalid Connection header',
  http: 'Invalid HTTP version: HTTP/1.1 or higher is needed',
  target: 'Invalid request target: a path or an absolute URI is needed',
  upgrade: 'Invalid Upgrade header',
  method: 'Invalid HTTP method',
  body: 'Unexpected request body: an opening handshake has none',
  extensions: 'Invalid or unacceptable Sec-WebSocket-Extensions header',
} as const;

/** Whether it was refused with this status and sentence, or 'wsClientError' had the sentence. */
function refused(outcome: RequestOutcome, status: number, why: keyof typeof REFUSAL): boolean {
  const { statuses, body, events } = outcome;
  const isHeard = isDeepStrictEqual(events, [`wsClientError ${REFUSAL[why]}`]);
  return isHeard || (isDeepStrictEqual(statuses, [status]) && body === REFUSAL[why]);
}

/** The statuses without 100 (Continue). */
const final = ({ statuses }: RequestOutcome): number[] => statuses.filter((one) => one !== 100);

const field = ({ request }: RequestCase, name: string): string =>
  String(request.headers[name] ?? '');

const listHas = (list: string, token: string): boolean =>
  list.split(',').some((one) => one.trim().toLowerCase() === token);

/** The path of a target in origin-form or absolute-form. */
function pathOf(target = ''): string | undefined {
  const [beforeQuery = ''] = target.split('?', 1);
  if (beforeQuery.startsWith('/')) return beforeQuery;
  const [isAbsolute, path = '/'] = /^(?:https?|wss?):\/\/[^/]+(\/.*)?$/i.exec(beforeQuery) ?? [];
  return isAbsolute === undefined ? undefined : path;
}

function hasInvalidHost({ request }: RequestCase): boolean {
  const names = request.rawHeaders.filter((name, i) => i % 2 === 0 && /^host$/i.test(name));
  return names.length !== 1 || !/^[^\s,/?#@]+$/.test(request.headers.host ?? '');
}

const hasBody = (one: RequestCase): boolean =>
  !/^0*$/.test(field(one, 'content-length')) || 'transfer-encoding' in one.request.headers;

/** Whether a server that accepts uses permessage-deflate where an offer allows it, and only there. */
function hasDueExtension(one: RequestCase): boolean {
  if (one.ours.statuses[0] !== 101) return true;
  const isDue = usesDeflate(field(one, 'sec-websocket-extensions'), one.setup.deflate ?? false);
  return isDue === one.ours.extensions.length > 0;
}

/** Node itself refuses a request without Host, and drops one that has bytes of no request behind it. */
function isAnsweredByListener({ request, ours }: RequestCase): boolean {
  const [status] = final(ours);
  if (status === undefined) return 'expect' in request.headers && ours.ended;
  return status === ('host' in request.headers ? 200 : 400);
}

const isOff = ({ setup }: RequestCase): boolean => setup.deflate === undefined;

export const REQUEST_DIFFERENCES: readonly RequestDifference[] = [
  {
    row: 'unsupported version',
    applies: (one) =>
      ![8, 13].includes(Number(field(one, 'sec-websocket-version') || Number.NaN)) &&
      refused(one.ours, 426, 'version') &&
      refused(one.theirs, 400, 'version'),
  },
  {
    row: 'version 8 of the protocol',
    applies: (one) =>
      Number(field(one, 'sec-websocket-version')) === 8 && refused(one.ours, 426, 'version'),
  },
  {
    row: 'other spellings of version 13: `013`, `13.0`, `0xD`',
    applies: (one) => {
      const version = field(one, 'sec-websocket-version');
      return version !== '13' && Number(version) === 13 && refused(one.ours, 426, 'version');
    },
  },
  {
    row: '`path` does not match',
    applies: ({ request, setup, ours, theirs }) =>
      setup.path !== undefined &&
      pathOf(request.url) !== setup.path &&
      isDeepStrictEqual(ours, { ...theirs, statuses: [404], body: 'Not Found' }) &&
      theirs.statuses[0] === 400,
  },
  {
    row: '`Host`, HTTP version, the token in `Connection`',
    applies: (one) =>
      (hasInvalidHost(one) && refused(one.ours, 400, 'host')) ||
      (/^(0\.|1\.0)/.test(one.request.httpVersion) && refused(one.ours, 505, 'http')) ||
      (!listHas(field(one, 'connection'), 'upgrade') && refused(one.ours, 400, 'connection')),
  },
  {
    row: 'a request target that is neither a path nor an absolute URI: `*`',
    applies: (one) => pathOf(one.request.url) === undefined && refused(one.ours, 400, 'target'),
  },
  {
    row: 'an absolute URI as the request target, with `path`',
    applies: ({ request, setup, theirs }) =>
      request.url !== setup.path &&
      pathOf(request.url) === setup.path &&
      !request.url?.startsWith('/') &&
      theirs.statuses[0] === 400 &&
      theirs.body === 'Bad Request',
  },
  {
    row: '`Upgrade` with more than one protocol: `websocket, h2c`',
    applies: (one) => {
      const upgrade = field(one, 'upgrade');
      return (
        upgrade.includes(',') &&
        listHas(upgrade, 'websocket') &&
        refused(one.theirs, 400, 'upgrade')
      );
    },
  },
  {
    row: "`Upgrade` with another protocol; the http server has a 'request' listener",
    applies: (one) =>
      one.setup.hasRequestListener === true &&
      !one.isPlain &&
      !listHas(field(one, 'upgrade'), 'websocket') &&
      !('sec-websocket-key' in one.request.headers) &&
      isAnsweredByListener(one) &&
      // `ws` reads the method first.
      (refused(one.theirs, 400, 'upgrade') || refused(one.theirs, 405, 'method')),
  },
  {
    row: 'with `port`: a request that has `Upgrade` and is no upgrade for Node',
    applies: ({ request, setup, isPlain, ours, theirs }) =>
      setup.mode === 'port' &&
      isPlain &&
      'upgrade' in request.headers &&
      [400, 405, 505].includes(final(ours)[0] ?? 0) &&
      final(theirs)[0] === 426,
  },
  {
    row: 'with `port`: the connection of a plain request',
    applies: ({ setup, isPlain, ours, theirs }) =>
      setup.mode === 'port' &&
      isPlain &&
      isDeepStrictEqual(final(ours), [426]) &&
      ours.ended &&
      final(theirs)[0] === 426,
  },
  {
    row: 'a request with a body',
    applies: (one) => hasBody(one) && refused(one.ours, 400, 'body'),
  },
  {
    row: 'a malformed `Sec-WebSocket-Extensions`, compression off',
    applies: (one) =>
      isOff(one) &&
      readExtensions(field(one, 'sec-websocket-extensions')) === undefined &&
      refused(one.ours, 400, 'extensions'),
  },
  {
    row: 'more than 32 extensions, or 16 parameters of one',
    applies: (one) =>
      isLong(field(one, 'sec-websocket-extensions')) && refused(one.ours, 400, 'extensions'),
  },
  {
    row: 'whitespace around `=` in `Sec-WebSocket-Extensions`',
    applies: (one) => {
      const extensions = field(one, 'sec-websocket-extensions');
      return (
        /[ \t]=|=[ \t]/.test(extensions) &&
        readExtensions(extensions) !== undefined &&
        refused(one.theirs, 400, 'extensions')
      );
    },
  },
  {
    row: 'an offer of permessage-deflate that cannot be accepted',
    applies: (one) =>
      !isOff(one) &&
      readExtensions(field(one, 'sec-websocket-extensions')) !== undefined &&
      refused(one.theirs, 400, 'extensions'),
  },
  {
    row: '`client_max_window_bits=010`',
    applies: (one) =>
      !isOff(one) &&
      hasOddBits(field(one, 'sec-websocket-extensions')) &&
      isDeepStrictEqual({ ...one.ours, extensions: [] }, { ...one.theirs, extensions: [] }),
  },
];

/** @returns the row that explains why the two outcomes differ; undefined if none does */
export function explainRequest(one: RequestCase): RequestDifference | undefined {
  if (!hasDueExtension(one)) return undefined;
  return REQUEST_DIFFERENCES.find(({ applies }) => applies(one));
}
