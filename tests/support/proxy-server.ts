/** Proxies of the tests' own: one that works, and raw ones that send what a test says. */

import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { until } from './inbox.js';
import type { Scope } from './scope.js';

/** Both ways, until one side ends. */
function join(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}

export interface WorkingProxy {
  readonly port: number;
  /** The requests CONNECT, in their order. */
  readonly requests: IncomingMessage[];
}

/** An HTTP proxy that connects to `127.0.0.1`, whatever the host is. With a certificate it has TLS. */
export async function httpProxy(
  scope: Scope,
  tls?: { cert: string; key: string },
): Promise<WorkingProxy> {
  const requests: IncomingMessage[] = [];
  const server = tls ? createSecureServer(tls) : createServer();
  server.on('tlsClientError', () => {});
  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    requests.push(request);
    const port = Number(/\d+$/.exec(request.url ?? '')?.[0]);
    const onward = connect({ port, host: '127.0.0.1' }, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      join(socket, onward);
    });
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    socket.on('error', () => onward.destroy());
    scope.later(() => onward.destroy());
  });
  return { port: await scope.listen(server), requests };
}

/** A TCP server whose connections the test answers. */
export class RawProxy {
  readonly connections: Socket[] = [];
  /** What the last connection has received. */
  received = Buffer.alloc(0);
  closed = 0;
  port = 0;

  static async start(scope: Scope, onConnection: (socket: Socket) => void = () => {}) {
    const proxy = new RawProxy();
    const server = createTcpServer({ noDelay: true }, (socket) => {
      proxy.connections.push(socket);
      proxy.received = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('close', () => proxy.closed++);
      socket.on('data', (chunk: Buffer) => {
        proxy.received = Buffer.concat([proxy.received, chunk]);
      });
      onConnection(socket);
    });
    proxy.port = await scope.listen(server);
    return proxy;
  }

  /** Resolves when the request CONNECT, or that many bytes, are received. */
  async asked(bytes?: number): Promise<Socket> {
    const isComplete = (): boolean =>
      bytes === undefined ? this.received.includes('\r\n\r\n') : this.received.length >= bytes;
    await until(isComplete, 'the request to the proxy');
    return this.connections.at(-1) as Socket; // it has sent the request
  }
}
