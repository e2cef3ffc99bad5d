/** Bun's own server. Argument: transport. See support/puppet.mjs for the protocol. */
import { readFileSync } from 'node:fs';
import { obeyed, report, serveOnOrder } from './stage.mjs';
import { SUBPROTOCOL } from './subprotocol.mjs';

const { INTEROP_CERT, INTEROP_KEY } = process.env;
const secure = process.argv[2] === 'tls';
const tls = secure
  ? { cert: readFileSync(INTEROP_CERT, 'utf8'), key: readFileSync(INTEROP_KEY, 'utf8') }
  : undefined;

/** With shared contexts it lets no side take anything over. */
const DEDICATED = { compress: 'dedicated', decompress: 'dedicated' };

function upgrade(request, server) {
  const offered = request.headers.get('sec-websocket-protocol') ?? '';
  const protocol = offered.split(/, */).find((name) => name === SUBPROTOCOL);
  const headers = protocol ? { 'Sec-WebSocket-Protocol': protocol } : {};
  server.upgrade(request, { headers, data: { id: new URL(request.url).pathname, protocol } });
}

function onMessage(socket, message) {
  const orders = {
    close: (parameters) => socket.close(...parameters),
    drop: () => socket.terminate(),
    ping: (payload) => socket.ping(payload),
  };
  // What was not agreed on is not compressed.
  if (!obeyed(message, orders)) socket.send(message, true);
}

const websocket = {
  open: ({ data: { id, protocol = '' } }) => report({ id, opened: { protocol } }),
  message: onMessage,
  pong: (socket, payload) => socket.send(`pong ${payload}`),
  close: ({ data: { id } }, code, reason) => report({ id, closed: { code, reason } }),
};

serveOnOrder((deflate) => {
  const { port } = Bun.serve({
    ...{ port: 0, hostname: '127.0.0.1', tls, fetch: upgrade },
    websocket: { ...websocket, perMessageDeflate: deflate ? DEDICATED : false },
  });
  return `${secure ? 'wss' : 'ws'}://127.0.0.1:${port}`;
});
