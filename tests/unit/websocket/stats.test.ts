/** `socket.stats()` and `socket.remoteAddress`. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { EPOCH, useClock } from '../../support/clock.js';
import { until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { useServers } from '../../support/servers.js';
import { connectPair, next, serve, unconnected } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const { startServer } = useServers(scope);

describe('stats()', () => {
  test('before the connection is open', () => {
    expect(unconnected('server').stats()).toEqual({
      messages: { sent: 0, received: 0 },
      buffered: 0,
      dropped: 0,
    });
  });

  test('while it is open, and after it', async () => {
    clock.stop();
    clock.advance(1000);
    const { ws, client } = await connectPair(scope());
    client.send('one');
    client.send('two');
    await until(() => ws.stats().messages.received === 2, 'the messages');
    const common = { buffered: 0, dropped: 0, since: EPOCH + 1000 };
    expect(ws.stats()).toEqual({ ...common, messages: { sent: 0, received: 2 } });
    client.close();
    await Promise.all([next(ws, 'close'), next(client, 'close')]);
    expect(ws.stats()).toEqual({ ...common, messages: { sent: 0, received: 2 } });
  });

  test('has the bytes of sockets that count them', async () => {
    const wss = serve(scope(), { port: 0, host: '127.0.0.1' });
    await next(wss, 'listening');
    const { port } = wss.address() as { port: number };
    const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
    wss.on('connection', (ws) => ws.send('hello'));
    await next(client, 'message');
    expect(client.stats().bytes).toEqual({ sent: 0, received: 7 });
    const [ws] = wss.clients;
    expect(ws?.stats().bytes).toEqual({ sent: 7, received: 0 });
    expect(wss.stats().bytes).toEqual({ sent: 7, received: 0 });
    expect(ws?.remoteAddress).toBe('127.0.0.1');
    expect(client.remoteAddress).toBe('127.0.0.1');
  });
});

describe('remoteAddress', () => {
  test('is what trustProxy finds', async () => {
    const { ask, connections } = startServer({ trustProxy: 1 });
    ask({ add: [['X-Forwarded-For', '203.0.113.9, 192.0.2.7']] });
    await until(() => connections.length === 1, 'the connection');
    expect(connections[0]?.[0].remoteAddress).toBe('192.0.2.7');
  });

  test('is what the function address returns, which is called once', async () => {
    let calls = 0;
    const address = () => {
      calls++;
      return '::ffff:192.0.2.1';
    };
    const { ask, connections } = startServer({ address, maxConnectionsPerAddress: 5 });
    ask();
    await until(() => connections.length === 1, 'the connection');
    expect(connections[0]?.[0].remoteAddress).toBe('192.0.2.1');
    expect(calls).toBe(1);
  });

  test('is the IPv4 address of a socket that listens on IPv6 too', async () => {
    const wss = serve(scope(), { host: '::', port: 0 });
    await next(wss, 'listening');
    const { port } = wss.address() as { port: number };
    const opened = next(wss, 'connection');
    scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
    await opened;
    const [ws] = wss.clients;
    expect(ws?.remoteAddress).toBe('127.0.0.1');
  });

  test('is undefined if the function finds none, and before the connection is open', async () => {
    const { ask, connections } = startServer({ address: () => undefined });
    ask();
    await until(() => connections.length === 1, 'the connection');
    expect(connections[0]?.[0].remoteAddress).toBeUndefined();
    expect(unconnected('client').remoteAddress).toBeUndefined();
    expect(WebSocket.prototype.remoteAddress).toBeUndefined();
  });

  test('may be set, as programs written for `ws` do', () => {
    const ws = unconnected('server');
    ws.remoteAddress = '192.0.2.5';
    expect(ws.remoteAddress).toBe('192.0.2.5');
    expect(unconnected('server').remoteAddress).toBeUndefined();
  });
});
