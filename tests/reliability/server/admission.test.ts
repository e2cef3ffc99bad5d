/** Origins, and a server that closes: H21 and H22 of THREATS.md. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { EchoServer } from '../../support/echo-server.js';
import { Inbox, until } from '../../support/inbox.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { expectAccepted, refusalOf, SECRET, useServer } from './scene.js';

const scope = useScope();
const { ownServer } = useServer(scope);

describe('H21, H22: who may come in', () => {
  test('H21: verifyClient sees the origin and may refuse with 401 or 403', async () => {
    const origins: unknown[] = [];
    const server = new EchoServer(scope(), {
      verifyClient: ({
        origin,
        secure,
        req,
      }: {
        origin?: string;
        secure: boolean;
        req: IncomingMessage;
      }) => {
        origins.push([origin, secure, req.url]);
        return origin === 'http://good.example';
      },
    });
    const from = (origin: string): string => upgradeRequest({ add: [['Origin', origin]] });
    expect((await refusalOf(server.connect(from('http://evil.example')))).status).toBe(401);
    expect((await refusalOf(server.connect(upgradeRequest()))).status).toBe(401);
    await expectAccepted(server.connect(from('http://good.example')));
    expect(origins).toEqual([
      ['http://evil.example', false, '/chat'],
      [undefined, false, '/chat'],
      ['http://good.example', false, '/chat'],
    ]);

    const strict = new EchoServer(scope(), {
      verifyClient: (info: { origin?: string }, callback: (ok: boolean, code?: number) => void) =>
        callback(info.origin === 'http://good.example', 403),
    });
    expect((await refusalOf(strict.connect(from('http://evil.example')))).status).toBe(403);
    await expectAccepted(strict.connect(from('http://good.example')));
  });

  test('H21: without verifyClient every origin is accepted', async () => {
    const server = new EchoServer(scope());
    for (const origin of ['http://evil.example', 'null', '']) {
      await expectAccepted(server.connect(upgradeRequest({ add: [['Origin', origin]] })));
    }
  });

  test('H22: a handshake while the server closes is answered 503', async () => {
    const server = new EchoServer(scope(), { noServer: true });
    server.http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      server.wss.handleUpgrade(request, socket, head, (ws) => server.accept(ws, request));
    });
    const first = server.connect(upgradeRequest());
    await expectAccepted(first);
    let closed = false;
    server.wss.close(() => {
      closed = true;
    });
    expect((await refusalOf(server.connect(upgradeRequest() + SECRET))).status).toBe(503);
    expect(closed).toBe(false);
    first.wire.end();
    await until(() => closed, 'the server to close');
    expect((await refusalOf(server.connect(upgradeRequest()))).status).toBe(503);
    expect(server.requests).toEqual([]);
  });

  test('H22: nor is one that was being verified when the server closed', async () => {
    const answers: ((ok: boolean) => void)[] = [];
    const { wss, port } = await ownServer({
      verifyClient: (_info: unknown, answer: (ok: boolean) => void) => answers.push(answer),
    });
    const inbox = new Inbox(await scope().connect(port));
    inbox.stream.write(upgradeRequest());
    await until(() => answers.length === 1, 'verifyClient to be asked');
    let closed = false;
    wss.close(() => {
      closed = true;
    });
    answers[0]?.(true);
    expect((await refusalOf({ inbox })).status).toBe(503);
    await until(() => closed, 'the server to close');
  });
});
