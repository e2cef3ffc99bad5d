/** The option `proxy` of the classes of `ws6455/standard`. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { WebSocket, WebSocketStream } from '../../../src/standard/index.js';
import { httpProxy } from '../../support/proxy-server.js';
import { useScope } from '../../support/scope.js';
import { serve } from '../../support/websockets.js';

const scope = useScope();

async function start() {
  const server = serve(scope(), { port: 0 });
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy = await httpProxy(scope());
  const options = { proxy: `http://127.0.0.1:${proxy.port}` };
  return { proxy, options, url: `ws://server.example.com:${port}/`, port };
}

test('a WebSocket through an HTTP proxy', async () => {
  const { proxy, options, url, port } = await start();
  const ws = new WebSocket(url, options);
  ws.onopen = () => ws.send('tea');
  const [{ data }] = (await once(ws, 'message')) as [{ data: unknown }];
  ws.close();
  const [event] = (await once(ws, 'close')) as [{ wasClean: boolean }];
  expect([data, event.wasClean]).toEqual(['tea', true]);
  expect(proxy.requests.map((request) => request.url)).toEqual([`server.example.com:${port}`]);
});

test('a WebSocketStream through an HTTP proxy', async () => {
  const { proxy, options, url } = await start();
  const stream = new WebSocketStream(url, options);
  const { readable, writable } = await stream.opened;
  await writable.getWriter().write('tea');
  expect((await readable.getReader().read()).value).toBe('tea');
  stream.close();
  await stream.closed;
  expect(proxy.requests).toHaveLength(1);
});

test('a proxy that is not there fails the connection', async () => {
  const ws = new WebSocket('ws://server.example.com/', { proxy: 'http://127.0.0.1:1' });
  const errors: unknown[] = [];
  ws.onerror = ({ error }) => errors.push(error);
  await once(ws, 'close');
  expect(errors).toEqual([expect.any(Error)]);
});
