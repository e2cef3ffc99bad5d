/** crossws's own Node adapter on a WebSocketServer of ws6455: `node tests/crossws/crossws-node.mjs 8080`. */
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import nodeAdapter from 'crossws/adapters/node';
import { WebSocketServer } from 'ws6455';

/** @param options those of crossws's adapter */
export function makeServer(options) {
  const wss = new WebSocketServer({ noServer: true, handleProtocols: () => false });
  const adapter = nodeAdapter({ ...options, wss });
  const server = createServer((_, response) => response.end('ok'));
  server.on('upgrade', adapter.handleUpgrade);
  return { adapter, server };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const hooks = { message: (peer, message) => peer.send(`ECHO: ${message.text()}`) };
  makeServer({ hooks }).server.listen(Number(process.argv[2] ?? 8080));
}
