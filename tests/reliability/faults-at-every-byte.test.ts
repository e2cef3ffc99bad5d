/**
 * A client and a server of ours talk over a link that fails behind every byte of their dialogue, the
 * opening handshake included, in each direction. Rows C13, D8, F14 and H15 of THREATS.md.
 */
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, jest, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { poolTurn } from '../conformance/compressed-scene.js';
import { settled } from '../conformance/turns.js';
import { useClock } from '../support/clock.js';
import { DIRECTIONS, FAULTS, type FaultOptions, FaultyLink } from '../support/faulty-link.js';
import { useScope } from '../support/scope.js';
import type { ClientOptions, ServerInstance, WebSocketInstance } from '../support/websockets.js';

jest.setTimeout(60_000);

const scope = useScope();
const clock = useClock();

const HANDSHAKE_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 30_000;
/** How long a client waits for the server to close TCP. docs/closing.md */
const LINGER = 1000;

/** One side: what it sent, what it was settled, and what became of its sends. */
class Side {
  readonly sent: string[] = [];
  readonly events: string[] = [];
  readonly callbacks: number[] = [];
  ws: WebSocketInstance | undefined;

  attach(ws: WebSocketInstance): void {
    this.ws = ws;
    ws.on('message', (data) => this.events.push(`message ${data}`));
    ws.on('error', () => this.events.push('error'));
    ws.on('close', (code: number) => this.events.push(`close ${code}`));
  }

  /** Sends a message in as many frames as it has parts. */
  send(...parts: string[]): void {
    this.sent.push(`message ${parts.join('')}`);
    for (const [i, part] of parts.entries()) {
      const index = this.callbacks.push(0) - 1;
      this.ws?.send(part, { fin: i === parts.length - 1 }, () => {
        this.callbacks[index] = (this.callbacks[index] ?? 0) + 1;
      });
    }
  }

  get received(): string[] {
    return this.events.filter((event) => event.startsWith('message'));
  }
}

/** The client sends three messages and a Ping, the server answers each, then the client closes. */
class Play {
  readonly client = new Side();
  readonly server = new Side();
  readonly link: FaultyLink;

  constructor(
    readonly options: FaultOptions,
    deflate: boolean,
  ) {
    this.link = new FaultyLink(options);
    const client = new WebSocket('ws://server.example.com/', {
      createConnection: () => this.link.client,
      perMessageDeflate: deflate,
      handshakeTimeout: HANDSHAKE_TIMEOUT,
      closeTimeout: CLOSE_TIMEOUT,
    } as ClientOptions);
    this.client.attach(client);
    client.on('open', () => this.begin());
    client.on('message', () => {
      if (this.client.received.length === 3) client.close(1000, 'bye');
    });
  }

  private begin(): void {
    this.client.send('one');
    this.client.ws?.ping('?');
    this.client.send('two, ', 'in ', 'three fragments');
    this.client.send('three '.repeat(30));
  }

  /** The server has accepted the client. */
  welcome(ws: WebSocketInstance): void {
    this.server.attach(ws);
    ws.on('message', (data) => this.server.send(`${String(data).length} characters`));
  }

  get sides(): Side[] {
    return [this.client, this.server];
  }

  /** Grows with all that happens. */
  get progress(): number {
    const { passed } = this.link;
    const events = this.client.events.length + this.server.events.length;
    return events + passed['client to server'] + passed['server to client'];
  }
}

/** What is wrong after a play; whatever happened to the link, nothing is. */
function mistakesOf(play: Play): string[] {
  const { sides, client, server, link, options } = play;
  const mistakes = [...sides.flatMap(mistakesOfSide), ...lossOf(server, client)];
  mistakes.push(...lossOf(client, server));
  if (!link.client.destroyed) mistakes.push('the socket of the client is left');
  if (server.ws !== undefined && !link.server.destroyed) {
    mistakes.push('the socket of the server is left');
  }
  const where = `${options.fault} behind byte ${options.after}, ${options.direction}`;
  return mistakes.map((mistake) => `${where}: ${mistake}`);
}

