/** The server of socket.io, with the adapter that the row names. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { options } from './announce.mjs';
import { obey } from './fan-out.mjs';

const { version } = createRequire(import.meta.url)('socket.io/package.json');
const { adapter, url } = options();
const client = new Redis(url);

const ADAPTERS = {
  pubsub: () => createAdapter(client, client.duplicate()),
  sharded: () => createShardedAdapter(client, client.duplicate(), { subscriptionMode: 'dynamic' }),
  streams: () => createStreamsAdapter(client),
};

const http = createServer();
// Its own Pings are no part of the work: none is due while it is measured.
const server = new Server(http, {
  adapter: ADAPTERS[adapter](),
  pingInterval: 600_000,
  serveClient: false,
});
server.on('connection', async (socket) => {
  await socket.join(socket.handshake.query.topic);
  socket.emit('ready');
});
await once(http.listen(0, '127.0.0.1'), 'listening');
obey(http.address().port, version, (topic, text) => server.to(topic).emit('m', text));
