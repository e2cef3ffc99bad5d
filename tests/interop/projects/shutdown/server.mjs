/**
 * A server that a signal of its parent (a line on standard input) shuts down in one tick: it sends,
 * closes each WebSocket with 1001, and has a package, or Node itself, take the sockets away.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createHttpTerminator } from 'http-terminator';
import enableDestroy from 'server-destroy';
import stoppable from 'stoppable';
import { WebSocketServer } from 'ws6455';

const { way, tls, options, sends } = JSON.parse(process.argv[2]);

const server = tls
  ? createSecureServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) })
  : createServer();

/** Ends every socket by the method of this name, and the server. */
function byMethod(name) {
  const sockets = new Set();
  server.on(tls ? 'secureConnection' : 'connection', (socket) => sockets.add(socket));
  return () => {
    server.close();
    for (const socket of sockets) socket[name]();
  };
}

/** Each prepares the server and gives what stops it. */
const WAYS = {
  'http-terminator'() {
    const terminator = createHttpTerminator({ server });
    return () => terminator.terminate();
  },
  'server-destroy'() {
    enableDestroy(server);
    return () => server.destroy();
  },
  stoppable() {
    stoppable(server);
    return () => server.stop();
  },
  'stoppable without grace'() {
    stoppable(server, 0);
    return () => server.stop();
  },
  'socket.end()': () => byMethod('end'),
  'socket.destroy()': () => byMethod('destroy'),
  'socket.destroySoon()': () => byMethod('destroySoon'),
  'wss.close() alone': () => () => server.close(),
};

const stop = WAYS[way]();
const wss = new WebSocketServer({ server, ...options });
wss.on('connection', (ws) => ws.on('error', (error) => console.error(error)));

process.stdin.once('data', () => {
  process.stdin.destroy();
  wss.close();
  for (const ws of wss.clients) {
    for (const text of sends) ws.send(text);
    ws.close(1001, 'going away');
  }
  stop();
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
