/** Certificates and server names: C14 of THREATS.md. */

import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { until } from '../../support/inbox.js';
import { upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { type ClientOptions, type Loose, recordEvents } from '../../support/websockets.js';
import { hello } from './scene.js';

const scope = useScope();

describe('C14: TLS', () => {
  const pem = (name: string): string =>
    readFileSync(join(__dirname, `../../support/tls/localhost-${name}.pem`), 'utf8');
  const [cert, key] = [pem('cert'), pem('key')];

  /** A server that speaks TLS with the certificate for `localhost`, and answers every handshake. */
  async function tlsServer() {
    const names: (string | false | null)[] = [];
    const server = createHttpsServer({ cert, key });
    server.on('tlsClientError', () => {});
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => {});
      names.push((socket as TLSSocket & { servername?: string | false }).servername ?? null);
    });
    server.on('upgrade', (request, socket) => {
      socket.on('error', () => {});
      socket.write(upgradeResponse(request.headers['sec-websocket-key'] ?? ''));
      socket.write(hello);
    });
    return { port: await scope().listen(server, 'localhost'), names };
  }

  async function outcome(url: string, options: Loose = {}) {
    const ws = scope().track(new WebSocket(url, options as ClientOptions));
    const errors: NodeJS.ErrnoException[] = [];
    ws.on('error', (error) => errors.push(error));
    const events = recordEvents(ws);
    await until(
      () => events.length >= 2,
      () => `an outcome; events: ${events}`,
    );
    return { events, code: errors[0]?.code ?? '' };
  }

  const failed = [expect.stringMatching(/^error /), 'close 1006'];

  test('C14: a self-signed certificate is refused by default', async () => {
    const { port } = await tlsServer();
    const { events, code } = await outcome(`wss://localhost:${port}/`);
    expect(events).toEqual(failed);
    expect(code).toMatch(/SELF_SIGNED/);
  });

  test('C14: a certificate that is trusted is accepted, and the host is named to the server', async () => {
    const { port, names } = await tlsServer();
    const { events } = await outcome(`wss://localhost:${port}/`, { ca: cert });
    expect(events).toEqual(['open', 'message Hello']);
    // RFC 6455 §4.1: clients MUST use Server Name Indication.
    expect(names).toEqual(['localhost']);
  });

  test('C14: a certificate for another host is refused', async () => {
    const { port } = await tlsServer();
    const lookup = { servername: 'other.example.com', ca: cert };
    const { events, code } = await outcome(`wss://localhost:${port}/`, lookup);
    expect(events).toEqual(failed);
    expect(code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('C14: a certificate for a name is refused for an address', async () => {
    const server = createHttpsServer({ cert, key });
    server.on('tlsClientError', () => {});
    const port = await scope().listen(server);
    const { events, code } = await outcome(`wss://127.0.0.1:${port}/`, { ca: cert });
    expect(events).toEqual(failed);
    expect(code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('C14: rejectUnauthorized: false is the way to trust anybody', async () => {
    const { port } = await tlsServer();
    const options = { rejectUnauthorized: false };
    const { events } = await outcome(`wss://localhost:${port}/`, options);
    expect(events).toEqual(['open', 'message Hello']);
  });

  test('C14: a plain server behind wss is refused', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    });
    const port = await scope().listen(server);
    expect((await outcome(`wss://127.0.0.1:${port}/`)).events).toEqual(failed);
  });

  test('C14: a TLS server behind ws is refused', async () => {
    const { port } = await tlsServer();
    expect((await outcome(`ws://localhost:${port}/`)).events).toEqual(failed);
  });

  test.each([0, 1, 5, 50])(
    'C14: RST behind %d bytes of the TLS handshake is refused',
    async (length) => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => {
          if (length === 0) socket.resetAndDestroy();
          else {
            const record = Buffer.concat([Buffer.from([22, 3, 3, 1, 0, 2]), Buffer.alloc(60)]);
            socket.write(record.subarray(0, length), () => socket.resetAndDestroy());
          }
        });
      });
      const port = await scope().listen(server);
      expect((await outcome(`wss://127.0.0.1:${port}/`)).events).toEqual(failed);
    },
  );
});
