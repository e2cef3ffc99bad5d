// Members of the program's own are added to what the package declares.
import { strictEqual } from 'node:assert';
import { type WebSocket, WebSocketServer } from 'ws6455';

declare module 'ws6455' {
  interface WebSocket {
    userId?: string;
  }
  interface ServerOptions {
    region?: string;
  }
}

const server = new WebSocketServer({ noServer: true, region: 'north' });
server.on('connection', (socket: WebSocket) => {
  socket.userId = 'new';
});
strictEqual(server.options.region, 'north');
