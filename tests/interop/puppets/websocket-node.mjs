/** npm's websocket. Arguments: role, transport. See support/puppet.mjs for the protocol. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import websocket from 'websocket';
import { connectOnOrder, obeyed, report, serveOnOrder } from './stage.mjs';
import { SUBPROTOCOL } from './subprotocol.mjs';

const { INTEROP_CERT, INTEROP_KEY } = process.env;
const [role, transport] = process.argv.slice(2);
const secure = transport === 'tls';
const LIMITS = { maxReceivedFrameSize: 2 ** 22, maxReceivedMessageSize: 2 ** 22 };

/** A text of more bytes than the threshold leaves in frames of that size. */
function sendInFragments(connection, parts) {
  connection.config.fragmentationThreshold = parts[0].length;
  connection.sendUTF(parts.join(''));
}

function ping(connection, payload) {
  connection.once('pong', (echo) => connection.sendUTF(`pong ${echo}`));
  connection.ping(payload);
}

function play(connection, id) {
  const orders = {
    close: ([code, reason]) => connection.close(code, reason),
    drop: () => connection.socket.destroy(),
    fragments: (parts) => sendInFragments(connection, parts),
    ping: (payload) => ping(connection, payload),
  };
  report({ id, opened: { protocol: connection.protocol ?? '' } });
  connection.on('message', ({ utf8Data, binaryData }) => {
    if (!obeyed(utf8Data, orders)) connection.send(utf8Data ?? binaryData);
  });
  connection.on('error', () => {});
  // The reason of 1006 is its own, not the peer's.
  connection.on('close', (code, text) => {
    report({ id, closed: { code, reason: code === 1006 ? '' : text } });
  });
}

function accept(request) {
  const known = request.requestedProtocols.includes(SUBPROTOCOL);
  play(request.accept(known ? SUBPROTOCOL : null, request.origin), request.resource);
}

async function serve() {
  const httpServer = secure
    ? createSecureServer({ cert: readFileSync(INTEROP_CERT), key: readFileSync(INTEROP_KEY) })
    : createServer();
  new websocket.server({
    httpServer,
    ...LIMITS,
  }).on('request', accept);
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');
  return `${secure ? 'wss' : 'ws'}://127.0.0.1:${httpServer.address().port}`;
}

function connect({ id, url, protocols }) {
  const tlsOptions = secure ? { ca: readFileSync(INTEROP_CERT) } : {};
  const client = new websocket.client({ tlsOptions, ...LIMITS });
  client.on('connect', (connection) => play(connection, id));
  client.on('connectFailed', (error) => report({ id, failed: error.message }));
  client.connect(url, protocols);
}

if (role === 'server') serveOnOrder(serve);
else connectOnOrder(connect);
