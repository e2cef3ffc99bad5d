/**
 * A peer with the API of `ws`: `ws` itself, or the product facing itself.
 * Arguments: role (client | server), transport, module. See support/puppet.mjs for the protocol.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { listen } from '../support/listen.mjs';
import { load } from '../support/subject.mjs';

const [role, transport, moduleName] = process.argv.slice(2);
const certificate = { cert: process.env.INTEROP_CERT, key: process.env.INTEROP_KEY };
const api = load(moduleName);

function report(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const orders = {
  close: (socket, parameters) => socket.close(...parameters),
  drop: (socket) => socket.terminate(),
  fragments: (socket, parts) =>
    parts.forEach((part, at) => {
      socket.send(part, { fin: at === parts.length - 1 });
    }),
  ping: (socket, payload) => {
    socket.once('pong', (echo) => socket.send(`pong ${echo}`));
    socket.ping(payload);
  },
};

function onMessage(socket, data, isBinary) {
  const text = isBinary ? '' : data.toString();
  if (!text.startsWith('do:')) return socket.send(data, { binary: isBinary });
  for (const [name, parameters] of Object.entries(JSON.parse(text.slice(3)))) {
    orders[name](socket, parameters);
  }
}

function play(socket, id) {
  const opened = () => report({ id, opened: { protocol: socket.protocol } });
  if (socket.readyState === api.OPEN) opened();
  else socket.on('open', opened);
  socket.on('message', (data, isBinary) => onMessage(socket, data, isBinary));
  socket.on('error', (error) => report({ id, failed: error.message }));
  socket.on('close', (code, reason) => report({ id, closed: { code, reason: `${reason}` } }));
}

async function serve() {
  const server = await listen(api, transport, certificate, (socket, request) =>
    play(socket, request.url),
  );
  report({ base: server.base });
  process.stdin.on('end', server.close).resume();
}

function connect() {
  const options = transport === 'tls' ? { ca: readFileSync(certificate.cert) } : {};
  report({ base: '' });
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, url, protocols } = JSON.parse(line);
    play(new api.WebSocket(url, protocols, options), id);
  });
}

if (role === 'server') await serve();
else connect();
