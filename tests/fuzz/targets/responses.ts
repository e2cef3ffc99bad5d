/** Opening handshakes at a client: a response that opens it is valid, and a valid one opens it. */
import type { Duplex } from 'node:stream';
import WebSocket from '../../../src/index.js';
import { agreementOf } from '../../conformance/compressed-scene.js';
import { settled, turn, until } from '../../conformance/turns.js';
import { type WireEnd, wirePair } from '../../support/duplex-pair.js';
import { closePayload, frame, OPCODE } from '../../support/frames.js';
import type { SeededRandom } from '../../support/random.js';
import { acceptFor } from '../../support/requests.js';
import { holds, same } from '../check.js';
import {
  extensions,
  type Field,
  type Head,
  lists,
  readHead,
  spoilBytes,
  valuesOf,
  vary,
  write,
} from '../http-grammar.js';
import type { Target } from '../target.js';
import { cut } from '../verdict.js';

const STATUS_LINES = [
  'HTTP/1.0 101 Switching Protocols',
  'HTTP/1.1 101',
  'HTTP/1.1 100 Continue',
  'HTTP/1.1 200 OK',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 302 Found',
  'HTTP/1.1 401 Unauthorized',
  'HTTP/1.1 426 Upgrade Required',
  'HTTP/1.1 1010 Odd',
  'HTTP/3.0 101 Odd',
];

const FRAMES = Buffer.concat([
  frame({ payload: 'hello' }),
  frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000) }),
]);

/** What the client asked for. */
export interface Asked {
  key: string;
  subprotocols: string[];
  deflate: boolean;
}

export interface Response {
  bytes: Buffer;
  /** Nothing is wrong with it. */
  isValid: boolean;
}

export function response(random: SeededRandom, asked: Asked): Response {
  const faults = random.pick([0, 0, 1, 1, 2]);
  const isOtherLine = random.next() < 0.15;
  const isExtended = random.next() < (asked.deflate ? 0.4 : 0.05);
  const fields: Field[] = [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Accept', acceptFor(asked.key)],
  ];
  const [subprotocol] = asked.subprotocols;
  if (subprotocol !== undefined) fields.push(['Sec-WebSocket-Protocol', subprotocol]);
  if (isExtended) fields.push(['Sec-WebSocket-Extensions', extensions(random)]);
  const startLine = isOtherLine ? random.pick(STATUS_LINES) : 'HTTP/1.1 101 Switching Protocols';
  const head = write({ startLine, fields: vary(random, fields, faults) });
  const isSpoiled = random.next() < 0.25;
  const bytes = Buffer.concat([isSpoiled ? spoilBytes(random, head) : head, FRAMES]);
  return { bytes, isValid: faults === 0 && !isOtherLine && !isSpoiled && !isExtended };
}

/** RFC 6455 §4.1, as far as it can be said of a head that was read leniently. */
function expectValid(head: Head, asked: Asked): void {
  const { startLine, fields } = head;
  holds(/^HTTP\/(1\.[1-9]|[2-9]\.\d) 101/.test(startLine), `opened by: ${startLine}`);
  holds(lists(head, 'upgrade', 'websocket'), 'opened: Upgrade');
  holds(lists(head, 'connection', 'upgrade'), 'opened: Connection');
  same(valuesOf(fields, 'sec-websocket-accept'), [acceptFor(asked.key)], 'opened: accept value');
  const chosen = valuesOf(fields, 'sec-websocket-protocol');
  holds(
    chosen.every((one) => asked.subprotocols.includes(one)),
    `opened: subprotocol ${chosen}`,
  );
  const [extension, ...more] = valuesOf(fields, 'sec-websocket-extensions');
  if (extension === undefined) return;
  holds(asked.deflate && more.length === 0, `opened: extension ${extension}`);
  agreementOf(extension.replaceAll('"', ''));
}

function attend(ws: InstanceType<typeof WebSocket>): string[] {
  const events: string[] = [];
  ws.on('open', () => events.push('open'));
  ws.on('message', (data) => events.push(`message ${data}`));
  ws.on('error', () => events.push('error'));
  ws.on('close', (code: number) => events.push(`close ${code}`));
  return events;
}

/** The head of the request that a client sends. */
async function requestOn(far: WireEnd): Promise<Head> {
  let bytes = Buffer.alloc(0);
  far.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  await until(
    () => readHead(bytes) !== undefined,
    () => bytes.length,
  );
  const head = readHead(bytes);
  if (head === undefined) throw new Error(`no request: ${bytes}`);
  return head;
}

async function run(random: SeededRandom): Promise<void> {
  const [near, far] = wirePair();
  far.on('error', () => {});
  const subprotocols = random.pick([[], [], ['chat'], ['superchat', 'chat']]);
  const deflate = random.next() < 0.5;
  const options = { createConnection: (): Duplex => near, perMessageDeflate: deflate };
  const ws = new WebSocket('ws://server.example.com/chat', subprotocols, options);
  const events = attend(ws);
  const { fields } = await requestOn(far);
  const [key = ''] = valuesOf(fields, 'sec-websocket-key');
  const asked = { key, subprotocols, deflate };
  const { bytes, isValid } = response(random, asked);
  for (const [i, chunk] of cut(bytes, random).entries()) {
    if (far.writable) far.write(chunk);
    if (i % 64 === 63) await turn();
  }
  await settled(() => events.length - far.writableLength);
  far.end();
  await until(
    () => near.destroyed && ws.readyState === WebSocket.CLOSED,
    () => events.length,
  );
  holds(near.destroyed, 'the socket is gone when the server has ended its side');
  check(bytes, isValid, asked, events);
}

function check(bytes: Buffer, isValid: boolean, asked: Asked, events: string[]): void {
  if (isValid) same(events, ['open', 'message hello', 'close 1000'], 'events');
  same(events.filter((one) => one.startsWith('close')).length, 1, "'close' events");
  holds(events.at(-1)?.startsWith('close') === true, "'close' is the last event");
  if (!events.includes('open')) {
    same(events, ['error', 'close 1006'], 'events of a failed handshake');
    return;
  }
  const head = readHead(bytes);
  holds(head !== undefined, 'opened without a response');
  if (head !== undefined) expectValid(head, asked);
}

export const responses: Target = { name: 'responses', usual: 300, run };
