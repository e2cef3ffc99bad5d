/** A proxy that resets a tunnel at each stage: one error at most, and none is left to the process. */

import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { uncaught } from '../../support/process-events.js';
import { httpProxy } from '../../support/proxy-server.js';
import { useScope } from '../../support/scope.js';
import { type ClientOptions, recordEvents } from '../../support/websockets.js';

const scope = useScope();
const pem = (name: string): string =>
  readFileSync(join(__dirname, `../../support/tls/localhost-${name}.pem`), 'utf8');
const [cert, key] = [pem('cert'), pem('key')];

/** Passes bytes on to a port, and resets the client after so many bytes for it. */
async function resetting(
  port: number,
  limit: number,
): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createTcpServer((client) => {
    const onward = connect({ port, host: '127.0.0.1' });
    sockets.push(client);
    scope().later(() => onward.destroy());
    client.on('error', () => {});
    onward.on('error', () => {});
    client.pipe(onward);
    let sent = 0;
    onward.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, limit - sent);
      sent += part.length;
      if (!client.destroyed) client.write(part, () => sent >= limit && client.resetAndDestroy());
    });
    client.on('close', () => onward.destroy());
  });
  return { port: await scope().listen(server), sockets };
}

/** With each number of bytes something else is incomplete: the answer, TLS, the response, a message. */
const LIMITS = [0, 1, 20, 39, 60, 100, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 5000];

test.each([
  ['http', 'ws'],
  ['http', 'wss'],
  ['https', 'ws'],
  ['https', 'wss'],
])('%s: proxy, %s: server', async (through, scheme) => {
  const exceptions = uncaught(scope());
  const proxy = await httpProxy(scope(), through === 'https' ? { cert, key } : undefined);
  const server = scheme === 'wss' ? createHttpsServer({ cert, key }) : createHttpServer();
  server.on('tlsClientError', () => {});
  const wss = new WebSocket.WebSocketServer({ server });
  wss.on('connection', (ws) => ws.send('x'.repeat(1000)));
  const port = await scope().listen(server);
  for (const limit of LIMITS) {
    const relay = await resetting(proxy.port, limit);
    const options = { ca: cert, proxy: { url: `${through}://localhost:${relay.port}`, ca: cert } };
    const ws = scope().track(
      new WebSocket(`${scheme}://localhost:${port}`, options as ClientOptions),
    );
    const events = recordEvents(ws);
    await until(
      () => events.some((event) => /^(close|message)/.test(event)),
      () => `an outcome of ${limit}; events: ${events}`,
    );
    ws.terminate();
    await until(() => events.includes('close 1006'), "'close'");
    await until(
      () => relay.sockets.every(({ destroyed }) => destroyed),
      'no connection to be left',
    );
    expect(events.filter((event) => event.startsWith('error')).length).toBeLessThan(2);
  }
  await turns();
  expect(exceptions).toEqual([]);
});
