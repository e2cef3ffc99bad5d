/** The product beside `ws`: the same bytes, the same messages and the same kind of end. */

import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { Library, Untyped } from '../../compat/subjects.js';
import { poolTurn } from '../../conformance/compressed-scene.js';
import { listen, Peer, ROLES, type Role } from '../../conformance/subject.js';
import { settled, turn, until } from '../../conformance/turns.js';
import { type WireEnd, wirePair } from '../../support/duplex-pair.js';
import type { SeededRandom } from '../../support/random.js';
import { acceptFor, SAMPLE_KEY } from '../../support/requests.js';
import { libraryOf } from '../beside-ws.js';
import { same } from '../check.js';
import { explain, type Outcome } from '../differences.js';
import { readHead, valuesOf } from '../http-grammar.js';
import { referenceInflate } from '../inflate.js';
import { type Limits, ReferenceReceiver } from '../reference.js';
import type { Target } from '../target.js';
import { cut } from '../verdict.js';
import { drawnStream, limits, sequence } from './frames.js';
import { compressedStream } from './payloads.js';

interface Case {
  role: Role;
  bytes: Buffer;
  limits: Limits;
  isCompressed: boolean;
}

/**
 * Zeros behind a stream complete a header that its end has cut: `ws` checks a length before the
 * masking key has come.
 */
const PADDING = Buffer.alloc(14);

/** Longest wait for an end that comes, in milliseconds. */
const PATIENCE = 5_000;

async function drawCase(random: SeededRandom): Promise<Case> {
  const kind = random.integer(0, 2);
  if (kind === 0) return { ...drawnStream(random), limits: limits(random), isCompressed: false };
  if (kind === 1) return { ...sequence(random), limits: limits(random), isCompressed: false };
  const role = random.pick(ROLES);
  const maxPayload = random.pick([0, 1, 300, 100_000]);
  const bytes = await compressedStream(random, role);
  return { role, bytes, limits: { maxPayload, maxFragments: 131_072 }, isCompressed: true };
}

/** A wire whose writes arrive in a later turn: `ws` is not made for an answer within its own write. */
function slowWire(): [WireEnd, WireEnd] {
  const ends = wirePair();
  for (const end of ends) {
    const write = end._write.bind(end);
    end._write = (...args) => void setImmediate(write, ...args);
  }
  return ends;
}

const EXTENSION = 'permessage-deflate';

/** An open WebSocket of that library on its end of a wire. */
async function open(library: Library, one: Case, wire: WireEnd, far: WireEnd): Promise<Untyped> {
  const options = { ...one.limits, perMessageDeflate: one.isCompressed, maxPendingAutoPongs: 0 };
  return one.role === 'server'
    ? openServer(library, options, wire, far)
    : openClient(library, options, wire, far);
}

async function openServer(
  library: Library,
  options: { perMessageDeflate: boolean },
  wire: WireEnd,
  far: WireEnd,
): Promise<Untyped> {
  const server = new library.WebSocketServer({ noServer: true, ...options });
  const headers = {
    host: 'server.example.com',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': SAMPLE_KEY,
    'sec-websocket-version': '13',
    ...(options.perMessageDeflate && { 'sec-websocket-extensions': EXTENSION }),
  };
  const request = { method: 'GET', url: '/', httpVersion: '1.1', headers, socket: wire };
  let ws: Untyped;
  server.handleUpgrade(request, wire, Buffer.alloc(0), (accepted: Untyped) => {
    ws = accepted;
  });
  await headOn(far);
  return ws;
}

