/** The servers of docs/recipes.md that run in the process of the test. */

import { afterEach, describe, expect, jest, test } from '@jest/globals';
import ts from 'typescript';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { frame, KEY, OPCODE, readFrames } from '../../support/frames.js';
import { Inbox, until } from '../../support/inbox.js';
import { programOf, serveHere } from '../../support/recipes.js';
import { type RequestParts, upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { type Loose, next, recordEvents } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
afterEach(() => {
  jest.restoreAllMocks();
});

const serve = (heading: string) => serveHere(scope(), programOf(heading));

/** A client, and what it has received. */
async function connect(port: number, path = '/', options: Loose = {}) {
  const ws = scope().track(new WebSocket(`ws://127.0.0.1:${port}${path}`, options));
  const events = recordEvents(ws);
  await until(() => events.length > 0, 'the client to connect');
  return { ws, events };
}

type Client = Awaited<ReturnType<typeof connect>>;

/** Waits until each client has received a message `last`. */
function received(last: string, ...clients: Client[]): Promise<void> {
  const hasCome = ({ events }: Client) => events.includes(`message ${last}`);
  return until(
    () => clients.every(hasCome),
    () => `${last}: ${JSON.stringify(clients.map(({ events }) => events))}`,
  );
}

/** A handshake byte by byte. */
async function ask(port: number, parts: RequestParts): Promise<Inbox> {
  const socket = await scope().connect(port);
  socket.write(upgradeRequest(parts));
  return new Inbox(socket);
}

async function statusOf(port: number, parts: RequestParts): Promise<number> {
  const { status } = await (await ask(port, parts)).message();
  return status;
}

describe('every server of a port', () => {
  test('reports a peer that breaks a rule, and goes on', async () => {
    const { port, printed } = await serve('Echo server');
    const inbox = await ask(port, {});
    expect((await inbox.message()).status).toBe(101);
    inbox.stream.write(frame({ payload: 'not masked' }));
    await until(() => printed.length > 0, 'the report');
    expect(printed).toEqual([expect.stringMatching(/^a connection failed: .*mask/i)]);
    const { ws, events } = await connect(port);
    ws.send('hello');
    await until(() => events.length > 1, 'the echo');
    expect(events).toEqual(['open', 'message hello']);
  });

  test('reports that it cannot listen', async () => {
    const { port } = await serve('Echo server');
    const occupied = programOf('Echo server').replace('port: 8080', `port: ${port}`);
    const listens = new Function('require', 'console', occupied);
    const printed: string[] = [];
    listens(() => WebSocket, { error: (line: string) => printed.push(line) });
    await until(() => printed.length > 0, 'the report');
    expect(printed).toEqual([expect.stringMatching(/^cannot listen: listen EADDRINUSE/)]);
  });
});

test('the echo server sends text as text and binary data as binary data', async () => {
  const { port } = await serve('Echo server');
  const { ws } = await connect(port);
  for (const [data, isBinary] of [
    ['grüß dich', false],
    [Buffer.of(0, 255), true],
  ] as const) {
    ws.send(data);
    expect(await next(ws, 'message')).toEqual([Buffer.from(data), isBinary]);
  }
});

test('the broadcast reaches every client but the sender', async () => {
  const { port } = await serve('Broadcast');
  const [ada, ben, eve] = [await connect(port), await connect(port), await connect(port)];
  ada.ws.send('from Ada');
  ben.ws.send('from Ben');
  await received('from Ada', ben, eve);
  await received('from Ben', ada, eve);
  expect(ada.events).toEqual(['open', 'message from Ben']);
});

test('the members of a room hear each other, and nobody else', async () => {
  const { port } = await serve('Chat with rooms');
  const [ada, ben] = [
    await connect(port, '/rooms/tea'),
    await connect(port, '/rooms/tea?name=Ben'),
  ];
  const eve = await connect(port, '/rooms/coffee');
  ada.ws.send('milk?');
  await received('milk?', ada, ben);
  eve.ws.send('sugar?');
  await received('sugar?', eve);
  ben.ws.send('no');
  await received('no', ada, ben);
  expect(eve.events).toEqual(['open', 'message sugar?']);
  expect(ada.events).toEqual(['open', 'message milk?', 'message no']);
  expect(await statusOf(port, { target: '/tea' })).toBe(404);
});

test('a session cookie is needed, from a page of this site', async () => {
  const { port } = await serve('Cookie authentication');
  const cookie: [string, string] = ['Cookie', 'theme=dark; session=4f1c'];
  const own: [string, string] = ['Origin', 'https://app.example.com'];
  expect(await statusOf(port, { add: [own] })).toBe(401);
  expect(await statusOf(port, { add: [['Cookie', 'session=0']] })).toBe(401);
  expect(await statusOf(port, { add: [cookie, ['Origin', 'https://attacker.example']] })).toBe(403);
  const inbox = await ask(port, { add: [cookie, own] });
  expect((await inbox.message()).status).toBe(101);
  expect((await inbox.frame()).payload.toString()).toBe('Hello, Ada');
});

test('several endpoints, and plain HTTP, on one port', async () => {
  const { port } = await serve('Several endpoints on one port');
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: 'close' } });
  expect(await response.text()).toBe('a page');
  const echo = await connect(port, '/echo');
  echo.ws.send('hello');
  await received('hello', echo);
  const stats = await connect(port, '/stats');
  await until(() => stats.events.length > 1, 'the statistics');
  expect(stats.events[1]).toMatch(/^message \{"connections":2,/);
  echo.ws.send(Buffer.alloc(64 * 1024 + 1));
  await until(() => echo.events.some((event) => event.startsWith('close 1009')), 'the limit');
  expect(await statusOf(port, { target: '/other' })).toBe(404);
});

