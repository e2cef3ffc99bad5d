/** A TCP port whose connections are passed on, byte by byte, to somewhere else. */
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';

function passOn(from, to, watch) {
  from.on('data', watch).pipe(to);
  from.on('error', () => to.destroy());
  from.on('close', () => to.end());
}

/** `target` is what `net.createConnection` takes. `onSent.client` and `.server` see each chunk. */
export async function relay(target, onSent = { client() {}, server() {} }) {
  const open = new Set();
  const relaying = createServer((client) => {
    const server = createConnection(target);
    passOn(client, server, onSent.client);
    passOn(server, client, onSent.server);
    for (const socket of [client, server]) {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    }
  }).listen(0, '127.0.0.1');
  await once(relaying, 'listening');
  const close = () => {
    for (const socket of open) socket.destroy();
    relaying.close();
  };
  return { host: `127.0.0.1:${relaying.address().port}`, close };
}
