/** A server of market data that can be killed, stalled and restarted, and that can refuse clients. */

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type WebSocket from '../../src/index.js';
import { WebSocketServer } from '../../src/index.js';
import type { Scope } from './scope.js';

/** What it answers to an opening handshake that it refuses. */
interface Refusal {
  readonly status: number;
  readonly fields?: readonly string[];
}

export class QuoteServer {
  /** The header field Authorization of each attempt. */
  readonly tokens: (string | undefined)[] = [];
  /** What clients have sent. */
  readonly subscriptions: string[] = [];
  /** Decides about each attempt. */
  refuse: (request: IncomingMessage) => Refusal | undefined = () => undefined;
  /** Connections of TCP that have not ended. */
  readonly sockets = new Set<Socket>();
  port = 0;
  private readonly wss = new WebSocketServer({ noServer: true });
  private http: Server | undefined;

  /** Starts a server. It ends with the test. */
  static async start(scope: Scope): Promise<QuoteServer> {
    const server = new QuoteServer();
    scope.later(() => server.kill());
    await server.start();
    return server;
  }

  /** Listens: the first time on a free port, later on the same one. */
  async start(): Promise<void> {
    const http = createServer();
    this.http = http;
    http.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
    });
    http.on('upgrade', (request, socket, head) => this.upgrade(request, socket as Socket, head));
    await new Promise<void>((done) => http.listen(this.port, '127.0.0.1', done));
    this.port = (http.address() as AddressInfo).port;
  }

  /** As the end of its process: all connections are reset, and the port is closed. */
  async kill(): Promise<void> {
    const { http } = this;
    if (http === undefined) return;
    this.http = undefined;
    const closed = new Promise((done) => http.close(done));
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }

  /** It reads and answers no more, but TCP goes on. */
  stall(): void {
    for (const socket of this.sockets) socket.pause();
  }

  send(text: string): void {
    for (const client of this.wss.clients) client.send(text);
  }

  close(code: number, reason?: string): void {
    for (const client of this.wss.clients) client.close(code, reason);
  }

  private upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.tokens.push(request.headers.authorization);
    const refusal = this.refuse(request);
    if (refusal !== undefined) {
      const { status, fields = [] } = refusal;
      const lines = [`HTTP/1.1 ${status} No`, 'Content-Length: 0', 'Connection: close', ...fields];
      socket.end(`${lines.join('\r\n')}\r\n\r\n`);
      return;
    }
    this.wss.handleUpgrade(request, socket, head, (client: WebSocket) => {
      client.on('error', () => undefined);
      client.on('message', (data: unknown) => this.subscriptions.push(String(data)));
    });
  }
}
