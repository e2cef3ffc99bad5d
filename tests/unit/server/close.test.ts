/** `close()` of a server. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { closing, useServers } from '../../support/servers.js';
import {
  connectPair,
  memoryServer,
  next,
  recordEvents,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const { WebSocketServer } = WebSocket;
const { detached, upgrade } = useServers(scope);

describe('close()', () => {
  test('with a port: stops listening; callback and "close" once, in a later tick', async () => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await next(wss, 'listening');
    const { port } = wss.address() as AddressInfo;
    const seen: unknown[] = [];
    wss.on('close', () => seen.push('close'));
    wss.close((error) => seen.push(error));
    expect(seen).toEqual([]);
    expect(wss.address()).toBeNull();
    await until(() => seen.length === 2, "'close'");
    expect(seen).toEqual(['close', undefined]);
    const late = scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
    const [error] = await next<[NodeJS.ErrnoException]>(late, 'error');
    expect(error.code).toBe('ECONNREFUSED');
  });

  test('with a port, before it listens', async () => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    expect(await closing(wss)).toEqual([undefined]);
  });

  test('with a port: leaves connections open, "close" comes after the last', async () => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await next(wss, 'listening');
    const connection = next<[WebSocketInstance]>(wss, 'connection');
    const { port } = wss.address() as AddressInfo;
    const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
    const [ws] = await connection;
    const seen: string[] = [];
    ws.on('close', () => seen.push('connection'));
    wss.close(() => seen.push('server'));
    await turns(20);
    expect(seen).toEqual([]);
    const echo = next<[Buffer]>(client, 'message');
    ws.send('still here');
    expect(String((await echo)[0])).toBe('still here');
    client.close();
    await until(() => seen.length === 2, "'close'");
    expect(seen.sort()).toEqual(['connection', 'server']);
  });

  test.each([{}, { noServer: true }])('%p: waits for the last client', async (mode) => {
    const http = createServer();
    const options = 'noServer' in mode ? mode : { server: http };
    const wss = new WebSocketServer(options);
    const seen: string[] = [];
    const clients: WebSocketInstance[] = [];
    for (let i = 0; i < 2; i++) {
      const [request, socket, head] = await upgrade();
      wss.handleUpgrade(request, socket, head, (ws) => clients.push(ws));
    }
    wss.on('close', () => seen.push('close'));
    wss.close(() => seen.push('callback'));
    await turns();
    clients[0]?.terminate();
    await turns();
    expect(seen).toEqual([]);
    clients[1]?.terminate();
    await until(() => seen.length === 2, "'close'");
    await turns();
    expect(seen).toEqual(['close', 'callback']);
  });

  test.each([{ clientTracking: false }, {}])(
    '%p, without clients that it tracks: closes in the next tick',
    async (options) => {
      const wss = new WebSocketServer({ noServer: true, ...options });
      const clients: WebSocketInstance[] = [];
      if ('clientTracking' in options) {
        const [request, socket, head] = await upgrade();
        wss.handleUpgrade(request, socket, head, (ws) => clients.push(ws));
      }
      const seen: string[] = [];
      wss.close(() => seen.push('close'));
      expect(seen).toEqual([]);
      await turns(1);
      expect(seen).toEqual(['close']);
      for (const ws of clients) {
        expect(ws.readyState).toBe(WebSocket.OPEN);
        ws.terminate();
        await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
      }
    },
  );

  test('of a server on another http server leaves that one alone', async () => {
    const http = createServer((_request, response) => response.end('mine'));
    const port = await scope().listen(http);
    const wss = new WebSocketServer({ server: http });
    wss.close();
    expect(http.listenerCount('upgrade')).toBe(0);
    await next(wss, 'close');
    expect(http.listening).toBe(true);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('mine');
  });

  test('twice while it closes: both callbacks, one "close"', async () => {
    const wss = new WebSocketServer({ noServer: true });
    const seen: unknown[] = [];
    wss.on('close', () => seen.push('close'));
    wss.close((error) => seen.push(error));
    wss.close((error) => seen.push(error));
    await turns();
    expect(seen).toEqual(['close', undefined, undefined]);
  });

  test('when it is closed: an Error for the callback, "close" once more', async () => {
    for (const options of [{ noServer: true }, { port: 0 }]) {
      const wss = new WebSocketServer(options);
      await closing(wss);
      const seen: unknown[] = [];
      wss.on('close', () => seen.push('close'));
      wss.close((error) => seen.push(error));
      expect(seen).toEqual([]);
      await turns();
      expect(seen).toEqual(['close', new Error('The server is not running')]);
      wss.close();
      await turns();
      expect(seen).toHaveLength(3);
    }
  });

  test('answers handshakes that still come with 503', async () => {
    const wss = detached();
    const args = await upgrade();
    const [request, socket, head] = args;
    wss.close();
    let called = false;
    wss.handleUpgrade(request, socket, head, () => {
      called = true;
    });
    const answer = await args.inbox?.message();
    expect([answer?.status, String(answer?.body)]).toEqual([503, 'Service Unavailable']);
    await turns();
    const [late, lateSocket, lateHead] = await upgrade();
    wss.handleUpgrade(late, lateSocket, lateHead, () => {
      called = true;
    });
    expect(called).toBe(false);
  });

  test('closes at once when the program closed its clients first', async () => {
    const { wss, ws, client } = await connectPair(scope());
    for (const one of wss.clients) one.close(1001, 'going away');
    const events = recordEvents(client);
    expect(await closing(wss)).toEqual([undefined]);
    expect(ws.readyState).toBe(WebSocket.CLOSED);
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 1001 going away']);
  });

  test('a storm of terminate() leaves nothing', async () => {
    const { http, connect } = memoryServer(scope());
    const wss = serve(scope(), { server: http });
    const rawConnection = Array.from({ length: 50 }, () => connect());
    await until(() => wss.clients.size === 50, 'fifty clients');
    for (const ws of wss.clients) ws.terminate();
    expect(await closing(wss)).toEqual([undefined]);
    expect(wss.clients.size).toBe(0);
    await until(() => rawConnection.every((ws) => ws.readyState === 3), 'the clients to close');
  });
});
