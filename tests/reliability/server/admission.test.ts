/** Origins, and a server that closes: H21 and H22 of THREATS.md. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { Hall } from '../../support/echo-server.js';
import { Inbox, until } from '../../support/inbox.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { expectAccepted, refusalOf, SECRET, useServer } from './scene.js';

const scope = useScope();
const { ownServer } = useServer(scope);

describe('H21, H22: who may come in', () => {
  test('H21: verifyClient sees the origin and may refuse with 401 or 403', async () => {
    const origins: unknown[] = [];
    const hall = new Hall(scope(), {
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
    expect((await refusalOf(hall.call(from('http://evil.example')))).status).toBe(401);
    expect((await refusalOf(hall.call(upgradeRequest()))).status).toBe(401);
    await expectAccepted(hall.call(from('http://good.example')));
    expect(origins).toEqual([
      ['http://evil.example', false, '/chat'],
      [undefined, false, '/chat'],
      ['http://good.example', false, '/chat'],
    ]);

    const strict = new Hall(scope(), {
      verifyClient: (info: { origin?: string }, callback: (ok: boolean, code?: number) => void) =>
        callback(info.origin === 'http://good.example', 403),
    });
    expect((await refusalOf(strict.call(from('http://evil.example')))).status).toBe(403);
    await expectAccepted(strict.call(from('http://good.example')));
  });

  test('H21: without verifyClient every origin is accepted', async () => {
    const hall = new Hall(scope());
    for (const origin of ['http://evil.example', 'null', '']) {
      await expectAccepted(hall.call(upgradeRequest({ add: [['Origin', origin]] })));
    }
  });

  test('H22: a handshake while the server closes is answered 503', async () => {
    const hall = new Hall(scope(), { noServer: true });
    hall.http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      hall.wss.handleUpgrade(request, socket, head, (ws) => hall.admit(ws, request));
    });
    const first = hall.call(upgradeRequest());
    await expectAccepted(first);
    let closed = false;
    hall.wss.close(() => {
      closed = true;
    });
    expect((await refusalOf(hall.call(upgradeRequest() + SECRET))).status).toBe(503);
    expect(closed).toBe(false);
    first.wire.end();
    await until(() => closed, 'the server to close');
    expect((await refusalOf(hall.call(upgradeRequest()))).status).toBe(503);
    expect(hall.requests).toEqual([]);
  });

  test('H22: nor is one that was being verified when the server closed', async () => {
    const answers: ((ok: boolean) => void)[] = [];
    const { wss, port } = await ownServer({
      verifyClient: (_info: unknown, answer: (ok: boolean) => void) => answers.push(answer),
    });
    const inbox = new Inbox(await scope().dial(port));
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
