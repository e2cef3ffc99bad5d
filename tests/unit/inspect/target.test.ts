/** The server behind the inspector: with TLS, at a local socket, with a name of its own. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { Target } from '../../../src/inspect/target.js';
import { until } from '../../support/inbox.js';
import { connectClient, inspected, Page } from '../../support/inspected.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { next, type ServerInstance, serve } from '../../support/websockets.js';

const scope = useScope();

function echo(server: ServerInstance): void {
  server.on('connection', (ws) => ws.on('message', (data) => ws.send(`echo ${data}`)));
}

async function answerThrough(port: number): Promise<string> {
  const ws = scope().track(new WebSocket(`ws://127.0.0.1:${port}/`));
  await next(ws, 'open');
  ws.send('Hello');
  const [data] = await next<[Buffer]>(ws, 'message');
  return String(data);
}

describe('a target with TLS', () => {
  const start = async () => {
    const [key, cert] = ['localhost-key.pem', 'localhost-cert.pem'].map((name) =>
      readFileSync(join(__dirname, '../../support/tls', name)),
    );
    const https = createHttpsServer({ key, cert });
    echo(serve(scope(), { server: https }));
    return scope().listen(https);
  };

  test('is connected to without a look at its certificate if that is said', async () => {
    const target = `wss://127.0.0.1:${await start()}`;
    const through = await inspected(scope(), { target, insecure: true });
    expect(await answerThrough(through.port)).toBe('echo Hello');
    expect(through.of('connection')[0]?.url).toBe(`${target}/`);
  });

  test('is otherwise refused, with the reason', async () => {
    const target = `wss://127.0.0.1:${await start()}`;
    const through = await inspected(scope(), { target });
    const page = await Page.open(scope(), through);
    const client = await connectClient(scope(), through);
    client.socket.end(upgradeRequest());
    expect((await client.inbox.message()).body.toString()).toContain('self-signed certificate');
    await until(() => page.of('status').at(-1)?.target === 'unreachable', 'a status');
    expect(page.of('status').at(-1)?.error).toContain('self-signed certificate');
  });

  test('that fails ends the client', async () => {
    const target = `wss://127.0.0.1:${await start()}`;
    const through = await inspected(scope(), { target, insecure: true });
    const client = await connectClient(scope(), through);
    client.socket.write(upgradeRequest());
    expect((await client.inbox.message()).status).toBe(101);
    client.socket.resetAndDestroy();
    await until(() => through.of('end').length > 0, 'the end');
  });
});

test('a target at a local socket gets the Host of the client', async () => {
  const path = join(tmpdir(), `${randomUUID()}.sock`);
  const server = serve(scope(), { port: path });
  await next(server, 'listening');
  echo(server);
  const hosts: (string | undefined)[] = [];
  server.on('connection', (_, request) => hosts.push(request.headers.host));
  const through = await inspected(scope(), { target: `ws+unix:${path}` });
  expect(await answerThrough(through.port)).toBe('echo Hello');
  expect(hosts).toEqual([`127.0.0.1:${through.port}`]);
});

test('a client that leaves while the target is connected to leaves nothing behind', async () => {
  // RFC 5737: no host has an address of this network, so that nothing answers.
  const through = await inspected(scope(), { target: 'ws://192.0.2.1:9' });
  const client = await connectClient(scope(), through);
  client.socket.write(upgradeRequest());
  await until(() => through.of('connection').length === 1, 'a connection');
  client.socket.destroy();
  await through.inspector.close();
});

describe('the head of a request', () => {
  const HEAD = 'GET / HTTP/1.1\r\nX: a\r\nhost:  here \r\nOrigin: http://here\r\n\r\n';

  test.each([
    [
      'ws://there:81/p?q',
      {},
      'GET /p?q HTTP/1.1\r\nX: a\r\nhost:  there:81\r\nOrigin: http://here\r\n\r\n',
    ],
    ['ws://there:80', {}, HEAD.replace('here ', 'there')],
    ['wss://[::1]:444/', {}, HEAD.replace('here ', '[::1]:444')],
    ['ws://there/p', { keepHost: true }, HEAD.replace('GET /', 'GET /p')],
  ])('for %s with %j', (url, options, expected) => {
    expect(new Target(url, options).rewrite(HEAD)).toBe(expected);
  });

  test('with a $ in the URL keeps it', () => {
    expect(new Target("ws://there/$&$'").rewrite('GET / HTTP/1.1\r\n\r\n')).toBe(
      "GET /$&$' HTTP/1.1\r\n\r\n",
    );
  });
});
