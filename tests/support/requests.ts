import { createHash } from 'node:crypto';

/** The key of RFC 6455 §1.3 and the answer to it. */
export const SAMPLE_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const SAMPLE_ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** RFC 6455 §4.2.2: what answers a key. */
export function acceptFor(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

export interface RequestParts {
  method?: string;
  target?: string;
  version?: string;
  /** fields of the handshake to leave out */
  drop?: string[];
  /** other values for fields of the handshake */
  set?: Record<string, string>;
  /** further fields, behind those of the handshake */
  add?: [string, string][];
  /** further fields, in front of those of the handshake */
  before?: [string, string][];
}

const FIELDS: [string, string][] = [
  ['Host', 'server.example.com'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', SAMPLE_KEY],
  ['Sec-WebSocket-Version', '13'],
];

/** An opening handshake request as text; without any parts, one that nobody can refuse. */
export function upgradeRequest(parts: RequestParts = {}): string {
  const { method = 'GET', target = '/chat', version = 'HTTP/1.1' } = parts;
  const { drop = [], set = {}, add = [], before = [] } = parts;
  const fields = FIELDS.filter(([name]) => !drop.includes(name)).map(
    ([name, value]): [string, string] => [name, set[name] ?? value],
  );
  const lines = [...before, ...fields, ...add].map(([name, value]) => `${name}: ${value}`);
  return `${[`${method} ${target} ${version}`, ...lines].join('\r\n')}\r\n\r\n`;
}

/** The response that accepts a key, as text. */
export function upgradeResponse(key: string, ...more: string[]): string {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptFor(key)}`,
    ...more,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** The key of a request that was read off the wire. */
export function keyOf(request: { all(name: string): string[] }): string {
  const [key = ''] = request.all('sec-websocket-key');
  return key;
}
