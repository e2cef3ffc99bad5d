/** Opening handshakes for two implementations: valid, nearly valid and odd ones. */
import type { SeededRandom } from '../support/random.js';
import { type Field, spoilBytes, vary, write } from './http-grammar.js';

const METHODS = ['POST', 'HEAD', 'OPTIONS', 'get', 'CONNECT', 'PUT'];
const VERSIONS = ['HTTP/1.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/11'];
const TARGETS = [
  '*',
  '/',
  '/chat?',
  '/chat?a=b/c',
  '/chat/',
  '/CHAT',
  '//chat',
  '/chat#part',
  '/%63hat',
  '/%zz',
  'chat',
  '?chat',
  'http://server.example.com/chat',
  'WS://server.example.com/chat?x',
  'https://server.example.com',
  'http://other.example.com/other',
  'ftp://server.example.com/chat',
  'server.example.com:80',
];

/** For each field of a request, the values beside the usual one. */
const ODD_VALUES: Record<string, readonly string[]> = {
  Host: [
    'server.example.com:80',
    'SERVER.example.com.',
    '[::1]:8080',
    '',
    'a, b',
    'user@host',
    'host/path',
    'a b',
  ],
  Upgrade: [
    'WebSocket',
    'WEBSOCKET',
    'websocket, h2c',
    'h2c, websocket',
    'websocket,',
    'h2c',
    'websocket/13',
    'websockets',
    '"websocket"',
    '',
  ],
  Connection: [
    'upgrade',
    'UPGRADE',
    'keep-alive, Upgrade',
    'Upgrade,HTTP2-Settings',
    'close, Upgrade',
    'Upgrade,',
    ' ,Upgrade',
    'Upgrade;x',
    'upgraded',
    'keep-alive',
    'close',
    '"Upgrade"',
    '',
  ],
  'Sec-WebSocket-Key': [
    'dGhlIHNhbXBsZSBub25jZQ==',
    'dGhlIHNhbXBsZSBub25jZf==',
    'dGhlIHNhbXBsZSBub25jZQ=',
    'dGhlIHNhbXBsZSBub25jZQ',
    'dGhlIHNhbXBsZSBub25jZQQ=',
    'dGhlIHNhbXBsZSBub25j*Q==',
    'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==',
    '__proto__',
    '',
  ],
  'Sec-WebSocket-Version': [
    '8',
    '08',
    '7',
    '14',
    '013',
    '13.0',
    '0xD',
    '1.3e1',
    '+13',
    '-13',
    '13, 8',
    '13,13',
    'x',
    '',
  ],
};

