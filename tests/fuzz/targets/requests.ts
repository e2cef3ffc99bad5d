/** Opening handshakes at a server: one that it accepts is valid, and what is valid it accepts. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import WebSocket from '../../../src/index.js';
import { agreementOf } from '../../conformance/compressed-scene.js';
import { StrictReader } from '../../conformance/strict-reader.js';
import { settled, turn, until } from '../../conformance/turns.js';
import { type WireEnd, wirePair } from '../../support/duplex-pair.js';
import { closePayload, frame, KEY, OPCODE } from '../../support/frames.js';
import type { SeededRandom } from '../../support/random.js';
import { acceptFor } from '../../support/requests.js';
import { holds, same } from '../check.js';
import {
  extensions,
  type Field,
  type Head,
  listOf,
  lists,
  readHead,
  spoilBytes,
  subprotocols,
  valuesOf,
  vary,
  write,
} from '../http-grammar.js';
import type { Target } from '../target.js';
import { cut } from '../verdict.js';

const START_LINES = [
  'POST /chat HTTP/1.1',
  'GET /chat HTTP/1.0',
  'GET * HTTP/1.1',
  'GET http://server.example.com/chat HTTP/1.1',
  'GET //chat HTTP/1.1',
  'GET /%zz?a#b HTTP/1.1',
  'get /chat HTTP/1.1',
  'GET /chat HTTP/2.0',
];

export interface Request {
  bytes: Buffer;
  /** Nothing is wrong with it. */
  isValid: boolean;
}

/** Behind the head: a message and a Close, as one has them who does not wait for the response. */
const FRAMES = Buffer.concat([
  frame({ payload: 'hello', mask: KEY }),
  frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000), mask: KEY }),
]);

export function request(random: SeededRandom): Request {
  const faults = random.pick([0, 0, 1, 1, 2]);
  const isOtherLine = random.next() < 0.1;
  const fields: Field[] = [
    ['Host', 'server.example.com'],
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Key', random.bytes(16).toString('base64')],
    ['Sec-WebSocket-Version', '13'],
  ];
  if (random.next() < 0.4) fields.push(['Sec-WebSocket-Protocol', subprotocols(random)]);
  if (random.next() < 0.4) fields.push(['Sec-WebSocket-Extensions', extensions(random)]);
  const startLine = isOtherLine ? random.pick(START_LINES) : 'GET /chat HTTP/1.1';
  const head = write({ startLine, fields: vary(random, fields, faults) });
  const isSpoiled = random.next() < 0.25;
  const bytes = Buffer.concat([isSpoiled ? spoilBytes(random, head) : head, FRAMES]);
  return { bytes, isValid: faults === 0 && !isOtherLine && !isSpoiled };
}

/** RFC 6455 §4.2.1, as far as it can be said of a head that was read leniently. */
function expectValid(head: Head): void {
  const { startLine, fields } = head;
  holds(/^GET +\S+ +HTTP\/(1\.[1-9]|[2-9]\.\d)/.test(startLine), `accepted: ${startLine}`);
  holds(valuesOf(fields, 'host').length === 1, 'accepted: not one Host');
  holds(lists(head, 'upgrade', 'websocket'), 'accepted: Upgrade');
  holds(lists(head, 'connection', 'upgrade'), 'accepted: Connection');
  const keys = valuesOf(fields, 'sec-websocket-key');
  holds(keys.length === 1 && /^[+/0-9A-Za-z]{22}==$/.test(keys[0] ?? ''), `accepted: key ${keys}`);
  same(valuesOf(fields, 'sec-websocket-version'), ['13'], 'accepted: version');
  holds(valuesOf(fields, 'transfer-encoding').length === 0, 'accepted: a body');
  holds(
    listOf(head, 'content-length').every((one) => /^0+$/.test(one)),
    'accepted: a body',
  );
}

/** RFC 6455 §4.2.2: the response says nothing that was not asked for. */
function checkResponse(asked: Head, answer: Head): void {
  const [accept] = valuesOf(answer.fields, 'sec-websocket-accept');
  same(accept, acceptFor(valuesOf(asked.fields, 'sec-websocket-key')[0] ?? ''), 'the accept value');
  const offered = listOf(asked, 'sec-websocket-protocol');
  const chosen = valuesOf(answer.fields, 'sec-websocket-protocol');
  holds(chosen.length <= 1 && chosen.every((one) => offered.includes(one)), `chosen: ${chosen}`);
  const [extension] = valuesOf(answer.fields, 'sec-websocket-extensions');
  if (extension === undefined) return;
  holds(
    lists(asked, 'sec-websocket-extensions', extension) || agreementOf(extension) !== undefined,
    extension,
  );
}

interface Seen {
  received: Buffer;
  ended: boolean;
  events: string[];
}

const told = new WeakMap<object, Seen>();

/** One server in memory for all runs; it never listens. */
function makeServer(): Server {
  const http = createServer((_, response) => response.end('application'));
  const wss = new WebSocket.WebSocketServer({ server: http, perMessageDeflate: true });
  wss.on('connection', (ws, { socket }: IncomingMessage) => {
    const events = told.get(socket)?.events ?? [];
    ws.on('message', (data) => events.push(`message ${data}`));
    ws.on('error', () => events.push('error'));
    ws.on('close', (code: number) => events.push(`close ${code}`));
  });
  return http;
}

let server: Server | undefined;

/** What comes back for the bytes, before the client ends its side. */
async function ask(chunks: Buffer[], far: WireEnd, seen: Seen): Promise<void> {
  server ??= makeServer();
  const chunksSeen: Buffer[] = [];
  let size = 0;
  far.on('data', (chunk: Buffer) => {
    chunksSeen.push(chunk);
    size += chunk.length;
  });
  far.on('end', () => {
    seen.ended = true;
  });
  far.on('error', () => {});
  for (const [i, chunk] of chunks.entries()) {
    if (!far.destroyed && far.writable) far.write(chunk);
    if (i % 64 === 63) await turn();
  }
  await settled(() => size + seen.events.length - far.writableLength);
  seen.received = Buffer.concat(chunksSeen);
}

async function run(random: SeededRandom): Promise<void> {
  const { bytes, isValid } = request(random);
  const [far, near] = wirePair();
  const seen: Seen = { received: Buffer.alloc(0), ended: false, events: [] };
  told.set(near, seen);
  server ??= makeServer();
  server.emit('connection', near);
  await ask(cut(bytes, random), far, seen);
  far.end();
  await until(
    () => near.destroyed,
    () => seen.events.length,
  );
  holds(near.destroyed, 'the socket is gone when the client has ended its side');
  check(bytes, isValid, seen);
}

function check(bytes: Buffer, isValid: boolean, { received, events }: Seen): void {
  const answer = readHead(received);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer?.startLine ?? '')?.[1] ?? 0);
  if (isValid) same(status, 101, 'the status of a valid request');
  if (status !== 101) {
    same(events, [], 'events of a refused client');
    holds(answer === undefined || status >= 200, `status ${status}`);
    return;
  }
  const asked = readHead(bytes);
  holds(asked !== undefined, '101 without a request');
  if (asked === undefined || answer === undefined) return;
  expectValid(asked);
  checkResponse(asked, answer);
  const reader = new StrictReader(false);
  reader.push(received.subarray(received.indexOf('\r\n\r\n') + 4));
  same(reader.faults, [], 'frames sent');
  same(events.filter((one) => one.startsWith('close')).length, 1, "'close' events");
  if (isValid) same(events, ['message hello', 'close 1000'], 'events');
}

export const requests: Target = { name: 'requests', usual: 300, run };
