/** Deno's own server. Argument: transport. See support/puppet.mjs for the protocol. */
import { readFileSync } from 'node:fs';
import { obeyed, report, serveOnOrder } from './stage.mjs';
import { SUBPROTOCOL } from './subprotocol.mjs';

const { INTEROP_CERT, INTEROP_KEY } = process.env;
const secure = process.argv[2] === 'tls';
const tls = secure
  ? { cert: readFileSync(INTEROP_CERT, 'utf8'), key: readFileSync(INTEROP_KEY, 'utf8') }
  : {};

/** Of the subprotocol it agreed on, Deno's end of a connection says nothing. */
function play(socket, id, protocol = '') {
  const orders = {
    close: (parameters) => socket.close(...parameters),
    drop: () => process.exit(),
  };
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => report({ id, opened: { protocol } });
  socket.onmessage = ({ data }) => obeyed(data, orders) || socket.send(data);
  socket.onclose = ({ code, reason }) => report({ id, closed: { code, reason } });
  socket.onerror = () => {};
}

function answer(request) {
  const offered = request.headers.get('sec-websocket-protocol') ?? '';
  const protocol = offered.split(/, */).find((name) => name === SUBPROTOCOL);
  const { socket, response } = Deno.upgradeWebSocket(request, { protocol });
  play(socket, new URL(request.url).pathname, protocol);
  return response;
}

serveOnOrder(() => {
  const server = Deno.serve({ port: 0, hostname: '127.0.0.1', onListen() {}, ...tls }, answer);
  return `${secure ? 'wss' : 'ws'}://127.0.0.1:${server.addr.port}`;
});
