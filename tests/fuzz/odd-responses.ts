/** Responses to opening handshakes for two implementations: valid, nearly valid and odd ones. */
import { closePayload, frame, OPCODE } from '../support/frames.js';
import type { SeededRandom } from '../support/random.js';
import { type Field, spoilBytes, vary, write } from './http-grammar.js';
import { oddExtensions } from './odd-handshakes.js';

/**
 * Stands for the Sec-WebSocket-Accept of the key, which each client draws for itself: where it is
 * changed, both get the same wrong value.
 */
export const ACCEPT = 'AcceptAcceptAcceptAcceptAcc=';

const STATUSES = [
  '200 OK',
  '204 No Content',
  '205 Reset Content',
  '300 Multiple Choices',
  '301 Moved Permanently',
  '302 Found',
  '304 Not Modified',
  '307 Temporary Redirect',
  '399 Odd',
  '400 Bad Request',
  '401 Unauthorized',
  '403 Forbidden',
  '407 Proxy Authentication Required',
  '426 Upgrade Required',
  '503 Service Unavailable',
  '599 Odd',
  '999 Odd',
];
const STATUS_LINES = [
  'HTTP/1.0 101 Switching Protocols',
  'HTTP/1.1 101',
  'HTTP/1.1 101 ',
  'HTTP/1.1 100 Continue',
  'HTTP/1.1 102 Processing',
  'HTTP/1.1 099 Odd',
  'HTTP/1.1 1010 Odd',
  'HTTP/2.0 101 Odd',
  'HTTP/3.0 101 Odd',
  'HTTP/1.0 200 OK',
  'HTTP/1.0 302 Found',
  'http/1.1 101 Odd',
];
const INTERIM = [
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 102 Processing\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nUpgrade: websocket\r\n\r\n',
];

/** For each field of a response, the values beside the usual one. */
const ODD_VALUES: Record<string, readonly string[]> = {
  Upgrade: [
    'WebSocket',
    'WEBSOCKET',
    'websocket, h2c',
    'websocket,',
    'h2c',
    'websocket/13',
    '"websocket"',
    '',
  ],
  Connection: [
    'upgrade',
    'UPGRADE',
    'keep-alive, Upgrade',
    'Upgrade,close',
    'Upgrade,',
    ' ,Upgrade',
    'Upgrade;x',
    'upgraded',
    'keep-alive',
    'close',
    '',
  ],
  'Sec-WebSocket-Accept': [
    `${ACCEPT} `,
    `${ACCEPT}, ${ACCEPT}`,
    `"${ACCEPT}"`,
    ACCEPT.toLowerCase(),
    ACCEPT.slice(0, -1),
    's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    '__proto__',
    '',
  ],
};

const SUBPROTOCOLS = [
  'chat',
  'superchat',
  'Chat',
  'v1.json',
  'chat, superchat',
  '__proto__',
  '',
  '"chat"',
];

const LOCATIONS = [
  '/next',
  '/next',
  '?next',
  'next/../other',
  'ws://server.example.com/next',
  'http://server.example.com/next',
  'ws://other.example.com/next',
  'ws://other.example.com/next',
  'ws://server.example.com/back',
  'ws://user:secret@server.example.com/next',
  'ws://user:secret@other.example.com/next',
  'ws://server.example.com:8080/next',
  'ws://server.example.com:80/next',
  '//other.example.com/next',
  'ws+unix:/tmp/socket:/next',
  'ftp://server.example.com/next',
  'javascript:alert(1)',
  'ws://server.example.com/next#part',
  '#part',
  '/next#',
  'ws://server.example.com:99999/',
  'http://[',
  'ws://',
  '//',
  ' /next ',
  '/n\u00e9xt',
  '/a b',
  '',
];

const FURTHER: readonly Field[] = [
  ['Retry-After', '3'],
  ['Set-Cookie', 'a=b'],
  ['WWW-Authenticate', 'Basic realm="x"'],
  ['Content-Type', 'text/plain'],
  ['Content-Length', '0'],
  ['Content-Length', '5'],
  ['Transfer-Encoding', 'chunked'],
  ['Location', '/unused'],
  ['Sec-WebSocket-Version', '13'],
  ['constructor', 'x'],
  ['__proto__', 'x'],
  ['X-Fold', 'a\r\n b'],
  ['X-Long', 'x'.repeat(20_000)],
];