const FURTHER: readonly Field[] = [
  ['Content-Length', '0'],
  ['Content-Length', '00'],
  ['Content-Length', '3'],
  ['Content-Length', '400'],
  ['Content-Length', 'x'],
  ['Transfer-Encoding', 'chunked'],
  ['Transfer-Encoding', 'identity'],
  ['Expect', '100-continue'],
  ['Origin', 'http://server.example.com'],
  ['Sec-WebSocket-Origin', 'http://draft.example.com'],
  ['Sec-WebSocket-Accept', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['HTTP2-Settings', 'AAMAAABk'],
  ['constructor', 'x'],
  ['__proto__', 'x'],
  ['X-Odd', 'é\u00ff'],
  ['X-Fold', 'a\r\n b'],
  ['X-Long', 'x'.repeat(5000)],
];

const SUBPROTOCOLS = ['chat', 'superchat', 'Chat', 'v1.json', 'constructor', '__proto__', '*'];
const ODD_SUBPROTOCOLS = ['', ' ', 'a b', 'a;b', '"chat"', 'é', 'a/b', 'x'.repeat(300)];
const COMMAS = [',', ', ', ' ,', ' , ', '\t,\t'];

const PARAMETER_NAMES = [
  'server_no_context_takeover',
  'client_no_context_takeover',
  'server_max_window_bits',
  'client_max_window_bits',
];
const ODD_PARAMETER_NAMES = ['unknown', '__proto__', 'Server_Max_Window_Bits', '', 'a b', 'é'];
const BITS = ['8', '9', '10', '11', '12', '13', '14', '15'];
const ODD_BITS = ['7', '16', '08', '010', '0xA', '1e1', '10.0', '+10', '-10', '', '10 1', 'é'];
const EXTENSION_NAMES = [
  'x-webkit-deflate-frame',
  'x-other',
  'Permessage-Deflate',
  '__proto__',
  '',
];

/** A list of subprotocols, mostly valid. */
export function oddSubprotocols(random: SeededRandom): string {
  const one = (): string => random.pick(random.next() < 0.06 ? ODD_SUBPROTOCOLS : SUBPROTOCOLS);
  return Array.from({ length: random.integer(1, 3) }, one).join(random.pick(COMMAS));
}

function oddParameter(random: SeededRandom): string {
  const isOdd = random.next() < 0.08;
  const name = random.pick(isOdd ? ODD_PARAMETER_NAMES : PARAMETER_NAMES);
  const needsBits = name.endsWith('bits') ? random.next() < 0.8 : random.next() < 0.05;
  if (!needsBits) return name;
  const bits = random.pick(random.next() < 0.15 ? ODD_BITS : BITS);
  const equals = random.pick(['=', '=', '=', '=', '=', '=', ' =', '= ', '\t=\t']);
  const escaped = bits.replace(/./g, (digit) => `\\${digit}`);
  const value = random.pick([bits, bits, bits, `"${bits}"`, `"${escaped}"`, `"${bits}`]);
  return `${name}${equals}${value}`;
}

function oddExtension(random: SeededRandom): string {
  const isDeflate = random.next() < 0.85;
  const name = isDeflate ? 'permessage-deflate' : random.pick(EXTENSION_NAMES);
  const count = random.next() < 0.02 ? random.integer(15, 18) : random.pick([0, 0, 1, 1, 2, 3, 4]);
  const parameters = Array.from({ length: count }, () => oddParameter(random));
  return [name, ...parameters].join(random.pick([';', '; ', ' ; ', '\t;']));
}

/** A list of extensions, mostly permessage-deflate with some of its parameters. */
export function oddExtensions(random: SeededRandom): string {
  const count = random.next() < 0.02 ? random.integer(31, 34) : random.pick([1, 1, 1, 2, 3]);
  return Array.from({ length: count }, () => oddExtension(random)).join(random.pick(COMMAS));
}

function startLine(random: SeededRandom): string {
  const method = random.next() < 0.04 ? random.pick(METHODS) : 'GET';
  const target = random.next() < 0.2 ? random.pick(TARGETS) : '/chat';
  const version = random.next() < 0.04 ? random.pick(VERSIONS) : 'HTTP/1.1';
  return `${method} ${target} ${version}`;
}

/** The fields that each opening handshake has; some with another value. */
function requiredFields(random: SeededRandom): Field[] {
  const usual: Field[] = [
    ['Host', 'server.example.com'],
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Key', random.bytes(16).toString('base64')],
    ['Sec-WebSocket-Version', '13'],
  ];
  const share = random.pick([0, 0, 0.1, 0.3]);
  return usual.map(([name, value]) => {
    const odd = ODD_VALUES[name] ?? [];
    return [name, random.next() < share ? random.pick(odd) : value];
  });
}

/** A request that asks for something else. */
function otherRequest(random: SeededRandom): Buffer {
  const fields: Field[] = [['Host', 'server.example.com']];
  if (random.next() < 0.8)
    fields.push(['Upgrade', random.pick(['h2c', 'TLS/1.2', 'h2c, foo', ''])]);
  if (random.next() < 0.8)
    fields.push(['Connection', random.pick(['Upgrade', 'Upgrade, x', 'close'])]);
  if (random.next() < 0.3) fields.push(random.pick(FURTHER));
  return write({
    startLine: startLine(random),
    fields: vary(random, fields, random.pick([0, 0, 1])),
  });
}

/** The head of a request. */
export function oddRequest(random: SeededRandom): Buffer {
  if (random.next() < 0.05) return otherRequest(random);
  const fields = requiredFields(random);
  for (let count = random.pick([0, 1, 1, 2]); count > 0; count--) {
    if (random.next() < 0.5) fields.push(['Sec-WebSocket-Extensions', oddExtensions(random)]);
  }
  for (let count = random.pick([0, 0, 1, 2]); count > 0; count--) {
    fields.push(['Sec-WebSocket-Protocol', oddSubprotocols(random)]);
  }
  if (random.next() < 0.15) fields.push(random.pick(FURTHER));
  const head = write({
    startLine: startLine(random),
    fields: vary(random, fields, random.pick([0, 0, 0, 0, 1, 2])),
  });
  return random.next() < 0.08 ? spoilBytes(random, head) : head;
}
