/** The bytes of docs/first-bytes.md, as the library writes them. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { drawFrame } from '../../src/cli/figure.js';
import {
  acceptFor,
  answerHandshake,
  ClientProtocol,
  type DecodedFrame,
  decodeFrames,
  ServerProtocol,
  startHandshake,
} from '../../src/protocol.js';

const PAGE = join(__dirname, '../../docs/first-bytes.md');
const URL = 'ws://server.example.com/chat';
/** The key and the masking key of the examples in RFC 6455 §1.3 and §5.7. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const MASK = Buffer.from('37fa213d', 'hex');
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

interface Conversation {
  readonly request: Buffer;
  readonly response: Buffer;
  readonly client: ClientProtocol;
  readonly server: ServerProtocol;
}

/** Both ends after their opening handshake. */
function converse(deflate: boolean): Conversation {
  const perMessageDeflate = deflate && { threshold: 0 };
  const handshake = startHandshake(URL, { key: KEY, perMessageDeflate });
  const answer = answerHandshake(handshake.request, { perMessageDeflate });
  if (answer === undefined || answer.error !== undefined) throw new Error('not accepted');
  const agreement = handshake.readResponse(answer.response);
  const generateMask = (mask: Uint8Array) => mask.set(MASK);
  return {
    request: handshake.request,
    response: answer.response,
    client: new ClientProtocol({ generateMask, extension: agreement?.extension }),
    server: new ServerProtocol({ extension: answer.extension }),
  };
}

const open = (): Conversation => converse(false);

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ');

/** The lines of a frame: who sends it, its bytes, and what they are. */
function line(from: 'client' | 'server', bytes: Uint8Array, meaning = ''): string {
  const arrow = from === 'client' ? 'client → server' : 'server → client';
  return `${arrow}   ${meaning === '' ? hex(bytes) : `${hex(bytes)}   ${meaning}`}`;
}

/** What the client and the server send in one turn each, with what each frame is. */
function exchange(send: (pair: Conversation) => void, pair: Conversation = open()): string[] {
  send(pair);
  const sent = pair.client.bytesToSend();
  pair.server.receive(sent);
  const answered = pair.server.bytesToSend();
  pair.client.receive(answered);
  const asLine = (from: 'client' | 'server') => (frame: DecodedFrame) =>
    line(from, frame.bytes, nameOf(frame));
  return [
    ...decodeFrames(sent, { from: 'client' }).frames.map(asLine('client')),
    ...decodeFrames(answered, { from: 'server' }).frames.map(asLine('server')),
  ];
}

function nameOf({ opcodeName, fin, payload, close, rsv1, message }: DecodedFrame): string {
  if (close !== undefined) return `Close: ${close.code} ${close.reason}`.trimEnd();
  const name = opcodeName[0]?.toUpperCase() + opcodeName.slice(1);
  if (payload.length === 0) return `${name} without payload`;
  const text = rsv1 ? `${message}, compressed` : payload.toString();
  return `${name}: ${text}${fin ? '' : ' …'}`;
}

function block(lines: readonly string[]): string {
  return ['```', ...lines, '```'].join('\n');
}

const httpLines = (head: Buffer): string[] => head.toString('latin1').trimEnd().split('\r\n');

function helloFromClient(): DecodedFrame {
  const { client } = open();
  client.send('Hello');
  const [frame] = decodeFrames(client.bytesToSend()).frames;
  if (frame === undefined) throw new Error('no frame');
  return frame;
}

function headerTable(): string {
  const rows = helloFromClient().fields.map(
    ({ name, bits, meaning, rfc }) =>
      `| ${name} | \`${bits.replace(/.{8}(?=.)/g, '$& ')}\` | ${meaning} | ${rfc} |`,
  );
  return ['| field | bits | meaning | section |', '|---|---|---|---|', ...rows].join('\n');
}

function maskingTable(): string {
  const { bytes, payload } = helloFromClient();
  const rows = Array.from(payload, (byte, i) => {
    const [masked = 0, key = 0] = [bytes[6 + i], MASK[i % 4]];
    const cells = [masked, key, byte].map((value) => `\`${hex(Uint8Array.of(value))}\``);
    return `| ${cells[0]} | ⊕ ${cells[1]} | = ${cells[2]} | ${String.fromCharCode(byte)} |`;
  });
  return ['| on the wire | key | payload | |', '|---|---|---|---|', ...rows].join('\n');
}

