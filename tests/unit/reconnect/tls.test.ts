/** The errors that Node has for TLS and for servers of another protocol, as they are. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import WebSocket, { type ClientOptions } from '../../../src/index.js';
import { judge } from '../../../src/reconnect/verdict.js';

const read = (name: string) => readFileSync(join(__dirname, '../../support/tls', name));
const key = read('localhost-key.pem');
const cert = read('localhost-cert.pem');

const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function verdictOf(server: Server, scheme: string, options: ClientOptions = {}) {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined);
    sockets.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ws = new WebSocket(`${scheme}://127.0.0.1:${port}`, options);
  const [error] = (await once(ws, 'error')) as [Error];
  return judge({ during: 'connect', error });
}

const https = (options: object = {}): Server => createHttpsServer({ key, cert, ...options });

test('a certificate that is not trusted is fatal', async () => {
  expect(await verdictOf(https(), 'wss')).toBe('fatal');
});

test('the certificate of another host is fatal', async () => {
  const options = { ca: cert, servername: 'other.example' };
  expect(await verdictOf(https(), 'wss', options)).toBe('fatal');
});

test('no TLS version in common is fatal', async () => {
  const options = { ca: cert, servername: 'localhost', minVersion: 'TLSv1.3' } as const;
  expect(await verdictOf(https({ maxVersion: 'TLSv1.2' }), 'wss', options)).toBe('fatal');
});

test('a client certificate that is missing is fatal', async () => {
  const server = https({ requestCert: true, rejectUnauthorized: true });
  expect(await verdictOf(server, 'wss', { ca: cert, servername: 'localhost' })).toBe('fatal');
});

test('wss: to a port without TLS is fatal', async () => {
  expect(await verdictOf(createHttpServer(), 'wss')).toBe('fatal');
});

test('ws: to a port with TLS is fatal', async () => {
  // RFC 8446 §6: an alert, fatal, unexpected_message. Not every server sends one.
  const alert = Buffer.from([21, 3, 3, 0, 2, 2, 10]);
  const server = createServer((socket) => socket.end(alert));
  expect(await verdictOf(server, 'ws')).toBe('fatal');
});

test('a server of another protocol is fatal', async () => {
  const server = createServer((socket) => socket.end('SSH-2.0-example\r\n'));
  expect(await verdictOf(server, 'ws')).toBe('fatal');
});

test.each(['ws', 'wss'])('a server that hangs up is retried (%s:)', async (scheme) => {
  const server = createServer((socket) => socket.destroy());
  expect(await verdictOf(server, scheme)).toBe('retry');
});

test('a response that ends early is retried', async () => {
  const server = createServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 101 Switching'));
  });
  expect(await verdictOf(server, 'ws')).toBe('retry');
});
