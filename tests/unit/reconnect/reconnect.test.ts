/** `reconnect` with real servers over loopback. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { reconnect } from '../../../src/reconnect.js';
import { useClock } from '../../support/clock.js';
import { until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const clock = useClock();
const SOON = { first: 2, base: 2, factor: 1, max: 4 };

/** A server whose connections the test has. */
async function serve(options: WebSocket.ServerOptions = { port: 0 }) {
  const server = new WebSocket.WebSocketServer({ host: '127.0.0.1', ...options });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients: WebSocket[] = [];
  const received: string[] = [];
  server.on('connection', (ws) => {
    clients.push(ws);
    ws.on('message', (data) => received.push(String(data)));
  });
  const close = (): Promise<void> => {
    for (const ws of clients) ws.terminate();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  scope().later(close);
  return { server, clients, received, close, port, url: `ws://127.0.0.1:${port}/` };
}

describe('reconnect', () => {
  test('gives one connection after the other; loops over messages end without an error', async () => {
    const { server, url } = await serve();
    server.on('connection', (ws) => {
      ws.send('first');
      ws.send('second', () => ws.terminate());
    });
    const seen: string[] = [];
    for await (const socket of reconnect(url, { backoff: SOON })) {
      for await (const message of socket) seen.push(String(message));
      expect(socket.closeInfo).toMatchObject({ by: 'wire' });
      if (seen.length >= 6) break;
    }
    expect(seen).toEqual(['first', 'second', 'first', 'second', 'first', 'second']);
  });

  test('finds the server again after a restart', async () => {
    const first = await serve();
    const connections = reconnect(first.url, { backoff: SOON });
    const { value: before } = await connections.next();
    await first.close();
    await before?.closed;
    const next = connections.next();
    const second = await serve({ port: first.port });
    const { value: after } = await next;
    after?.send('back');
    await until(() => second.received.length === 1, 'the message');
    await connections.return?.();
  });

  test('leaving the loop closes the connection with 1000', async () => {
    const { clients, url } = await serve();
    for await (const _ of reconnect(url)) {
      await until(() => clients.length === 1, 'the connection');
      break;
    }
    const info = await clients[0]?.closed;
    expect(info?.received).toEqual({ code: 1000, reason: '' });
  });

  test('messages that arrive during resume are not lost', async () => {
    const { server, url } = await serve();
    server.on('connection', (ws) => {
      ws.send('early');
      ws.on('message', () => ws.send('late'));
    });
    const resume = async (socket: WebSocket): Promise<void> => {
      await until(() => (socket.stats?.().messages.received ?? 0) > 0, 'the early message');
      await socket.sent('hello');
    };
    const seen: string[] = [];
    for await (const socket of reconnect(url, { resume })) {
      for await (const message of socket) {
        seen.push(String(message));
        if (seen.length === 2) break;
      }
      break;
    }
    expect(seen).toEqual(['early', 'late']);
  });

  test('the message that asks and its answer may be read in resume', async () => {
    const { server, url } = await serve();
    server.on('connection', (ws) => {
      ws.on('message', () => {
        ws.send('welcome');
        ws.send('news');
      });
    });
    const seen: string[] = [];
    const resume = async (socket: WebSocket): Promise<void> => {
      socket.send('log in');
      for await (const message of socket) {
        seen.push(String(message));
        break;
      }
    };
    for await (const socket of reconnect(url, { resume })) {
      for await (const message of socket) {
        seen.push(String(message));
        break;
      }
      break;
    }
    expect(seen).toEqual(['welcome', 'news']);
  });

  test('unsent() has what did not reach the transport', async () => {
    const { clients, url } = await serve();
    for await (const socket of reconnect(url)) {
      await socket.sent('sent');
      await until(() => clients.length === 1, 'the connection');
      await until(() => socket.unsent().length === 0, 'the write');
      socket.terminate();
      await socket.closed;
      socket.send('too late', { binary: true });
      expect(socket.unsent()).toEqual([{ data: 'too late', options: { binary: true } }]);
      break;
    }
  });

  test('the connections are of the class that is given', async () => {
    class Mine extends WebSocket {
      readonly mark = 'mine';
    }
    const { url } = await serve();
    for await (const socket of reconnect(url, { WebSocket: Mine })) {
      expect([socket.mark, socket instanceof Mine, socket.constructor.name]).toEqual([
        'mine',
        true,
        'Mine',
      ]);
      break;
    }
  });

  test('calls of next() wait for each other', async () => {
    const { clients, url } = await serve();
    const connections = reconnect(url, { backoff: SOON });
    const [first, second] = await Promise.all([connections.next(), connections.next()]);
    expect(first.value?.closeInfo?.sent?.code).toBe(1000);
    expect(second.value?.readyState).toBe(WebSocket.OPEN);
    expect(clients).toHaveLength(2);
    await connections.return?.();
  });

  test('an invalid option is thrown by the call', () => {
    expect(() => reconnect('ws://h/', { minUptime: -1 })).toThrow(RangeError);
    expect(() => reconnect('ws://h/', { resume: 1 as never })).toThrow(TypeError);
    expect(() => reconnect('ws://h/', { backoff: { first: 'x' as never } })).toThrow(TypeError);
    expect(() => reconnect('ws://h/', { signal: {} as never })).toThrow(TypeError);
  });

  test.each<[string, () => AsyncIterableIterator<unknown>]>([
    ['a URL that is not valid', () => reconnect('http:://')],
    ['a subprotocol that is not valid', () => reconnect('ws://127.0.0.1/', { protocols: 'a b' })],
  ])('%s is thrown by the loop', async (_, start) => {
    await expect(start().next()).rejects.toThrow(SyntaxError);
  });
});

describe('a server that refuses', () => {
  async function refuse(...answers: string[]): Promise<{ url: string; requests: string[] }> {
    const requests: string[] = [];
    const server: Server = createServer();
    const accepting = new WebSocket.WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      requests.push(request.headers.authorization ?? '');
      const answer = answers.shift();
      if (answer !== undefined) socket.end(answer);
      else accepting.handleUpgrade(request, socket, head, () => {});
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    scope().later(() => {
      for (const ws of accepting.clients) ws.terminate();
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return { url: `ws://127.0.0.1:${port}/`, requests };
  }

  const response = (status: string, ...fields: string[]): string =>
    [`HTTP/1.1 ${status}`, ...fields, 'Content-Length: 0', '', ''].join('\r\n');

  test('401 is fatal', async () => {
    const { url } = await refuse(response('401 Unauthorized'));
    await expect(reconnect(url).next()).rejects.toMatchObject({ status: 401 });
  });

  test('401 with classify: the next attempt has a new token', async () => {
    const { url, requests } = await refuse(response('401 Unauthorized'));
    let number = 0;
    const connections = reconnect(url, {
      backoff: SOON,
      token: async () => `token-${++number}`,
      classify: ({ error }, suggested) =>
        (error as { status?: number }).status === 401 ? 'retry' : suggested,
    });
    const { value } = await connections.next();
    expect(value?.readyState).toBe(WebSocket.OPEN);
    expect(requests).toEqual(['Bearer token-1', 'Bearer token-2']);
    await connections.return?.();
  });

  test('503 with Retry-After: nothing comes before', async () => {
    clock.stop();
    clock.useRandom(() => 0);
    const { url, requests } = await refuse(response('503 Busy', 'Retry-After: 120'));
    const connections = reconnect(url, { backoff: SOON });
    const next = connections.next();
    await until(() => requests.length === 1 && clock.timerCount === 1, 'the wait');
    for (let slept = 0; slept < 119; slept++) {
      clock.advance(1000);
      await new Promise(setImmediate);
    }
    expect(requests).toHaveLength(1);
    for (let slept = 0; slept < 20 && requests.length === 1; slept++) {
      clock.advance(1000);
      await new Promise(setImmediate);
    }
    expect((await next).value?.readyState).toBe(WebSocket.OPEN);
    expect(requests).toHaveLength(2);
    await connections.return?.();
  });
});
