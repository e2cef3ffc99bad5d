// `import * as` of the class itself, as code without esModuleInterop writes it.
import { strictEqual } from 'node:assert';
import * as WebSocket from 'ws6455';

const server: WebSocket.Server = new WebSocket.Server({ noServer: true });

export function reopen(url: string): WebSocket {
  return new WebSocket(url);
}

strictEqual(server instanceof WebSocket.WebSocketServer, true);
