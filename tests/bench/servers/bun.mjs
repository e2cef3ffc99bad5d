/** Bun's own server; run by Bun. */
import { announcePort, certificate, copiesAsked, numberedMessages, options } from './announce.mjs';

const { mode, deflate, tls } = options();
const compress = Boolean(deflate);
const next = mode === 'broadcast' ? numberedMessages() : undefined;
const ROOM = 'everyone';

const echo = { message: (socket, data) => socket.send(data, compress) };
const broadcast = {
  open: (socket) => socket.subscribe(ROOM),
  message(_socket, data) {
    for (let left = copiesAsked(data); left > 0; left--) server.publish(ROOM, next(), compress);
  },
};

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  ...(tls ? { tls: certificate() } : {}),
  fetch: (request, own) => (own.upgrade(request) ? undefined : new Response('', { status: 400 })),
  websocket: {
    perMessageDeflate: compress,
    maxPayloadLength: 16 * 1024 * 1024,
    ...(mode === 'broadcast' ? broadcast : echo),
  },
});

announcePort(server.port, Bun.version);
