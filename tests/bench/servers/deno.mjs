/** Deno's own server; run by Deno. */
import { announcePort, certificate, options } from './announce.mjs';
import { join, leave } from './rooms.mjs';

function upgrade(request) {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = 'arraybuffer';
  const send = (data) => socket.send(data);
  let receive = send;
  socket.onopen = () => {
    receive = join(send);
  };
  socket.onmessage = ({ data }) => receive(data);
  socket.onclose = () => leave(send);
  return response;
}

const place = { hostname: '127.0.0.1', port: 0, onListen: () => {} };
const server = Deno.serve({ ...place, ...(options().tls ? certificate() : {}) }, upgrade);

announcePort(server.addr.port, Deno.version.deno);
