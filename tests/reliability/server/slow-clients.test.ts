/** Clients that send too slowly: H16 of THREATS.md. */

import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { EchoServer } from '../../support/echo-server.js';
import { Inbox, show, until } from '../../support/inbox.js';
import { byteByByte } from '../../support/random.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import type { WebSocketInstance } from '../../support/websockets.js';
import { echo, expectAccepted, text, useServer } from './scene.js';

const scope = useScope();
const { ownServer } = useServer(scope);

describe('H16: slow clients', () => {
  const limits = { headersTimeout: 150, requestTimeout: 150, connectionsCheckingInterval: 50 };

  test('H16: 300 half requests are cut off in time, and others are served meanwhile', async () => {
    const server = new EchoServer(scope(), {}, limits);
    const port = await scope().listen(server.http);
    const accepted = new Inbox(await scope().connect(port));
    accepted.stream.write(upgradeRequest());
    await expectAccepted({ inbox: accepted });
    const half = upgradeRequest().slice(0, 60);
    const slow = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const socket = await scope().connect(port);
        if (i > 0) socket.write(half.slice(0, 1 + (i % half.length)));
        return new Inbox(socket);
      }),
    );
    accepted.stream.write(text('Hello'));
    expect(show(await accepted.take(7))).toBe(show(echo('Hello')));
    // The first one sent nothing at all: that is a connection without a request.
    await until(() => slow.slice(1).every(({ ended }) => ended), 'the slow ones to be cut off');
    accepted.stream.write(text('Hello'));
    expect(show(await accepted.take(7))).toBe(show(echo('Hello')));
    expect(server.accepted).toHaveLength(1);
  });

  test('H16: a request that drips is cut off in time', async () => {
    const server = new EchoServer(scope(), {}, limits);
    const socket = await scope().connect(await scope().listen(server.http));
    const inbox = new Inbox(socket);
    const drops = byteByByte(Buffer.from(upgradeRequest({ before: [['X', 'a'.repeat(9_000)]] })));
    const drip = setInterval(() => {
      const drop = drops.shift();
      if (drop !== undefined && socket.writable) socket.write(drop);
    }, 5);
    await inbox.rest();
    clearInterval(drip);
    expect(drops.length).toBeGreaterThan(0);
    expect(server.accepted).toHaveLength(0);
  });

  test('H16: the limits of Node stay on for a server made by `port`', async () => {
    const { wss, port } = await ownServer();
    const seen = new Promise<IncomingMessage>((resolve) => {
      wss.on('connection', (_ws: WebSocketInstance, request: IncomingMessage) => resolve(request));
    });
    (await scope().connect(port)).write(upgradeRequest());
    const { server } = (await seen).socket as Socket & { server: Server };
    expect(server.headersTimeout).toBeGreaterThan(0);
    expect(server.headersTimeout).toBeLessThanOrEqual(60_000);
    expect(server.requestTimeout).toBeGreaterThan(0);
    expect(server.requestTimeout).toBeLessThanOrEqual(300_000);
  });
});
