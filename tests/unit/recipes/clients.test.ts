/** The clients of docs/recipes.md that run in the process of the test. */

import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { WebSocket as standardClass } from '../../../src/standard/index.js';
import { useClock } from '../../support/clock.js';
import { frame, OPCODE } from '../../support/frames.js';
import { Inbox, until } from '../../support/inbox.js';
import { httpProxy } from '../../support/proxy-server.js';
import { programOf, runHere, serveHere, toPort } from '../../support/recipes.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import type { WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
afterEach(() => {
  jest.restoreAllMocks();
});

/** A server that does only what the test says. */
async function listen(): Promise<{ port: number; inboxes: Inbox[] }> {
  const inboxes: Inbox[] = [];
  const server = createServer((socket: Socket) => inboxes.push(new Inbox(socket)));
  return { port: await scope().listen(server), inboxes };
}

/** Accepts the nth handshake. */
async function accept(inboxes: Inbox[], index = 0): Promise<Inbox> {
  await until(() => inboxes.length > index, 'a connection');
  const inbox = inboxes[index] as Inbox; // just seen
  inbox.stream.write(upgradeResponse(keyOf(await inbox.message())));
  return inbox;
}

describe('client', () => {
  const start = (port: number) => runHere(toPort(programOf('Client'), port));

  test('says hello to the echo server, prints the answer and closes', async () => {
    const { port } = await serveHere(scope(), programOf('Echo server'));
    const { printed } = start(port);
    await until(() => printed.length > 1, 'the end');
    expect(printed).toEqual(['Hello!', 'closed: 1000 done']);
  });

  test('says that no server listens', async () => {
    const { port } = await listen();
    await scope().close();
    const { printed } = start(port);
    await until(() => printed.length > 1, 'the end');
    expect(printed).toEqual([expect.stringContaining('ECONNREFUSED'), 'closed: 1006 ']);
  });
});

describe('client with timeouts', () => {
  type Connect = (url: string, signal?: AbortSignal) => Promise<WebSocketInstance>;

  async function start() {
    clock.stop();
    const { port, inboxes } = await listen();
    const program = toPort(programOf('Client with timeouts'), port);
    const running = runHere(program, { result: 'connect' });
    const connect = running.result as Connect;
    const own = (signal?: AbortSignal) => connect(`ws://127.0.0.1:${port}/`, signal);
    await until(() => inboxes.length > 0, 'the connection');
    return { inboxes, own, printed: running.printed };
  }

  /** A connection of its own, after the one that the program makes. */
  async function open(signal?: AbortSignal) {
    const { inboxes, own } = await start();
    await accept(inboxes);
    const connecting = own(signal);
    const inbox = await accept(inboxes, 1);
    return { ws: scope().track(await connecting), inbox };
  }

  const closed = (ws: WebSocketInstance) => until(() => ws.readyState === 3, 'the end');

  test('sends its message', async () => {
    const { inboxes } = await start();
    const inbox = await accept(inboxes);
    expect((await inbox.frame()).payload.toString()).toBe('Hello!');
  });

  test('gives up a server that does not answer the handshake', async () => {
    const { inboxes, printed } = await start();
    clock.advance(5_000);
    await until(() => printed.length > 0, 'the error');
    expect(printed).toEqual([expect.stringMatching(/handshake has timed out/)]);
    await until(() => inboxes[0]?.ended === true, 'the connection to end');
  });

  test('ends the handshake when the signal is aborted', async () => {
    const { inboxes, own } = await start();
    const controller = new AbortController();
    const connecting = own(controller.signal);
    await until(() => inboxes.length > 1, 'the connection');
    controller.abort();
    await expect(connecting).rejects.toThrow(/abort/i);
    await until(() => inboxes[1]?.ended === true, 'the connection to end');
  });

  test('closes an open connection when the signal is aborted', async () => {
    const controller = new AbortController();
    const { ws, inbox } = await open(controller.signal);
    controller.abort();
    expect((await inbox.frame()).opcode).toBe(OPCODE.CLOSE);
    inbox.stream.end(frame({ opcode: OPCODE.CLOSE }));
    await closed(ws);
    expect(ws.closeInfo).toMatchObject({ wasClean: true, by: 'us' });
  });

  test('drops a server that is gone', async () => {
    const { ws, inbox } = await open();
    clock.advance(12_500); // the interval, and a quarter more
    expect((await inbox.frame()).opcode).toBe(OPCODE.PING);
    clock.advance(7_500); // the timeout, and half of it more
    await closed(ws);
    expect(ws.closeInfo).toMatchObject({ by: 'timeout', cause: 'heartbeat' });
  });

  test('drops a server that does not answer the Close', async () => {
    const { ws, inbox } = await open();
    ws.close();
    expect((await inbox.frame()).opcode).toBe(OPCODE.CLOSE);
    clock.advance(5_000);
    await closed(ws);
    expect(ws.closeInfo).toMatchObject({ wasClean: false, by: 'us' });
  });
});

describe('client behind a proxy', () => {
  test('connects through the proxy of the environment', async () => {
    const { port } = await serveHere(scope(), programOf('Echo server'));
    const proxy = await httpProxy(scope());
    const before = { ...process.env };
    scope().later(() => {
      for (const name of ['http_proxy', 'no_proxy']) delete process.env[name];
      Object.assign(process.env, before);
    });
    Object.assign(process.env, {
      http_proxy: `http://127.0.0.1:${proxy.port}`,
      no_proxy: 'a.test',
    });
    const { printed } = runHere(toPort(programOf('Client behind a proxy'), port));
    await until(() => printed.length > 1, 'the end');
    expect(printed).toEqual(['Hello!', 'closed: 1000']);
    expect(proxy.requests.map(({ url }) => url)).toEqual([`localhost:${port}`]);
  });
});

describe('client that is written for browsers', () => {
  const program = () => programOf('Client that is written for browsers');

  test('runs with the global class', async () => {
    const names = ['WebSocket', 'CloseEvent'] as const;
    const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
    scope().later(() => {
      for (const [i, name] of names.entries()) {
        const descriptor = before[i];
        if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
        else Object.defineProperty(globalThis, name, descriptor);
      }
    });
    const standard = require('../../../src/standard/global.js') as object;
    const { port } = await serveHere(scope(), programOf('Echo server'));
    const { printed } = runHere(toPort(program(), port), {
      modules: { 'ws6455/standard/global': standard },
    });
    await until(() => printed.length > 1, 'the end');
    expect(printed).toEqual(['Hello!', 'closed: 1000, clean']);
  });

  test('says that no server listens', async () => {
    const { port } = await listen();
    await scope().close();
    const { printed } = runHere(toPort(program(), port), {
      modules: { 'ws6455/standard/global': {} },
      globals: { WebSocket: standardClass },
    });
    await until(() => printed.length > 1, 'the end');
    expect(printed).toEqual([expect.stringContaining('ECONNREFUSED'), 'closed: 1006, lost']);
  });
});
