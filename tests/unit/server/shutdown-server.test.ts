/** shutdown() of a WebSocketServer: clients, refusals, http servers. */

import { createServer } from 'node:http';
import { expect, test } from '@jest/globals';
import { useClock } from '../../support/clock.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import {
  connectPair,
  type Loose,
  memoryServer,
  next,
  recordEvents,
  type ServerInstance,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

/** Notes the status and Retry-After of the refusal that a client gets. */
async function refusalOf(client: WebSocketInstance): Promise<string> {
  client.on('error', () => {});
  const [, response] = await next<[unknown, { statusCode: number; headers: Loose }]>(
    client,
    'unexpected-response',
  );
  client.terminate();
  return [
    response.statusCode,
    response.headers['retry-after'],
    response.headers['connection'],
  ].join(' ');
}

async function reportOf(server: ServerInstance, options?: Loose) {
  let report: unknown;
  void server.shutdown(options).then((result) => {
    report = result;
  });
  await until(() => report !== undefined, 'the report');
  return report;
}

test('a client receives what was sent before, then the Close; the report counts it', async () => {
  const { wss, client, ws } = await connectPair(scope());
  const events = recordEvents(client);
  for (let i = 0; i < 3; i++) ws.send(`message ${i}`);
  const report = await reportOf(wss, { code: 1012, reason: 'deploy' });
  expect(report).toMatchObject({ closed: 1, clean: 1, terminated: 0, refused: 0 });
  await until(() => events.length === 4, 'four events');
  expect(events).toEqual([
    'message message 0',
    'message message 1',
    'message message 2',
    'close 1012 deploy',
  ]);
});

test('state and the event say how far it is', async () => {
  const { wss } = await connectPair(scope());
  const states: string[] = [wss.state];
  wss.on('draining', () => states.push(wss.state));
  wss.on('close', () => states.push(wss.state));
  await reportOf(wss);
  expect(states).toEqual(['open', 'draining', 'closed']);
});

test('a client that does not answer is dropped at the deadline', async () => {
  clock.stop();
  const { wss, ws, wires } = await connectPair(scope());
  wires[0].pause();
  wires[0].removeAllListeners('data');
  let ended = false;
  void wss.shutdown({ timeout: 5000 }).then(({ terminated, clean }) => {
    ended = terminated === 1 && clean === 0;
  });
  await turns();
  clock.advance(4999);
  await turns();
  expect(ws.readyState).toBe(2);
  clock.advance(1);
  await until(() => ended, 'the report');
});

test('clients are accepted during lameDuck, then refused with 503 and Retry-After', async () => {
  clock.stop();
  const { http, connect } = memoryServer(scope());
  const wss = serve(scope(), { server: http });
  const done = wss.shutdown({ lameDuck: 1000, retryAfter: 17.2 });
  const client = connect();
  await next(client, 'open');
  clock.advance(1000);
  expect((await next<[number, Buffer]>(client, 'close')).join(' ')).toBe('1001 retry-after=17.2');
  const late = connect();
  late.on('error', () => {});
  await done;
});

test('a client that comes while connections are closed is refused with Retry-After', async () => {
  clock.stop();
  const { http, connect } = memoryServer(scope());
  const wss = serve(scope(), { server: http });
  const clients = [connect(), connect()];
  await Promise.all(clients.map((client) => next(client, 'open')));
  let refused = 0;
  void wss.shutdown({ spread: 10_000, retryAfter: 3.2 }).then((report) => {
    refused = report.refused;
  });
  expect(await refusalOf(connect())).toBe('503 4 close');
  clock.advance(5000);
  await until(() => refused === 1, 'the report');
});

test('a client that waits for verifyClient is refused, and counted', async () => {
  const { http, connect } = memoryServer(scope());
  const wss = serve(scope(), { server: http, verifyClient: () => new Promise(() => {}) });
  const refusal = refusalOf(connect());
  await turns();
  const report = await reportOf(wss, { retryAfter: 1 });
  expect(report).toMatchObject({ refused: 1 });
  expect(await refusal).toBe('503 1 close');
});

test('the http server of the option server keeps listening', async () => {
  const http = createServer((_, response) => response.end('app'));
  await scope().listen(http);
  const wss = serve(scope(), { server: http });
  await reportOf(wss);
  expect(http.listening).toBe(true);
});

test('a second call returns the same promise', async () => {
  const { wss } = await connectPair(scope());
  const first = wss.shutdown();
  expect(wss.shutdown({ timeout: 0 })).toBe(first);
  await first;
});

test('Symbol.asyncDispose closes a server that knows no clients', async () => {
  const wss = serve(scope(), { port: 0, host: '127.0.0.1', clientTracking: false });
  await next(wss, 'listening');
  await wss[Symbol.asyncDispose]();
  expect([wss.state, wss.address()]).toEqual(['closed', null]);
  await wss[Symbol.asyncDispose]();
});

test('Symbol.asyncDispose shuts down', async () => {
  const { wss } = await connectPair(scope());
  await wss[Symbol.asyncDispose]();
  expect(wss.state).toBe('closed');
});

test('an option that makes no sense throws, and nothing is shut down', async () => {
  const { wss } = await connectPair(scope());
  expect(() => wss.shutdown({ timeout: -1 })).toThrow(RangeError);
  expect(wss.state).toBe('open');
});

test('without clientTracking it throws: the connections are not known', () => {
  const wss = serve(scope(), { noServer: true, clientTracking: false });
  expect(() => wss.shutdown()).toThrow('clientTracking');
});

test('after close() there is no lame duck: nobody is accepted that it could wait for', async () => {
  clock.stop();
  const { wss, client } = await connectPair(scope());
  const closed = next<[number]>(client, 'close');
  wss.close();
  const report = reportOf(wss, { lameDuck: 60_000, timeout: 90_000 });
  expect((await closed)[0]).toBe(1001);
  expect(await report).toMatchObject({ closed: 1, clean: 1, terminated: 0 });
});
