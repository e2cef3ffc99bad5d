/** Errors of a client's connection: what was probably wrong is said, and Node's error is kept. */

import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { types } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useScope } from '../../support/scope.js';
import type { ClientOptions, Loose } from '../../support/websockets.js';
import { next } from '../../support/websockets.js';

const scope = useScope();

const pem = (name: string): string =>
  readFileSync(join(__dirname, `../../support/tls/localhost-${name}.pem`), 'utf8');

/** The error of a client that is sent to this server. */
async function failure(
  scheme: string,
  server: Server,
  options: Loose = {},
): Promise<NodeJS.ErrnoException> {
  server.on('tlsClientError', () => {});
  server.on('connection', (socket) => socket.on('error', () => {}));
  const port = await scope().listen(server);
  const ws = scope().track(
    new WebSocket(`${scheme}://127.0.0.1:${port}`, options as ClientOptions),
  );
  const [error] = await next<[NodeJS.ErrnoException]>(ws, 'error');
  return error;
}

/** A server that answers the first bytes so, and ends. */
const saying = (bytes: string | Buffer): Server =>
  createServer((socket) => socket.once('data', () => socket.end(bytes)));

/** The error says what Node says, and adds this. */
function expectExplained(error: NodeJS.ErrnoException, code: string, hint: RegExp): void {
  const cause = error.cause as NodeJS.ErrnoException;
  expect(types.isNativeError(cause)).toBe(true);
  expect(error.message.startsWith(cause.message.trimEnd())).toBe(true);
  expect(error.message).toMatch(hint);
  expect(error.message).not.toContain('\n');
  expect([error.code, error.name]).toEqual([code, cause.name]);
  expect({ ...error }).toEqual({ ...cause });
}

const USE_WS = /use ws: in place of wss:\)$/;
const USE_WSS = /use wss:( in place of ws:)?\)$/;

describe('wss: to a port without TLS', () => {
  test('of an http server', async () => {
    const error = await failure('wss', createHttpServer());
    expectExplained(error, 'EPROTO', USE_WS);
    expect([error.syscall, typeof error.errno]).toEqual(['write', 'number']);
    expect(error.message).toContain('wrong version number');
  });

  test('of a server that closes the connection', async () => {
    expectExplained(await failure('wss', saying('')), 'ECONNRESET', USE_WS);
  });
});

describe('ws: to a port with TLS', () => {
  test('of a server that answers with a TLS alert', async () => {
    const alert = Buffer.from([21, 3, 1, 0, 2, 2, 40]);
    const error = await failure('ws', saying(alert));
    expectExplained(error, 'HPE_INVALID_CONSTANT', USE_WSS);
    expect(error.message).toContain('Parse Error');
  });
});

describe("Node's own error is left as it is", () => {
  test('where nobody listens', async () => {
    const server = createServer();
    const port = await scope().listen(server);
    await new Promise((done) => server.close(done));
    const ws = scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
    const [error] = await next<[NodeJS.ErrnoException]>(ws, 'error');
    expect(error.message).toBe(`connect ECONNREFUSED 127.0.0.1:${port}`);
    expect(error).not.toHaveProperty('cause');
  });

  test.each([
    ['something that is not HTTP', 'SSH-2.0-OpenSSH\r\n', /^Parse Error[^(]*$/],
    ['half a response', 'HTTP/1.1 101 Switching', /^socket hang up$/],
  ])('where the server sends %s', async (_, bytes, message) => {
    const error = await failure('ws', saying(bytes));
    expect(error.message).toMatch(message);
    expect(error).not.toHaveProperty('cause');
  });

  test('where a server closes the connection without a response: programs compare the text', async () => {
    const error = await failure('ws', saying(''));
    expect(error.message).toBe('socket hang up');
  });

  test('where a certificate is not trusted', async () => {
    const server = createHttpsServer({ cert: pem('cert'), key: pem('key') });
    const error = await failure('wss', server);
    expect(error.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(error).not.toHaveProperty('cause');
  });

  test('where the program destroyed the request', async () => {
    const mine = new Error('socket hang up');
    const finishRequest = (request: { destroy(error?: Error): void }): void =>
      request.destroy(mine);
    expect(await failure('ws', createServer(), { finishRequest })).toBe(mine);
    const plain = { finishRequest: (request: { destroy(): void }) => request.destroy() };
    expect((await failure('ws', createServer(), plain)).message).toBe('socket hang up');
  });
});
