// `await import()`: the default is the class, in ESM and in CommonJS.
import { strictEqual } from 'node:assert';

async function main(): Promise<void> {
  const { default: WebSocket, WebSocketServer } = await import('ws6455');
  const server: import('ws6455').WebSocketServer = new WebSocketServer({ noServer: true });
  strictEqual(server instanceof WebSocketServer, true);
  strictEqual(WebSocket.OPEN, 1);
}

void main();
