/**
 * A peer with the API of `ws`: `ws` itself, or the product facing itself.
 * Arguments: role (client | server), transport, module. See support/puppet.mjs for the protocol.
 */
import { readFileSync } from 'node:fs';
import { listen } from '../support/listen.mjs';
import { load } from '../support/subject.mjs';
import { connectOnOrder, obeyed, report, serveOnOrder } from './stage.mjs';

const [role, transport, moduleName] = process.argv.slice(2);
const certificate = { cert: process.env.INTEROP_CERT, key: process.env.INTEROP_KEY };
const api = load(moduleName);

function sendInFragments(socket, parts) {
  for (const [at, part] of parts.entries()) socket.send(part, { fin: at === parts.length - 1 });
}

function ping(socket, payload) {
  socket.once('pong', (echo) => socket.send(`pong ${echo}`));
  socket.ping(payload);
}

function play(socket, id) {
  const orders = {
    close: (parameters) => socket.close(...parameters),
    drop: () => socket.terminate(),
    fragments: (parts) => sendInFragments(socket, parts),
    ping: (payload) => ping(socket, payload),
  };
  const opened = () => report({ id, opened: { protocol: socket.protocol } });
  if (socket.readyState === api.OPEN) opened();
  else socket.on('open', opened);
  socket.on('message', (data, isBinary) => {
    if (isBinary || !obeyed(`${data}`, orders)) socket.send(data, { binary: isBinary });
  });
  socket.on('error', (error) => report({ id, failed: error.message }));
  socket.on('close', (code, reason) => report({ id, closed: { code, reason: `${reason}` } }));
}

/** Without `deflate`, whatever it does by default. */
const compression = (deflate) => (deflate ? { perMessageDeflate: deflate } : {});

async function serve(deflate) {
  const onConnection = (socket, request) => play(socket, request.url);
  const server = await listen(api, transport, certificate, onConnection, compression(deflate));
  return server.base;
}

function connect({ id, url, protocols, deflate }) {
  const options = transport === 'tls' ? { ca: readFileSync(certificate.cert) } : {};
  play(new api.WebSocket(url, protocols, { ...options, ...compression(deflate) }), id);
}

if (role === 'server') serveOnOrder(serve);
else connectOnOrder(connect);
