/** The application that ws and its drop-in run, to the letter. */
import { createServer } from 'node:https';
import { announce, certificate, copiesAsked, numberedMessages, options } from './announce.mjs';

const { mode, deflate, tls, awaited } = options();

function where() {
  const place = { host: '127.0.0.1', port: 0 };
  if (!tls) return place;
  return { server: createServer({ ...certificate(), noDelay: true }).listen(place) };
}

function echo(socket) {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

function echoLater(socket) {
  socket.on('message', async (data, isBinary) => {
    await null;
    socket.send(data, { binary: isBinary });
  });
}

function behaviour(server) {
  if (mode === 'broadcast') return broadcast(server);
  return awaited ? echoLater : echo;
}

/** ws has no call for this: its documentation shows the loop. */
function broadcaster(server) {
  if (typeof server.broadcast === 'function') return (data) => server.broadcast(data);
  return (data) => {
    for (const client of server.clients) client.send(data);
  };
}

function broadcast(server) {
  const [next, send] = [numberedMessages(), broadcaster(server)];
  return (socket) => {
    socket.on('message', (data) => {
      for (let left = copiesAsked(data.toString()); left > 0; left--) send(next());
    });
  };
}

export function serve(WebSocketServer, version) {
  const server = new WebSocketServer({
    ...where(),
    perMessageDeflate: deflate ? { threshold: 0 } : false,
    maxPayload: 16 * 1024 * 1024,
  });
  server.on('connection', behaviour(server));
  return announce(server, version);
}
