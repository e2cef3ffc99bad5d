/** npm `faye-websocket`, with `permessage-deflate` where compression is asked for. */
import { createRequire } from 'node:module';
import WebSocket from 'faye-websocket';
import deflate from 'permessage-deflate';
import { announce, options } from './announce.mjs';
import { httpServer } from './http.mjs';
import { join, leave } from './rooms.mjs';

const { version } = createRequire(import.meta.url)('faye-websocket/package.json');
const extensions = options().deflate ? [deflate] : [];
const server = httpServer();

server.on('upgrade', (request, socket, head) => {
  const connection = new WebSocket(request, socket, head, [], { extensions });
  const send = (data) => connection.send(data);
  const receive = join(send);
  connection.on('message', ({ data }) => receive(data));
  connection.on('close', () => leave(send));
});

await announce(server, version);
