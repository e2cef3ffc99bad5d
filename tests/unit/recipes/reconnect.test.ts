/** The client of docs/recipes.md that connects again, and a server to which everything happens. */

import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as reconnectModule from '../../../src/reconnect.js';
import { useClock } from '../../support/clock.js';
import { closePayload, frame, OPCODE } from '../../support/frames.js';
import { type HttpMessage, Inbox, turns, until } from '../../support/inbox.js';
import { programOf, runHere, toPort } from '../../support/recipes.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const clock = useClock();
const before = { ...process.env };

beforeEach(() => {
  clock.stop();
  clock.useRandom(() => 0.5);
});

afterEach(() => {
  process.env = { ...before };
});

const REFUSALS = {
  401: 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n',
  503: 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n',
} as const;

/** The program, and what its server sees. */
class Market {
  readonly inboxes: Inbox[] = [];
  printed: string[] = [];
  private seen = 0;

  async start(): Promise<void> {
    for (const name of Object.keys(process.env))
      if (/_proxy$/i.test(name)) delete process.env[name];
    const server = createServer((socket: Socket) => this.inboxes.push(new Inbox(socket)));
    const port = await scope().listen(server);
    const program = toPort(programOf('Client that connects again'), port);
    const modules = { 'ws6455/reconnect': reconnectModule };
    this.printed = runHere(program, { modules }).printed;
  }

  /** The request of the next attempt. */
  async attempt(): Promise<[Inbox, HttpMessage]> {
    await until(() => this.inboxes.length > this.seen, 'an attempt');
    const inbox = this.inboxes[this.seen++] as Inbox; // just seen
    return [inbox, await inbox.message()];
  }

  async refuse(status: keyof typeof REFUSALS): Promise<string> {
    const [inbox, request] = await this.attempt();
    inbox.stream.end(REFUSALS[status]);
    await turns();
    return tokenOf(request);
  }

  /** Accepts, and waits for the subscription. */
  async accept(): Promise<Inbox> {
    const [inbox, request] = await this.attempt();
    inbox.stream.write(upgradeResponse(keyOf(request)));
    expect((await inbox.frame()).payload.toString()).toBe('subscribe BTC ETH');
    return inbox;
  }

  /** Lets time pass until the next attempt. @returns how many seconds that took */
  async wait(): Promise<number> {
    for (let seconds = 0; seconds < 300; seconds++) {
      await turns(20);
      if (this.inboxes.length > this.seen) return seconds;
      clock.advance(1000);
    }
    throw new Error('no attempt came');
  }

  async print(inbox: Inbox, price: string): Promise<void> {
    inbox.stream.write(frame({ payload: price }));
    await until(() => this.printed.includes(price), 'the price');
  }
}

const tokenOf = (request: HttpMessage): string => request.all('Authorization').join();

async function start(): Promise<Market> {
  const market = new Market();
  process.env['TOKEN'] = 'first';
  await market.start();
  return market;
}

describe('client that connects again', () => {
  test('has a new token after 401', async () => {
    const market = await start();
    expect(await market.refuse(401)).toBe('Bearer first');
    process.env['TOKEN'] = 'second';
    await market.wait();
    expect(await market.refuse(401)).toBe('Bearer second');
    await market.wait();
    const inbox = await market.accept();
    await market.print(inbox, 'BTC 1');
  });

  test('waits after 503 as long as the server asks', async () => {
    const market = await start();
    await market.refuse(503);
    expect(await market.wait()).toBeGreaterThanOrEqual(40);
    await market.print(await market.accept(), 'BTC 2');
  });

  test('subscribes again after the server was killed', async () => {
    const market = await start();
    const inbox = await market.accept();
    await market.print(inbox, 'BTC 3');
    inbox.stream.destroy();
    await market.wait();
    await market.print(await market.accept(), 'BTC 4');
  });

  test('leaves a server that is silent', async () => {
    const market = await start();
    await market.accept(); // and never a Pong
    expect(await market.wait()).toBeGreaterThanOrEqual(30);
    await market.print(await market.accept(), 'BTC 5');
  });

  test('comes back when the server that restarts says', async () => {
    const market = await start();
    const inbox = await market.accept();
    const payload = closePayload(1012, 'deploy; retry-after=60');
    inbox.stream.write(frame({ opcode: OPCODE.CLOSE, payload }));
    await inbox.frame();
    inbox.stream.end();
    expect(await market.wait()).toBeGreaterThanOrEqual(60);
    await market.print(await market.accept(), 'BTC 6');
  });

  test('gives up when it makes no sense', async () => {
    const market = await start();
    const [inbox] = await market.attempt();
    inbox.stream.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    await until(() => market.printed.length > 0, 'the report');
    expect(market.printed).toEqual([expect.stringMatching(/^gave up: .*404/)]);
  });
});
