/** Where a server listens: a port, an http server, or nowhere; its clients. */

import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { uncaught } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { closing, type Upgrade, useServers } from '../../support/servers.js';
import {
  connectPair,
  frameFor,
  memoryServer,
  next,
  type ServerOptions,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const { WebSocketServer } = WebSocket;
const { detached, startServer } = useServers(scope);

describe('the constructor', () => {
  const http = createServer();
  test.each([
    [undefined],
    [{}],
    [{ port: undefined, server: undefined, noServer: undefined }],
    [{ port: null, server: null, noServer: false }],
    [{ port: 0, server: http }],
    [{ port: 0, noServer: true }],
    [{ server: http, noServer: true }],
    [{ port: 0, server: http, noServer: true }],
  ])('refuses %p with a TypeError', (options) => {
    const message =
      'One and only one of the "port", "server", or "noServer" options must be specified';
    expect(() => new WebSocketServer(options as ServerOptions)).toThrow(new TypeError(message));
    expect(http.listenerCount('upgrade')).toBe(0);
  });

  test('fills in the defaults', () => {
    expect(detached().options).toMatchObject({
      allowSynchronousEvents: true,
      autoPong: true,
      maxPayload: 104_857_600,
      skipUTF8Validation: false,
      perMessageDeflate: false,
      handleProtocols: null,
      verifyClient: null,
      clientTracking: true,
      noServer: true,
      closeTimeout: 30_000,
      server: null,
      host: null,
      path: null,
      port: null,
      backlog: null,
      WebSocket,
    });
  });

  test('keeps options of others, and takes undefined for the default', () => {
    const wss = detached({ mine: 1, maxPayload: undefined, clientTracking: undefined });
    expect(wss.options).toMatchObject({ mine: 1, maxPayload: 104_857_600 });
    expect(wss.clients).toBeInstanceOf(Set);
  });

  test("leaves the caller's options as they are", () => {
    const options = Object.freeze({ noServer: true, path: '/a' });
    expect(detached(options).options).not.toBe(options);
  });

  test('has no clients with clientTracking: false', () => {
    expect(detached({ clientTracking: false }).clients).toBeUndefined();
    expect('clients' in detached({ clientTracking: false })).toBe(false);
  });
});

describe('with a port', () => {
  test("listens; the callback and 'listening' are called, in a later tick", async () => {
    const seen: string[] = [];
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => seen.push('callback'));
    scope().later(() => wss.close());
    wss.on('listening', () => seen.push('listening'));
    expect(seen).toEqual([]);
    await until(() => seen.length === 2, "'listening'");
    expect(seen.sort()).toEqual(['callback', 'listening']);
    expect(wss.address()).toMatchObject({ address: '127.0.0.1', port: expect.any(Number) });
    await closing(wss);
    expect(wss.address()).toBeNull();
  });

  test('accepts clients, and answers other requests with 426', async () => {
    const wss = serve(scope(), { port: 0, host: '127.0.0.1' });
    await next(wss, 'listening');
    const { port } = wss.address() as AddressInfo;
    const connection = next<[WebSocketInstance, IncomingMessage]>(wss, 'connection');
    const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}/a`));
    const [ws, request] = await connection;
    expect(request.url).toBe('/a');
    expect(wss.clients.has(ws)).toBe(true);
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect([response.status, await response.text()]).toEqual([426, 'Upgrade Required']);
    client.terminate();
    await until(() => wss.clients.size === 0, 'the client to be forgotten');
  });

  test("a port that is in use: 'error' with EADDRINUSE", async () => {
    const tcp = createTcpServer();
    const port = await scope().listen(tcp);
    const seen: string[] = [];
    const options = { port, host: '127.0.0.1' };
    const wss = new WebSocketServer(options, () => seen.push('callback'));
    wss.on('listening', () => seen.push('listening'));
    const [error] = await next<[NodeJS.ErrnoException]>(wss, 'error');
    expect(error.code).toBe('EADDRINUSE');
    expect(seen).toEqual([]);
    expect(wss.address()).toBeNull();
    expect(await closing(wss)).toEqual([undefined]);
  });

  test('accepts every address by default', async () => {
    const wss = serve(scope(), { port: 0 });
    await next(wss, 'listening');
    const { port, address } = wss.address() as AddressInfo;
    expect(['::', '0.0.0.0']).toContain(address);
    const client = scope().track(new WebSocket(`ws://localhost:${port}`));
    await next(client, 'open');
  });
});

