/** Closing a server: no client and no callback keeps it from closing. */

import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { next } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

async function ownServer(options: object = {}) {
  const wss = new WebSocket.WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  scope().later(() => wss.close());
  await next(wss, 'listening');
  const { port } = wss.address() as AddressInfo;
  return { wss, port };
}

describe('close() on a port of our own', () => {
  test.each<[string, string]>([
    ['sends nothing', ''],
    ['sends half a request', 'GET / HTTP/1.1\r\nHost: a\r\n'],
  ])('waits 20 s at most for a client that %s', async (_name, bytes) => {
    const { wss, port } = await ownServer();
    const socket = await scope().connect(port);
    socket.write(bytes);
    await turns();
    clock.stop();
    let closed = false;
    wss.close(() => {
      closed = true;
    });
    clock.advance(19_999);
    await turns();
    expect(closed).toBe(false);
    clock.advance(1);
    await until(() => closed, "'close'");
    expect(clock.timerCount).toBe(0);
  });

  test('leaves WebSockets open, however long', async () => {
    const { wss, port } = await ownServer();
    const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
    await next(client, 'open');
    clock.stop();
    wss.close();
    clock.advance(20_000);
    await turns();
    const echo = next<[Buffer]>(client, 'message');
    for (const ws of wss.clients) ws.send('still here');
    expect(String((await echo)[0])).toBe('still here');
    client.terminate();
    await next(wss, 'close');
  });

  test('does not wait for a callback that never answers', async () => {
    const { wss, port } = await ownServer({ verifyClient: () => new Promise(() => {}) });
    const socket = await scope().connect(port);
    const inbox = new Inbox(socket);
    socket.write(upgradeRequest());
    await turns();
    const closed = next(wss, 'close');
    wss.close();
    expect((await inbox.message()).status).toBe(503);
    await closed;
  });
});