async function openClient(
  library: Library,
  options: { perMessageDeflate: boolean },
  wire: WireEnd,
  far: WireEnd,
): Promise<Untyped> {
  const createConnection = (): Duplex => wire;
  const ws = new library('ws://server.example.com/', { createConnection, ...options });
  const [key = ''] = valuesOf(readHead(await headOn(far))?.fields ?? [], 'sec-websocket-key');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptFor(key)}`,
    ...(options.perMessageDeflate ? [`Sec-WebSocket-Extensions: ${EXTENSION}`] : []),
  ];
  far.write(`${lines.join('\r\n')}\r\n\r\n`);
  await until(
    () => ws.readyState === 1,
    () => far.writableLength,
  );
  return ws;
}

/** The head of the HTTP message that a peer is sent. */
async function headOn(far: WireEnd): Promise<Buffer> {
  const seen: Buffer[] = [];
  const take = (chunk: Buffer): number => seen.push(chunk);
  far.on('data', take);
  await until(
    () => Buffer.concat(seen).includes('\r\n\r\n'),
    () => seen.length,
  );
  far.removeListener('data', take);
  return Buffer.concat(seen);
}

async function play(library: Library, one: Case, chunks: Buffer[]): Promise<Outcome> {
  const [clientEnd, serverEnd] = slowWire();
  const [wire, far] = one.role === 'server' ? [serverEnd, clientEnd] : [clientEnd, serverEnd];
  const ws = await open(library, one, wire, far);
  const events = listen(ws);
  const thrown = catchInReceiver(ws);
  const peer = new Peer(far, one.role);
  peer.write(chunks.map((chunk) => Buffer.from(chunk)));
  const progress = (): number => events.length + peer.received - far.writableLength;
  await allRead(ws, progress, one.isCompressed);
  peer.end();
  await waitFor(() => ws.readyState === 3);
  ws.terminate();
  await settled(progress);
  const outcome = outcomeOf(events, peer);
  return thrown.length > 0 ? { ...outcome, end: 'exception' } : outcome;
}

/** Collects what the receiver of `ws` throws, which nobody else could catch, and drops the connection. */
function catchInReceiver(ws: Untyped): unknown[] {
  const thrown: unknown[] = [];
  const receiver = ws._receiver;
  const original = receiver?.startLoop;
  if (original === undefined) return thrown;
  receiver.startLoop = function startLoop(callback: unknown): void {
    try {
      original.call(this, callback);
    } catch (error) {
      thrown.push(error);
      ws.terminate();
    }
  };
  return thrown;
}

/** Nothing moves any more, in the pool of threads either. */
async function allRead(ws: Untyped, progress: () => number, isCompressed: boolean): Promise<void> {
  for (let before = Number.NaN; before !== progress(); ) {
    before = progress();
    for (let i = 0; i < (isCompressed ? 3 : 1); i++) {
      if (isCompressed) await poolTurn();
      await settled(progress);
    }
    await waitFor(() => isIdle(ws));
  }
}

/** The receiver of `ws` is a Writable, which holds a chunk while it inflates what is in it. */
function isIdle({ _receiver: receiver }: Untyped): boolean {
  return (
    receiver?.writableLength === undefined || receiver.destroyed || receiver.writableLength === 0
  );
}

/** By the clock: the pool of threads does not tell when it is done. */
async function waitFor(done: () => boolean): Promise<void> {
  for (const deadline = Date.now() + PATIENCE; !done() && Date.now() < deadline; ) await turn();
}

function outcomeOf(events: string[], peer: Peer): Outcome {
  const isEnd = (event: string): boolean => /^(error|close) /.test(event);
  const ends = events.filter(isEnd);
  const close = ends.at(-1) ?? 'no close';
  const failed = ends.some((event) => event.startsWith('error'));
  const end = failed ? `failed ${peer.closing?.code}` : close.replace('close 1006', 'open');
  const pongs = peer.sent.filter((frame) => frame.startsWith('pong'));
  return { heard: events.filter((event) => !isEnd(event)), pongs, end };
}

async function run(random: SeededRandom): Promise<void> {
  const drawn = await drawCase(random);
  const one = { ...drawn, bytes: Buffer.concat([drawn.bytes, PADDING]) };
  const inflate = one.isCompressed ? referenceInflate() : undefined;
  const verdict = new ReferenceReceiver(one.role, one.limits, inflate).read(one.bytes);
  const chunks = cut(one.bytes, random);
  const ours = await play(libraryOf('ws6455'), one, chunks);
  const theirs = await play(libraryOf('ws'), one, chunks);
  if (isDeepStrictEqual(ours, theirs)) return;
  if (explain(verdict, ours, theirs) !== undefined) return;
  same(ours, theirs, `ws6455 and ws (${one.role}), with no row in docs/from-ws.md`);
}

export const againstWs: Target = { name: 'against-ws', usual: 100, run };
