/** npm's faye-websocket. Arguments: role, transport. See support/puppet.mjs for the protocol. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import WebSocket from 'faye-websocket';
import permessageDeflate from 'permessage-deflate';
import { connectOnOrder, obeyed, report, serveOnOrder } from './stage.mjs';
import { SUBPROTOCOL } from './subprotocol.mjs';

const { INTEROP_CERT, INTEROP_KEY } = process.env;
const [role, transport] = process.argv.slice(2);
const secure = transport === 'tls';

/** The names that `ws` gives to the parameters, seen from this end. */
function extensions(deflate) {
  if (!deflate) return [];
  const [own, peer] = role === 'server' ? ['server', 'client'] : ['client', 'server'];
  const wanted = {
    noContextTakeover: deflate[`${own}NoContextTakeover`],
    requestNoContextTakeover: deflate[`${peer}NoContextTakeover`],
    maxWindowBits: deflate[`${own}MaxWindowBits`],
    requestMaxWindowBits: deflate[`${peer}MaxWindowBits`],
  };
  const given = Object.entries(wanted).filter(([, value]) => value !== undefined);
  return [permessageDeflate.configure(Object.fromEntries(given))];
}

function play(socket, id) {
  const orders = {
    close: (parameters) => socket.close(...parameters),
    ping: (payload) => socket.ping(payload, () => socket.send(`pong ${payload}`)),
  };
  socket.on('open', () => report({ id, opened: { protocol: socket.protocol } }));
  socket.on('message', ({ data }) => obeyed(data, orders) || socket.send(data));
  socket.on('error', ({ message }) => report({ id, failed: message }));
  socket.on('close', ({ code, reason }) => report({ id, closed: { code, reason } }));
}

async function serve(deflate) {
  const server = secure
    ? createSecureServer({ cert: readFileSync(INTEROP_CERT), key: readFileSync(INTEROP_KEY) })
    : createServer();
  server.on('upgrade', (request, socket, head) => {
    const options = { extensions: extensions(deflate) };
    play(new WebSocket(request, socket, head, [SUBPROTOCOL], options), request.url);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `${secure ? 'wss' : 'ws'}://127.0.0.1:${server.address().port}`;
}

function connect({ id, url, protocols, deflate }) {
  const tls = secure ? { ca: readFileSync(INTEROP_CERT) } : {};
  play(new WebSocket.Client(url, protocols, { tls, extensions: extensions(deflate) }), id);
}

if (role === 'server') serveOnOrder(serve);
else connectOnOrder(connect);