function notMasked(): string[] {
  const { server } = open();
  const wrong = Buffer.from([0x81, 0x05, ...Buffer.from('Hello')]);
  server.receive(wrong);
  const [close] = decodeFrames(server.bytesToSend(), { from: 'server' }).frames;
  if (close === undefined) throw new Error('no answer');
  return [
    line('client', wrong, 'Text: Hello'),
    line('server', close.bytes.subarray(0, 4), '…'),
    `${' '.repeat(18)}${nameOf(close)}`,
  ];
}

function extensionLines(): string[] {
  const { request, response } = converse(true);
  const isExtension = (text: string) => text.startsWith('Sec-WebSocket-Extensions');
  return [
    ...httpLines(request)
      .filter(isExtension)
      .map((text) => `client → server   ${text}`),
    ...httpLines(response)
      .filter(isExtension)
      .map((text) => `server → client   ${text}`),
  ];
}

/** Compression reads earlier messages, so both are decoded as one stream. */
function compressed(): string[] {
  return exchange(({ server }) => {
    server.send('Hello');
    server.send('Hello');
  }, converse(true));
}

const PARTS: Readonly<Record<string, () => string>> = {
  request: () => block(httpLines(open().request)),
  response: () => block(httpLines(open().response)),
  accept: () => block([`base64(SHA-1("${KEY}${GUID}"))`, `  = ${acceptFor(KEY)}`]),
  'hello from the client': () => block(exchange(({ client }) => client.send('Hello'))),
  'the figure of hello from the client': () => block(drawFrame(helloFromClient())),
  'the header of hello from the client': headerTable,
  masking: maskingTable,
  'a frame that is not masked': () => block(notMasked()),
  'hello from the server': () => block(exchange(({ server }) => server.send('Hello'))),
  ping: () => block(exchange(({ client }) => client.ping('you?'))),
  fragments: () =>
    block(
      exchange(({ client }) => {
        client.send('Hel', { fin: false });
        client.ping();
        client.send('lo');
      }),
    ),
  'the extension': () => block(extensionLines()),
  compressed: () => block(compressed()),
  closing: () => block(exchange(({ client }) => client.close(1000, 'bye'))),
};

describe('docs/first-bytes.md', () => {
  // UPDATE_DOCS=1 npx jest tests/unit/first-bytes.test.ts writes the bytes anew.
  test.each(Object.entries(PARTS))('%s: as the library writes it', (name, generate) => {
    const mark = new RegExp(`(<!-- bytes: ${name} -->\\n)[^]*?(<!-- end -->)`);
    if (process.env['UPDATE_DOCS']) {
      const text = readFileSync(PAGE, 'utf8');
      writeFileSync(
        PAGE,
        text.replace(mark, (_, a, b) => `${a}${generate()}\n${b}`),
      );
    }
    expect(mark.exec(readFileSync(PAGE, 'utf8'))?.[0]).toContain(generate());
  });

  test('has no part that is not made here', () => {
    const named = Array.from(readFileSync(PAGE, 'utf8').matchAll(/<!-- bytes: (.+?) -->/g));
    expect(named.map(([, name]) => name)).toEqual(Object.keys(PARTS));
  });

  test('every byte in its sentences is in one of its parts', () => {
    const text = readFileSync(PAGE, 'utf8');
    const parts = Array.from(text.matchAll(/<!-- bytes: [\s\S]*?<!-- end -->/g)).join('\n');
    const prose = text.replace(/<!-- bytes: [\s\S]*?<!-- end -->/g, '');
    const named = prose.match(/(?<=`)[0-9a-f]{2}(?: [0-9a-f]{2})*(?=`)/g) ?? [];
    expect(named.length).toBeGreaterThan(8);
    const onTheWire = parts.replace(/\n/g, ' ');
    const unseen = named.filter((bytes) => !onTheWire.includes(bytes));
    expect(unseen).toEqual(['00 00 ff ff']); // what RFC 7692 §7.2.1 removes
  });
});
