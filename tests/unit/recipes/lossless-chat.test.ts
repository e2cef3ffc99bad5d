/** The chat of docs/recipes.md that loses nothing: its servers are killed, its connections are cut, its engine fails. */

import { connect, createServer, type Socket } from 'node:net';
import { beforeEach, expect, test } from '@jest/globals';
import * as library from '../../../src/reconnect.js';
import { encodeEnvelope } from '../../../src/server/envelope.js';
import { type Broker, type BrokerHistory, MemoryEngine } from '../../../src/topics/index.js';
import { useClock } from '../../support/clock.js';
import { SeededRandom } from '../../support/random.js';
import { programOf, runHere, serveHere, toPort } from '../../support/recipes.js';
import { type Scope, useScope } from '../../support/scope.js';
import type { ServerInstance } from '../../support/websockets.js';

const HEADING = 'A chat that loses nothing';
const CLIENTS = 4;
const ROUNDS = 30;

const scope = useScope();
const clock = useClock();

beforeEach(() => {
  clock.stop();
});

/** A process with the program of the server. */
class ServerProcess {
  private isDead = false;

  private constructor(
    readonly port: number,
    private readonly server: ServerInstance,
    private readonly tick: () => void,
  ) {}

  static async start(
    scope: Scope,
    engine: MemoryEngine,
    changes: Partial<BrokerHistory> = {},
  ): Promise<ServerProcess> {
    let tick = (): void => {};
    const isDead = () => process?.isDead ?? false;
    const { port, result } = await serveHere(scope, programOf(HEADING), {
      modules: {
        ioredis: class {},
        'ws6455/topics': { redis: () => mortal(engine.broker(), isDead, changes) },
      },
      globals: {
        setInterval: (callback: () => void) => {
          tick = callback;
        },
      },
      result: 'server',
    });
    const process: ServerProcess = new ServerProcess(port, result as ServerInstance, () => tick());
    scope.later(() => process.kill());
    return process;
  }

  sendPositions(): void {
    if (!this.isDead) this.tick();
  }

  /** Nothing of it reaches anybody any more. */
  kill(): void {
    this.isDead = true;
    for (const client of this.server.clients) client.terminate();
    this.server.close();
  }
}

/** The broker of a process that may be killed. */
function mortal(broker: Broker, isDead: () => boolean, changes: Partial<BrokerHistory>): Broker {
  const history = broker.history as BrokerHistory; // a broker in memory has one
  return {
    ...broker,
    start: (events) =>
      broker.start({ ...events, message: (...given) => isDead() || events.message(...given) }),
    history: {
      ...history,
      publish: async (...given) => {
        if (isDead()) throw new Error('killed');
        return history.publish(...given);
      },
      ...changes,
    },
  };
}

/** What the clients connect to: it leads to one of the servers. */
async function balancer(scope: Scope, servers: readonly ServerProcess[], random: SeededRandom) {
  const sockets = new Set<Socket>();
  const port = await scope.listen(
    createServer((socket) => {
      const { port } = random.pick(servers);
      const peer = connect(port, '127.0.0.1');
      for (const [one, other] of [
        [socket, peer],
        [peer, socket],
      ] as const) {
        sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    }),
  );
  const cut = (probability = 0.5) => {
    for (const socket of sockets) if (random.next() < probability) socket.destroy();
  };
  return { port, cut };
}

interface Client {
  readonly printed: string[];
  say(text: string): void;
  waiting(): number;
}

function startClient(port: number): Client {
  const { printed, result } = runHere(toPort(programOf(HEADING, 1), port), {
    modules: { 'ws6455/reconnect': library },
    result: '{ say, waiting: () => waiting.size }',
  });
  return { printed, ...(result as Omit<Client, 'printed'>) };
}

async function pass(milliseconds: number): Promise<void> {
  for (let i = 0; i < milliseconds / 500; i++) {
    clock.advance(500);
    await new Promise((go) => setTimeout(go, 2));
  }
}

test.each([1, 2])('every client has every message once: seed %i', async (seed) => {
  const random = new SeededRandom(seed);
  const engine = new MemoryEngine();
  const servers = [
    await ServerProcess.start(scope(), engine),
    await ServerProcess.start(scope(), engine),
  ];
  const { port, cut } = await balancer(scope(), servers, random);
  const clients = Array.from({ length: CLIENTS }, () => startClient(port));
  const said: string[] = [];
  const say = () => {
    const text = `message ${said.length}`;
    said.push(text);
    random.pick(clients).say(text);
  };
  await pass(10_000);
  let isUp = true;
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = random.integer(0, 5); i > 0; i--) say();
    const fault = random.next();
    if (fault < 0.3) cut();
    else if (fault < 0.5) {
      const index = random.integer(0, 1);
      servers[index]?.kill();
      servers[index] = await ServerProcess.start(scope(), engine);
    } else if (fault < 0.6) {
      if (isUp) engine.stop();
      else engine.restart();
      isUp = !isUp;
    } else if (fault < 0.8) for (const server of servers) server.sendPositions();
    await pass(random.integer(0, 8) * 500);
  }
  if (!isUp) engine.restart();
  for (let i = 0; i < 200 && clients.some((client) => !isDone(client)); i++) await pass(2_000);
  for (const { printed, waiting } of clients) {
    expect([...printed].sort()).toEqual([...said].sort());
    expect(waiting()).toBe(0);
  }
  function isDone({ printed, waiting }: Client): boolean {
    return waiting() === 0 && printed.length >= said.length;
  }
});

test('a client takes no position before its own `resume` was answered', async () => {
  const engine = new MemoryEngine();
  const broker = engine.broker();
  const answers: (() => void)[] = [];
  let isHeld = false;
  const since: BrokerHistory['since'] = async (...given) => {
    if (isHeld) await new Promise<void>((go) => answers.push(go));
    return (broker.history as BrokerHistory).since(...given); // a broker in memory has one
  };
  const server = await ServerProcess.start(scope(), engine, { since });
  const { port, cut } = await balancer(scope(), [server], new SeededRandom(1));
  const client = startClient(port);
  client.say('first');
  await pass(10_000);
  expect(client.printed).toEqual(['first']);
  cut(1);
  await broker.history?.publish('chat', envelopeOf('missed'), {
    publisher: 'x',
    sequence: 1,
    size: 1000,
    ttl: 1e6,
  });
  isHeld = true;
  for (let i = 0; i < 20 && answers.length === 0; i++) await pass(2_000);
  server.sendPositions();
  await pass(500);
  cut(1);
  isHeld = false;
  for (const answer of answers) answer();
  for (let i = 0; i < 50 && client.printed.length < 2; i++) await pass(2_000);
  expect(client.printed).toEqual(['first', 'missed']);
});

/** A message of another server. */
function envelopeOf(text: string): Buffer {
  const options = { binary: false };
  const payload = Buffer.from(JSON.stringify({ message: { id: text, text } }));
  return encodeEnvelope({ node: 'n'.repeat(16), union: 0, histories: [], payload, options });
}
