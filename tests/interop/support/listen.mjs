/** A server of the `ws` kind (ours or the peer's) on a transport: tcp, tls or unix. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { SUBPROTOCOL } from '../puppets/subprotocol.mjs';
import { temporaryFolder } from './temporary.mjs';

const handleProtocols = (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false);

/** Resolves to `{ base, close }`; `base` is the URL without the path. */
export async function listen(
  { WebSocketServer },
  transport,
  certificate,
  onConnection,
  options = {},
) {
  if (transport === 'tcp') return listenByPort(WebSocketServer, onConnection, options);
  const server = transport === 'tls' ? secure(certificate) : createServer();
  const wss = new WebSocketServer({ server, handleProtocols, ...options });
  wss.on('connection', onConnection);
  const path = join(temporaryFolder, `${process.pid}.sock`);
  server.listen(transport === 'unix' ? { path } : { port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const base =
    transport === 'unix' ? `ws+unix:${path}:` : `wss://127.0.0.1:${server.address().port}`;
  return { base, close: () => closeBoth(wss, server) };
}

async function listenByPort(WebSocketServer, onConnection, options) {
  const address = { port: 0, host: '127.0.0.1' };
  const wss = new WebSocketServer({ ...address, handleProtocols, ...options });
  wss.on('connection', onConnection);
  await once(wss, 'listening');
  return { base: `ws://127.0.0.1:${wss.address().port}`, close: () => closeBoth(wss) };
}

function secure({ cert, key }) {
  return createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
}

async function closeBoth(wss, server) {
  for (const socket of wss.clients) socket.terminate();
  await new Promise((resolve) => wss.close(resolve));
  if (server) await new Promise((resolve) => server.close(resolve));
}
