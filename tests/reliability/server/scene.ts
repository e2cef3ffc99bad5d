/** What the tests of this folder send to a server, and what they expect of it. */

import type { AddressInfo } from 'node:net';
import { expect } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { EchoServer } from '../../support/echo-server.js';
import { frame, KEY } from '../../support/frames.js';
import { type HttpMessage, type Inbox, show, until } from '../../support/inbox.js';
import type { RawClient } from '../../support/raw-client.js';
import { SAMPLE_ACCEPT } from '../../support/requests.js';
import type { Scope } from '../../support/scope.js';
import type { Loose, ServerOptions, WebSocketInstance } from '../../support/websockets.js';

/** A plain request that must never be served when it comes behind a handshake. */
export const SECRET = 'GET /secret HTTP/1.1\r\nHost: server.example.com\r\n\r\n';
export const text = (payload: string): Buffer => frame({ payload, mask: KEY });
export const echo = (payload: string): Buffer => frame({ payload });

/** The one response that a caller got, with its connection closed behind it. */
export async function refusalOf({ inbox }: { inbox: Inbox }): Promise<HttpMessage> {
  const response = await inbox.message();
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(show(await inbox.rest())).toBe('');
  expect(response.body).toHaveLength(Number(response.all('content-length')[0] ?? 0));
  return response;
}

/** Refused with one of these, or dropped by the HTTP parser without a word. */
export async function expectRefused(client: RawClient, statuses: number[]): Promise<void> {
  await until(
    () => client.inbox.peek().includes('\r\n\r\n') || client.inbox.ended,
    () => `an answer; there came: ${show(client.inbox.peek())}`,
  );
  if (client.inbox.peek().length === 0) return;
  const response = await refusalOf(client);
  expect(statuses).toContain(response.status);
  expect(response.all('connection')).toEqual(['close']);
}

export async function expectAccepted({ inbox }: { inbox: Inbox }): Promise<HttpMessage> {
  const response = await inbox.message();
  expect(response.startLine).toBe('HTTP/1.1 101 Switching Protocols');
  expect(response.all('sec-websocket-accept')).toEqual([SAMPLE_ACCEPT]);
  return response;
}

export function useServer(scope: () => Scope) {
  /** Every one of these requests is refused, and the application gets none. */
  async function expectAllRefused(
    requests: (Buffer | string)[],
    statuses: number[],
    options: Loose = {},
  ): Promise<void> {
    const server = new EchoServer(scope(), options);
    for (const request of requests) {
      try {
        await expectRefused(server.connect(request), statuses);
      } catch (error) {
        if (error instanceof Error)
          error.message = `${show(Buffer.from(request))}\n${error.message}`;
        throw error;
      }
    }
    expect(server.accepted).toHaveLength(0);
    expect(server.requests).toEqual([]);
  }

  /** A WebSocketServer made by `port`, on a free one. */
  async function ownServer(options: Loose = {}) {
    const wss = new WebSocket.WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      ...options,
    } as ServerOptions);
    let connections = 0;
    wss.on('connection', (ws: WebSocketInstance) => {
      connections += 1;
      ws.on('error', () => {});
      ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }));
    });
    await new Promise<void>((listening) => wss.once('listening', () => listening()));
    scope().later(async () => {
      for (const ws of wss.clients) ws.terminate();
      await new Promise<void>((done) => wss.close(() => done()));
    });
    const { port } = wss.address() as AddressInfo;
    return { wss, port, connections: () => connections };
  }

  return { expectAllRefused, ownServer };
}
