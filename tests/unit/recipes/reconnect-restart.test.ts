/** The client of docs/recipes.md that connects again: a port that is closed for a while, a stalled server, a proxy. */

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as library from '../../../src/reconnect.js';
import { useClock } from '../../support/clock.js';
import { httpProxy } from '../../support/proxy-server.js';
import { QuoteServer } from '../../support/quote-server.js';
import { programOf, type RunningHere, runHere, toPort } from '../../support/recipes.js';
import { useScope } from '../../support/scope.js';

const SUBSCRIPTION = 'subscribe BTC ETH';

const scope = useScope();
const clock = useClock();
const { env } = process;

beforeEach(() => {
  clock.stop();
  clock.useRandom(() => 0.5);
  process.env = { NO_PROXY: '*' };
});

afterEach(() => {
  process.env = env;
});

function start({ port }: QuoteServer): RunningHere {
  const program = toPort(programOf('Client that connects again'), port);
  return runHere(program, { modules: { 'ws6455/reconnect': library } });
}

/** Time passes until something is so: 20 times as fast as it does. */
async function eventually(isDone: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 2000; turn++) {
    if (isDone()) return;
    await new Promise((go) => setTimeout(go, 5));
    clock.advance(100);
  }
  throw new Error(`waited in vain for ${what}`);
}

/** The client has subscribed for the nth time, and gets a quote. */
async function expectQuote(server: QuoteServer, { printed }: RunningHere, n: number) {
  await eventually(() => server.subscriptions.length === n, `subscription ${n}: ${printed}`);
  expect(server.subscriptions.at(-1)).toBe(SUBSCRIPTION);
  server.send(`quote ${n}`);
  await eventually(() => printed.at(-1) === `quote ${n}`, `quote ${n}`);
}

/** The server has finished, and so has the client. */
async function finish(server: QuoteServer, { printed }: RunningHere): Promise<void> {
  server.close(1000);
  await eventually(() => server.sockets.size === 0, 'the end');
  await eventually(() => clock.timerCount === 0, 'the end of all timers');
  expect(printed.filter((line) => !line.startsWith('quote '))).toEqual([]);
}

test('it survives a server that is killed, and restarted on the same port', async () => {
  const server = await QuoteServer.start(scope());
  const client = start(server);
  await expectQuote(server, client, 1);
  await server.kill();
  await eventually(() => clock.elapsed > 20_000, 'some attempts in vain');
  await server.start();
  await expectQuote(server, client, 2);
  await finish(server, client);
});

test('it leaves a server that is stalled', async () => {
  const server = await QuoteServer.start(scope());
  const client = start(server);
  await expectQuote(server, client, 1);
  server.stall();
  await expectQuote(server, client, 2);
  expect(clock.elapsed).toBeGreaterThanOrEqual(30_000);
  await finish(server, client);
});

test('it goes through the proxy of the environment each time', async () => {
  const server = await QuoteServer.start(scope());
  const proxy = await httpProxy(scope());
  process.env = { http_proxy: `http://127.0.0.1:${proxy.port}`, no_proxy: 'a.test' };
  const client = start(server);
  await expectQuote(server, client, 1);
  await server.kill();
  await eventually(() => proxy.requests.length === 3, 'attempts that the proxy answers with 502');
  await server.start();
  await expectQuote(server, client, 2);
  expect(new Set(proxy.requests.map(({ url }) => url))).toEqual(
    new Set([`localhost:${server.port}`]),
  );
  await finish(server, client);
});
