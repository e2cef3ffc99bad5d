// `import WebSocket, { … } from`: in ESM, and in CommonJS with esModuleInterop.
import { deepStrictEqual, strictEqual } from 'node:assert';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { ClientOptions, RawData, ServerOptions } from 'ws6455';
import WebSocket, { WebSocketServer } from 'ws6455';

const options: ServerOptions = { port: 0, host: '127.0.0.1', maxPayload: undefined };
const clientOptions: ClientOptions = { perMessageDeflate: false, handshakeTimeout: 5000 };

function text(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString('utf8') : '';
}

async function main(): Promise<void> {
  const server: WebSocketServer = new WebSocketServer(options);
  const sockets: WebSocket[] = [];
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client: WebSocket = new WebSocket(`ws://127.0.0.1:${port}`, clientOptions);
  const answered = new Promise<string>((resolve, reject) => {
    client.once('message', (data: WebSocket.RawData) => resolve(text(data)));
    client.once('error', reject);
  });
  client.on('open', () => client.send('Grüße'));
  strictEqual(await answered, 'Grüße');
  client.close(1000, 'done');
  const [code, reason] = await once(client, 'close');
  deepStrictEqual([code, `${reason}`], [1000, 'done']);
  strictEqual(sockets.length, 1);
  server.close();
}

void main();
