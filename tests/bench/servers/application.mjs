/** The application that ws and its drop-in run, to the letter. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import { BlockList } from 'node:net';
import { announce, certificate, copiesAsked, numberedMessages, options } from './announce.mjs';
import { isStuck, openStuck, stuckOptions } from './stuck.mjs';

const asked = options();
const { mode, deflate, tls, awaited, iterated, checked, conflated, stuck, heartbeat } = asked;
/** The other contender of that row is `broadcast`. */
const topics = asked.topics && !process.env.WS6455_BROADCAST;

/** How many keys the messages of a conflated broadcast have. */
const KEYS = 16;

const ENOUGH = 1_000_000;

/** All checks of who gets in, at limits that this load does not reach. */
const CHECKS = {
  blockList: new BlockList(),
  maxConnections: ENOUGH,
  maxConnectionsPerAddress: ENOUGH,
  maxPendingHandshakes: ENOUGH,
  handshakeRate: { perSecond: ENOUGH, burst: ENOUGH },
  handshakeRatePerAddress: { perSecond: ENOUGH, burst: ENOUGH },
  handshakeTimeout: 10_000,
  hosts: ['127.0.0.1:*', 'localhost:*', 'bench'],
  origins: 'same',
  authenticate: () => ({ user: 1 }),
};

function where() {
  const place = { host: '127.0.0.1', port: 0 };
  if (!tls) return place;
  return { server: createServer({ ...certificate(), noDelay: true }).listen(place) };
}

function echo(socket) {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

function echoLater(socket) {
  socket.on('message', async (data, isBinary) => {
    await null;
    socket.send(data, { binary: isBinary });
  });
}

/** The cost of iterating: the other contender of that row is `listeners`. */
async function echoIterated(socket) {
  for await (const { data, isBinary } of socket.messages()) socket.send(data, { binary: isBinary });
}

function behaviour(server) {
  if (mode === 'broadcast') return broadcast(server);
  if (iterated && !process.env.WS6455_LISTENERS) return echoIterated;
  return awaited ? echoLater : echo;
}

/** ws has no call for this: its documentation shows the loop. */
function broadcaster(server) {
  if (topics) return (data) => server.publish('everyone', data);
  if (typeof server.broadcast === 'function') {
    let count = 0;
    if (conflated) return (data) => server.broadcast(data, { key: `${count++ % KEYS}` });
    return (data) => server.broadcast(data);
  }
  return (data) => {
    for (const client of server.clients) client.send(data);
  };
}

function broadcast(server) {
  const [next, send] = [numberedMessages(), broadcaster(server)];
  return (socket) => {
    if (topics) socket.subscribe('everyone');
    socket.on('message', (data) => {
      for (let left = copiesAsked(data.toString()); left > 0; left--) send(next());
    });
  };
}

/** What the documents of `ws` recommend: its Pings and verdicts, in one interval for all. */
function beat(server, { interval }) {
  setInterval(() => {
    for (const client of server.clients) {
      if (client.isAlive === false) client.terminate();
      else {
        client.isAlive = false;
        client.ping();
      }
    }
  }, interval).unref();
  server.on('connection', (socket) => {
    socket.isAlive = true;
    socket.on('pong', onPong);
  });
}

function onPong() {
  this.isAlive = true;
}

export async function serve(WebSocketServer, version) {
  const server = new WebSocketServer({
    ...where(),
    perMessageDeflate: deflate ? { threshold: 0 } : false,
    maxPayload: 16 * 1024 * 1024,
    ...(checked ? CHECKS : {}),
    ...(heartbeat && { heartbeat }),
    ...stuckOptions(asked),
  });
  if (heartbeat && typeof server.broadcast !== 'function') beat(server, heartbeat);
  const behave = behaviour(server);
  server.on('connection', (socket, request) => {
    if (!isStuck(socket, request)) behave(socket);
  });
  if (stuck) {
    await once(server, 'listening');
    await openStuck(server, stuck);
  }
  return announce(server, version);
}
