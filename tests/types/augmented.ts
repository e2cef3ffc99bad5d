/** Members of the program's own, added to what the package declares. */

import type WebSocket from 'ws';
import type { WebSocketServer, WebSocket as WS } from 'ws';

declare module 'ws' {
  interface WebSocket {
    userId?: string | undefined;
  }
  interface WebSocketServer {
    started?: Date | undefined;
  }
  interface ServerOptions {
    region?: string | undefined;
  }
  interface ClientOptions {
    trace?: boolean | undefined;
  }
  interface MessageEvent {
    receivedAt?: number | undefined;
  }
}

export function user(socket: WS): string | undefined {
  return socket.userId;
}

export function hear(socket: WebSocket, options: WebSocket.ClientOptions): void {
  socket.onopen = ({ target }) => target.userId?.trim();
  options.finishRequest = (request, { userId }) => request.end(userId);
}

export function listen(server: WebSocketServer, options: WebSocket.ClientOptions): boolean {
  server.on('connection', (socket: WS) => {
    socket.userId = 'new';
  });
  server.on('message', (event: WebSocket.MessageEvent) => event.receivedAt?.toFixed());
  console.log(server.started, server.options.region);
  return options.trace === true;
}