const FRAMES = Buffer.concat([
  frame({ payload: 'hello' }),
  frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000) }),
]);

interface Wanted {
  subprotocols: readonly string[];
  deflate: boolean;
  /** Whether redirects are frequent. */
  redirects: boolean;
}

/** A response, and what follows it at once. */
export function oddResponse(random: SeededRandom, wanted: Wanted): Buffer {
  const kind = random.next();
  const share = wanted.redirects ? 0.5 : 0.2;
  const [head, rest] = kind < share ? refusal(random, wanted) : [switching(random, wanted), FRAMES];
  const sent = random.next() < 0.08 ? spoilBytes(random, head) : head;
  const interim = random.next() < 0.08 ? random.pick(INTERIM) : '';
  return Buffer.concat([Buffer.from(interim), sent, rest]);
}

function switching(random: SeededRandom, { subprotocols, deflate }: Wanted): Buffer {
  const usual: Field[] = [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Accept', ACCEPT],
  ];
  const share = random.pick([0, 0, 0.1, 0.3]);
  const fields = usual.map(([name, value]): Field => {
    const odd = ODD_VALUES[name] ?? [];
    return [name, random.next() < share ? random.pick(odd) : value];
  });
  const chosen = subprotocols[random.integer(0, subprotocols.length - 1)];
  if (chosen !== undefined && random.next() < 0.95) fields.push(['Sec-WebSocket-Protocol', chosen]);
  if (random.next() < 0.05) fields.push(['Sec-WebSocket-Protocol', random.pick(SUBPROTOCOLS)]);
  for (let count = random.pick(deflate ? [0, 1, 1, 1, 2] : [0, 0, 0, 0, 1]); count > 0; count--) {
    fields.push(['Sec-WebSocket-Extensions', responseExtensions(random)]);
  }
  if (random.next() < 0.1) fields.push(random.pick(FURTHER));
  const isOdd = random.next() < 0.06;
  const startLine = isOdd ? random.pick(STATUS_LINES) : 'HTTP/1.1 101 Switching Protocols';
  return write({ startLine, fields: vary(random, fields, random.pick([0, 0, 0, 0, 1, 2])) });
}

/** Mostly what a server may answer, so that more than the first rule is reached. */
function responseExtensions(random: SeededRandom): string {
  if (random.next() < 0.5) return oddExtensions(random);
  const parameters = [
    'server_no_context_takeover',
    'client_no_context_takeover',
    `server_max_window_bits=${random.integer(8, 15)}`,
    `client_max_window_bits=${random.integer(8, 15)}`,
  ].filter(() => random.next() < 0.4);
  return ['permessage-deflate', ...parameters].join('; ');
}

function refusal(random: SeededRandom, { redirects }: Wanted): [head: Buffer, body: Buffer] {
  const fields: Field[] = [];
  if (random.next() < (redirects ? 0.85 : 0.3)) fields.push(['Location', random.pick(LOCATIONS)]);
  if (random.next() < 0.3) fields.push(random.pick(FURTHER));
  const kind = random.integer(0, 4);
  const size = random.pick([0, 5, 5, 5000]);
  if (kind <= 1) fields.push(['Content-Length', String(size + random.pick([0, 0, 0, 1, -1]))]);
  if (kind === 2) fields.push(['Transfer-Encoding', 'chunked']);
  if (kind === 3) fields.push(['Connection', 'close']);
  const text = 'x'.repeat(size);
  const end = random.pick(['0\r\n\r\n', '0\r\n\r\n', '0\r\nX: y\r\n\r\n', 'z\r\n', '']);
  const body = kind === 2 ? `5\r\nhello\r\n${end}` : text;
  const status = redirects && random.next() < 0.7 ? '302 Found' : random.pick(STATUSES);
  const startLine = random.next() < 0.05 ? random.pick(STATUS_LINES) : `HTTP/1.1 ${status}`;
  const faults = random.pick([0, 0, 0, 1]);
  return [write({ startLine, fields: vary(random, fields, faults) }), Buffer.from(body)];
}
