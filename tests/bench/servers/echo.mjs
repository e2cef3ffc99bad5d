/** The application that ws and its drop-in run, to the letter. */
import { announce } from './announce.mjs';

export function serveEcho(WebSocketServer, version) {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    maxPayload: 16 * 1024 * 1024,
  });
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return announce(server, version);
}
