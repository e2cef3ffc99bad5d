/** npm `websocket`, with its native helpers where they load. */
import { createRequire } from 'node:module';
import websocket from 'websocket';
import { announce } from './announce.mjs';
import { httpServer as createHttpServer } from './http.mjs';
import { join, leave } from './rooms.mjs';

const LIMIT = 16 * 1024 * 1024;
const { version } = createRequire(import.meta.url)('websocket/package.json');
const httpServer = createHttpServer();
const server = new websocket.server({
  httpServer,
  autoAcceptConnections: true,
  maxReceivedFrameSize: LIMIT,
  maxReceivedMessageSize: LIMIT,
});

server.on('connect', (connection) => {
  const send = (data) => connection.send(data);
  const receive = join(send);
  connection.on('message', ({ utf8Data, binaryData }) => receive(utf8Data ?? binaryData));
  connection.on('close', () => leave(send));
});

await announce(httpServer, version);