describe('with a server', () => {
  test('uses it: three listeners, no others', async () => {
    const http = createServer();
    const names = [
      'listening',
      'error',
      'upgrade',
      'connection',
      'request',
      'close',
      'clientError',
    ];
    const count = () => names.map((name) => http.listenerCount(name));
    const before = count();
    const wss = new WebSocketServer({ server: http });
    expect(count().map((now, i) => now - (before[i] ?? 0))).toEqual([1, 1, 1, 0, 0, 0, 0]);
    await closing(wss);
    expect(count()).toEqual(before);
  });

  test("passes 'listening' and 'error' on, and its address", async () => {
    const { http, wss } = startServer();
    const events: string[] = [];
    wss.on('listening', () => events.push('listening'));
    wss.on('error', (error: Error) => events.push(error.message));
    expect(wss.address()).toBeNull();
    await scope().listen(http);
    expect(wss.address()).toEqual(http.address());
    http.emit('error', new Error('mine'));
    expect(events).toEqual(['listening', 'mine']);
  });

  test('does not use the callback, which belongs to a port', async () => {
    const http = createServer();
    let called = false;
    const wss = new WebSocketServer({ server: http }, () => {
      called = true;
    });
    await scope().listen(http);
    await closing(wss);
    expect(called).toBe(false);
  });

  test('leaves other requests to it', async () => {
    const { http } = startServer();
    http.on('request', (_request, response) => response.end('mine'));
    const port = await scope().listen(http);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('mine');
  });
});

describe('clients', () => {
  test("holds the open ones; in their 'close' they are gone", async () => {
    const { ws, wss, client } = await connectPair(scope());
    expect([...wss.clients]).toEqual([ws]);
    const sizes: number[] = [];
    ws.on('close', () => sizes.push(wss.clients.size));
    client.close();
    await until(() => sizes.length > 0, "'close'");
    expect(sizes).toEqual([0]);
  });

  test('holds those that are closing', async () => {
    const { ask, connections, wss } = startServer();
    ask();
    await until(() => connections.length > 0, "'connection'");
    connections[0]?.[0].close();
    await turns();
    expect(wss.clients.size).toBe(1);
  });
});

describe("a 'connection' listener that throws", () => {
  test('the exception surfaces, the connection is open and counted, the next one comes', async () => {
    const caught = uncaught(scope());
    const { wss, ask, connections } = startServer();
    const mine = new Error('mine');
    wss.once('connection', () => {
      throw mine;
    });
    const first = ask();
    expect((await first.inbox.message()).status).toBe(101);
    await turns();
    expect(caught).toEqual([mine]);
    expect(wss.clients.size).toBe(1);
    expect((await ask().inbox.message()).status).toBe(101);
    expect([wss.clients.size, connections.length]).toEqual([2, 2]);
    first.wire.end(frameFor('server', { opcode: OPCODE.CLOSE }));
    await until(() => wss.clients.size === 1, 'the client to be forgotten');
  });

  test("a 'close' listener that throws does not keep the client in `clients`", async () => {
    const caught = uncaught(scope());
    const { ws, wss, client } = await connectPair(scope());
    const mine = new Error('mine');
    ws.on('close', () => {
      throw mine;
    });
    client.terminate();
    await until(() => caught.length > 0, 'the exception');
    expect(caught).toEqual([mine]);
    expect(wss.clients.size).toBe(0);
  });
});

test('removeAllListeners() breaks nothing', async () => {
  const { ws, wss, client } = await connectPair(scope());
  wss.removeAllListeners();
  client.close();
  await until(() => wss.clients.size === 0, 'the client to be forgotten');
  expect(ws.readyState).toBe(WebSocket.CLOSED);
});

test('two servers behind one http server, routed by path', async () => {
  const http = createServer();
  const [one, two] = [detached(), detached()];
  http.on('upgrade', (...args: Upgrade) => {
    const [request] = args;
    const wss = request.url === '/one' ? one : two;
    wss.handleUpgrade(...args, (ws) => wss.emit('connection', ws, request));
  });
  one.on('connection', (ws: WebSocketInstance) => ws.send('one'));
  two.on('connection', (ws: WebSocketInstance) => ws.send('two'));
  const { connect } = memoryServer(scope(), http);
  const messages = ['/two', '/one'].map((path) =>
    next<[Buffer]>(connect({}, undefined, path), 'message'),
  );
  expect((await Promise.all(messages)).map(([data]) => String(data))).toEqual(['two', 'one']);
});
