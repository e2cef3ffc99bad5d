/** What the programs of this folder listen on and connect with; it is closed after each test. */

import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from '@jest/globals';

import WebSocket = require('../../src/index.js');

type WebSocketServer = WebSocket.WebSocketServer;

/** The port of a server that listens, or is about to. */
export async function portOf(server: WebSocketServer | HttpServer): Promise<number> {
  if (server.address() === null) await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The next message as text. */
export async function message(ws: WebSocket): Promise<string> {
  const [data] = (await once(ws, 'message')) as [Buffer];
  return data.toString();
}

export const turn = (): Promise<void> => new Promise((go) => setImmediate(go));

export function useCleanup() {
  const open: { close(): Promise<void> }[] = [];

  afterEach(async () => {
    for (let one = open.pop(); one !== undefined; one = open.pop()) await one.close();
  });

  /** Closed when the test is over, with its connections. */
  function closing(wss: WebSocketServer): WebSocketServer {
    const sockets = new Set<WebSocket>();
    wss.on('connection', (ws: WebSocket) => sockets.add(ws));
    const close = async (): Promise<void> => {
      for (const ws of sockets) ws.terminate();
      await new Promise<void>((done) => wss.close(() => done()));
    };
    open.push({ close });
    return wss;
  }

  async function listening(http: HttpServer): Promise<number> {
    const close = async (): Promise<void> => {
      http.closeAllConnections();
      await new Promise<void>((done) => http.close(() => done()));
    };
    open.push({ close });
    http.listen(0);
    return portOf(http);
  }

  /** A client that is closed when the test is over. */
  function client(
    url: string,
    protocols?: string | string[],
    options?: WebSocket.ClientOptions,
  ): WebSocket {
    const ws = new WebSocket(url, protocols, options);
    ws.on('error', () => {});
    const close = async (): Promise<void> => {
      if (ws.readyState === WebSocket.CLOSED) return;
      const closed = new Promise((done) => ws.on('close', done));
      ws.terminate();
      await closed;
    };
    open.push({ close });
    return ws;
  }

  return { open, closing, listening, client };
}
