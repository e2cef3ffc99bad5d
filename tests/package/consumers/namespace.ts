// `import * as`: the class and its companions are names on it.
import { strictEqual } from 'node:assert';
import * as WS from 'ws6455';

const options: WS.ServerOptions = { noServer: true };
const server: WS.WebSocketServer = new WS.WebSocketServer(options, undefined);
const open: 0 | 1 | 2 | 3 = WS.WebSocket.OPEN;

export function first(socket: WS.WebSocket, data: WS.RawData): void {
  socket.send(data);
}

strictEqual(open, 1);
strictEqual(server.clients?.size, 0);