test('a slow reader skips values and gets the newest, a fast one gets all', async () => {
  const ticks: (() => void)[] = [];
  const setInterval = (tick: () => void) => ticks.push(tick);
  const stringify = (value: object) => JSON.stringify({ ...value, pad: 'x'.repeat(9_000) });
  let price = 0;
  jest.spyOn(Math, 'random').mockImplementation(() => ++price);
  const { port } = await serveHere(scope(), programOf('Live values for slow readers'), {
    globals: { setInterval, JSON: { stringify } },
  });
  const [slow, fast] = [await ask(port, {}), await connect(port)];
  await slow.message();
  slow.stream.pause();
  const count = 1_000; // more than the buffers of the sockets hold
  for (let i = 0; i < count; i++) {
    ticks[0]?.();
    await until(() => fast.events.length === 1 + 2 * (i + 1), 'the values');
  }
  slow.stream.resume();
  const values = () =>
    readFrames(slow.peek()).frames.map(({ payload }) => JSON.parse(payload.toString()));
  await until(() => slow.peek().includes(`"price":${2 * count},`), 'the newest value', 10_000);
  await until(() => readFrames(slow.peek()).rest.length === 0, 'the rest of it');
  expect(values().slice(-2)).toMatchObject([
    { name: 'tea', price: 2 * count - 1 },
    { name: 'coffee', price: 2 * count },
  ]);
  expect(values().length).toBeLessThan(2 * count);
});

test('a TypeScript server greets the user of the token', async () => {
  const { outputText } = ts.transpileModule(programOf('TypeScript'), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const { port } = await serveHere(scope(), outputText, { globals: { exports: {} } });
  expect(await statusOf(port, {})).toBe(401);
  const ada = await connect(port, '/', { headers: { Authorization: 'Bearer 7d0a' } });
  await received('Hello, Ada', ada);
});

test('behind a proxy the address is that of the client, and limits count it', async () => {
  const { port } = await serve('Behind nginx');
  const from = (address: string): RequestParts => ({
    add: [['X-Forwarded-For', `198.51.100.1, ${address}`]],
  });
  const inbox = await ask(port, from('203.0.113.7'));
  expect((await inbox.message()).status).toBe(101);
  expect((await inbox.frame()).payload.toString()).toBe('Your address is 203.0.113.7');
  for (let i = 1; i < 20; i++) expect(await statusOf(port, from('203.0.113.7'))).toBe(101);
  expect(await statusOf(port, from('203.0.113.7'))).toBe(429);
  expect(await statusOf(port, from('203.0.113.8'))).toBe(101);
});

describe('heartbeat', () => {
  async function silentPeer() {
    clock.stop();
    const { port, printed } = await serve('Heartbeat');
    const inbox = await ask(port, {});
    expect((await inbox.message()).status).toBe(101);
    clock.advance(37_500); // the interval, and a quarter more
    const { opcode, payload } = await inbox.frame();
    expect(opcode).toBe(OPCODE.PING);
    return { inbox, printed, payload };
  }

  test('drops a peer that does not answer', async () => {
    const { inbox, printed } = await silentPeer();
    clock.advance(30_000); // the timeout, and half of it more
    await until(() => inbox.closed || inbox.ended, 'the connection to end');
    await until(() => printed.length > 0, 'the report');
    expect(printed).toEqual([expect.stringMatching(/^dropped: silent for \d+ ms$/)]);
  });

  test('keeps a peer that answers', async () => {
    const { inbox, printed, payload } = await silentPeer();
    inbox.stream.write(frame({ opcode: OPCODE.PONG, payload, mask: KEY }));
    inbox.stream.write(frame({ opcode: OPCODE.PING, payload: 'still here', mask: KEY }));
    expect((await inbox.frame()).opcode).toBe(OPCODE.PONG);
    clock.advance(20_000);
    inbox.stream.write(frame({ opcode: OPCODE.PING, payload: 'and now', mask: KEY }));
    let answer = await inbox.frame();
    while (answer.opcode === OPCODE.PING) answer = await inbox.frame();
    expect([answer.opcode, answer.payload.toString()]).toEqual([OPCODE.PONG, 'and now']);
    expect(printed).toEqual([]);
  });
});
