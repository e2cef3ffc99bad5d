/** Random operations on one WebSocket, beside a model: nothing is lost, nothing comes twice, all in order, and every loop ends. */

import { expect, test } from '@jest/globals';
import { useClock } from '../../support/clock.js';
import { close, text, useConnections } from '../../support/connections.js';
import { turns } from '../../support/inbox.js';
import { randomCuts, SeededRandom } from '../../support/random.js';
import { useScope } from '../../support/scope.js';
import { ROLES, type Role, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const openConnection = useConnections(scope);

const RUNS = 40;
const STEPS = 40;

/** One program that takes messages in every way there is, one way at a time. */
class Program {
  readonly taken: number[] = [];
  private iterator: ReturnType<WebSocketInstance['messages']> | undefined;
  private isListeningOnce = false;
  /** How many promises of `next` are pending. */
  waiting = 0;
  private abort = new AbortController();
  private listener: ((data: unknown) => void) | undefined;

  constructor(
    private readonly ws: WebSocketInstance,
    private readonly random: SeededRandom,
  ) {}

  get hasTaker(): boolean {
    return this.iterator !== undefined || this.listener !== undefined || this.isListeningOnce;
  }

  iterate(): void {
    if (this.hasTaker) return;
    const highWaterMark = this.random.integer(1, 8);
    this.abort = new AbortController();
    this.iterator = this.ws.messages({ highWaterMark, signal: this.abort.signal });
  }

  next(): void {
    const { iterator } = this;
    if (iterator === undefined) return;
    const end = () => {
      if (this.iterator === iterator) this.iterator = undefined;
    };
    this.waiting++;
    iterator
      .next()
      .then(({ value, done }) => (done ? end() : this.taken.push(Number(value.data))), end)
      .finally(() => this.waiting--);
  }

  async leave(): Promise<void> {
    const { iterator } = this;
    this.iterator = undefined;
    if (this.random.next() < 0.5) this.abort.abort();
    await iterator?.return?.();
  }

  listen(): void {
    if (this.hasTaker) return;
    const listener = (data: unknown) => this.taken.push(Number(String(data)));
    this.listener = listener;
    this.ws.on('message', listener);
  }

  once(): void {
    if (this.hasTaker) return;
    this.isListeningOnce = true;
    this.ws.once('message', (data) => {
      this.isListeningOnce = false;
      this.taken.push(Number(String(data)));
    });
  }

  /** A listener that leaves begins an iteration in the same tick, or what follows is lost as ever. */
  unlisten(): void {
    if (this.listener === undefined) return;
    const { listener } = this;
    this.listener = undefined;
    this.iterate();
    this.ws.removeListener('message', listener);
  }
}

async function run(role: Role, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const { ws, wire } = await openConnection(role);
  ws.removeAllListeners('message');
  const program = new Program(ws, random);
  program.iterate();
  let sent = 0;
  const arrive = (bytes: Buffer) => {
    for (const chunk of randomCuts(bytes, random, 16)) wire.arrive(chunk);
  };
  const send = () =>
    arrive(
      Buffer.concat(Array.from({ length: random.integer(1, 6) }, () => text(role, `${sent++}`))),
    );
  const steps = [
    send,
    send,
    () => program.iterate(),
    () => program.next(),
    () => program.next(),
    () => program.next(),
    () => program.leave(),
    () => program.listen(),
    () => program.once(),
    () => program.unlisten(),
    () => ws.pause(),
    () => ws.resume(),
    () => turns(random.integer(1, 3)),
    () => turns(2),
  ];
  for (let i = 0; i < STEPS; i++) await random.pick(steps)();
  // The peer closes. What it sent before is still to be taken.
  arrive(close(role, random.pick([1000, 4000])));
  ws.resume();
  for (let i = 0; i < sent + 2; i++) {
    program.iterate();
    program.next();
    await turns(4);
  }
  wire.finish();
  wire.destroy();
  await turns(10);
  expect({ seed, taken: program.taken }).toEqual({ seed, taken: [...Array(sent).keys()] });
  expect({ seed, waiting: program.waiting }).toEqual({ seed, waiting: 0 });
}

test.each(ROLES)('a %s delivers each message once, in order, whatever takes it', async (role) => {
  clock.stop();
  for (let seed = 1; seed <= RUNS; seed++) await run(role, seed);
});
