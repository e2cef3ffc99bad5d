/** Opening handshakes at a server, beside `ws`: the same request, the same response and events. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { Library, Untyped } from '../../compat/subjects.js';
import { settled, turn, until } from '../../conformance/turns.js';
import { type WireEnd, wirePair } from '../../support/duplex-pair.js';
import { closePayload, frame, KEY, OPCODE } from '../../support/frames.js';
import type { SeededRandom } from '../../support/random.js';
import { libraryOf, type Name } from '../beside-ws.js';
import { same } from '../check.js';
import { readHead, valuesOf } from '../http-grammar.js';
import { oddRequest } from '../odd-handshakes.js';
import { explainRequest, type RequestOutcome } from '../request-differences.js';
import { SETUPS, type Setup } from '../server-setups.js';
import type { Target } from '../target.js';
import { cut } from '../verdict.js';

/** Behind the head: a message and a Close, as one has them who does not wait for the response. */
const FRAMES = Buffer.concat([
  frame({ payload: 'hello', mask: KEY }),
  frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000), mask: KEY }),
]);

/** The events of the connection on each socket. */
const told = new WeakMap<object, string[]>();
const eventsOf = ({ socket }: IncomingMessage): string[] => told.get(socket) ?? [];

/** One http server in memory for each library and setup; none listens. */
const servers = new Map<string, Server>();

function serverFor(name: Name, setup: Setup): Server {
  const key = `${name} ${setup.name}`;
  const server = servers.get(key) ?? makeServer(libraryOf(name), setup);
  servers.set(key, server);
  return server;
}

function makeServer(library: Library, setup: Setup): Server {
  const answer = (_: IncomingMessage, response: ServerResponse): void => {
    response.end('application');
  };
  const http = setup.hasRequestListener ? createServer(answer) : createServer();
  const [wss, server] = open(library, setup, http);
  wss.on('connection', attend);
  if (setup.hearsClientErrors) wss.on('wsClientError', refuse);
  return server;
}

/** A WebSocketServer, and the http server that it takes requests from. */
function open(library: Library, setup: Setup, http: Server): [Untyped, Server] {
  const options = setup.options(eventsOf);
  if (setup.mode === 'port') {
    const wss = new library.WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
    wss._server.unref();
    return [wss, wss._server];
  }
  if (setup.mode !== 'noServer') {
    return [new library.WebSocketServer({ server: http, ...options }), http];
  }
  const wss = new library.WebSocketServer({ noServer: true, ...options });
  http.on('upgrade', (request, socket, head) => {
    wss.handleUpgrade(request, socket, head, (ws: Untyped) => wss.emit('connection', ws, request));
  });
  return [wss, http];
}

function attend(ws: Untyped, request: IncomingMessage): void {
  const events = eventsOf(request);
  events.push(`connection ${ws.protocol}`);
  ws.on('message', (data: Buffer) => events.push(`message ${data}`));
  ws.on('error', ({ code }: NodeJS.ErrnoException) => events.push(`error ${code}`));
  ws.on('close', (code: number) => events.push(`close ${code}`));
}

function refuse({ message }: Error, socket: Duplex, request: IncomingMessage): void {
  eventsOf(request).push(`wsClientError ${message}`);
  socket.once('finish', () => socket.destroy());
  socket.end('HTTP/1.1 418 Mine\r\n\r\n');
}

interface Read {
  request: IncomingMessage;
  /** It is no upgrade for `node:http`. */
  isPlain: boolean;
}

/** The request as `node:http` reads it; undefined if it reads none. */
function readRequest(bytes: Buffer): Promise<Read | undefined> {
  return new Promise((resolve) => {
    const [far, near] = wirePair();
    const http = createServer();
    const taker = (isPlain: boolean) => (request: IncomingMessage) => {
      resolve({ request, isPlain });
      far.destroy();
    };
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      http.on(event, taker(true));
    }
    http.on('upgrade', taker(false));
    near.on('close', () => resolve(undefined));
    far.on('error', () => {});
    http.emit('connection', near);
    far.end(bytes);
  });
}

async function play(name: Name, setup: Setup, chunks: Buffer[]): Promise<RequestOutcome> {
  const [far, near] = wirePair();
  const events: string[] = [];
  told.set(near, events);
  const peer = { received: Buffer.alloc(0), ended: false };
  far.on('data', (chunk: Buffer) => {
    peer.received = Buffer.concat([peer.received, chunk]);
  });
  far.on('end', () => {
    peer.ended = true;
  });
  far.on('error', () => {});
  const progress = (): number => peer.received.length + events.length - far.writableLength;
  serverFor(name, setup).emit('connection', near);
  await send(far, chunks);
  await settled(progress);
  const { ended } = peer;
  far.end();
  await until(() => near.destroyed, progress);
  return { ...describe(peer.received), ended, isGone: near.destroyed, events };
}

async function send(far: WireEnd, chunks: Buffer[]): Promise<void> {
  for (const chunk of chunks) {
    if (far.destroyed || far.readableEnded) return;
    far.write(Buffer.from(chunk));
    await turn();
  }
}

type Described = Omit<RequestOutcome, 'ended' | 'isGone' | 'events'>;

function describe(received: Buffer): Described {
  const text = received.toString('latin1');
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  const { fields = [] } = readHead(received) ?? {};
  const [status] = statuses;
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  return {
    statuses,
    body: status === 101 || statuses.length !== 1 ? '' : body,
    accept: valuesOf(fields, 'sec-websocket-accept'),
    protocol: valuesOf(fields, 'sec-websocket-protocol'),
    extensions: valuesOf(fields, 'sec-websocket-extensions').map(inOrder),
  };
}

/** The order of the parameters means nothing. */
const inOrder = (extension: string): string => {
  const [name, ...parameters] = extension.split('; ');
  return [name, ...parameters.sort()].join('; ');
};

async function run(random: SeededRandom): Promise<void> {
  const setup = random.pick(SETUPS);
  const head = oddRequest(random);
  const chunks = cut(Buffer.concat([head, FRAMES]), random);
  const ours = await play('ws6455', setup, chunks);
  const theirs = await play('ws', setup, chunks);
  if (isDeepStrictEqual(ours, theirs)) return;
  const read = await readRequest(head);
  if (read !== undefined && explainRequest({ ...read, setup, ours, theirs })) return;
  const what = `${JSON.stringify(head.toString('latin1'))} at the setup ${setup.name}`;
  same(ours, theirs, `ws6455 and ws, with no row in docs/from-ws.md: ${what}`);
}

export const requestsAgainstWs: Target = { name: 'requests-against-ws', usual: 300, run };