function mistakesOfSide({ ws, events, callbacks }: Side): string[] {
  if (ws === undefined) return events;
  const closes = events.filter((event) => event.startsWith('close')).length;
  const errors = events.filter((event) => event === 'error').length;
  const isLast = events.at(-1)?.startsWith('close') === true;
  return [
    ...(closes === 1 && isLast && errors <= 1 ? [] : [`events: ${events.join(', ')}`]),
    ...(callbacks.every((times) => times === 1) ? [] : [`calls of callbacks: ${callbacks}`]),
  ];
}

/** What arrives was sent, once and in order; behind a Close of the sender nothing is missing. */
function lossOf({ received, events }: Side, { sent }: Side): string[] {
  const due = events.includes('close 1000') ? sent : sent.slice(0, received.length);
  const isExact = received.length === due.length && due.every((one, i) => one === received[i]);
  return isExact ? [] : [`received: ${received.join(', ')}`];
}

/** Nothing moves any more, in the pool of threads either. */
async function allSettled(plays: readonly Play[], deflate: boolean): Promise<void> {
  const progress = (): number => plays.reduce((sum, play) => sum + play.progress, 0);
  for (let before = Number.NaN; before !== progress(); ) {
    before = progress();
    for (let i = 0; i < 3; i++) {
      if (deflate) await poolTurn();
      await settled(progress);
    }
  }
}

describe.each([false, true])('with compression: %s', (deflate) => {
  const plays = new Map<Duplex, Play>();
  let http: Server;
  let wss: ServerInstance;

  function openServer(): void {
    http = createServer();
    const perMessageDeflate = deflate && { threshold: 0 };
    const options = { server: http, perMessageDeflate, closeTimeout: CLOSE_TIMEOUT };
    wss = new WebSocket.WebSocketServer(options);
    wss.on('connection', (ws: WebSocketInstance, { socket }) => plays.get(socket)?.welcome(ws));
    scope().later(() => wss.close());
    clock.stop();
  }

  function start(options: FaultOptions): Play {
    const play = new Play(options, deflate);
    plays.set(play.link.server, play);
    scope().later(() => play.link.destroy());
    http.emit('connection', play.link.server);
    return play;
  }

  /** Plays them all to the end. What stalls is closed by its program, as with a heartbeat. */
  async function finish(all: readonly Play[]): Promise<void> {
    await allSettled(all, deflate);
    clock.advance(HANDSHAKE_TIMEOUT + CLOSE_TIMEOUT);
    await allSettled(all, deflate);
    const stalled = all.filter(({ options }) => options.fault === 'stall');
    for (const { sides } of stalled) for (const { ws } of sides) ws?.close();
    await allSettled(all, deflate);
    clock.advance(CLOSE_TIMEOUT + LINGER);
    await allSettled(all, deflate);
    expect(all.flatMap(mistakesOf)).toEqual([]);
    expect([wss.clients.size, clock.timerCount]).toEqual([0, 0]);
  }

  const whole: FaultOptions = {
    fault: 'cut',
    direction: 'client to server',
    after: Number.POSITIVE_INFINITY,
  };

  test('without a fault everything arrives', async () => {
    openServer();
    const play = start(whole);
    await finish([play]);
    const { client, server } = play;
    expect([client.received.length, server.received.length]).toEqual([3, 3]);
    expect([client.events.at(-1), server.events.at(-1)]).toEqual(['close 1000', 'close 1000']);
  });

  for (const direction of DIRECTIONS) {
    test.each(FAULTS)(`%s behind every byte, ${direction}`, async (fault) => {
      openServer();
      const complete = start(whole);
      await finish([complete]);
      const length = complete.link.passed[direction];
      expect(length).toBeGreaterThan(150);
      const places = Array.from({ length: length + 1 }, (_, after) => after);
      await finish(places.map((after) => start({ fault, direction, after })));
    });
  }
});
