/** @discordjs/ws: a shard logs in at a gateway, beats, and resumes its session when that is cut. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { constants, createDeflate } from 'node:zlib';
import { CompressionMethod, WebSocketManager, WebSocketShardEvents } from '@discordjs/ws';
import { WebSocketServer } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const SESSION = 'a session';
const LONG = 'Grüße 🌍 '.repeat(20_000);

const GREETINGS = { hello: 10, ack: 11, dispatch: 0 };
const HEARD = { 1: 'heartbeat', 2: 'identify', 6: 'resume' };

/** A gateway of one shard: says what it hears by events of that name. */
class Gateway extends EventEmitter {
  #wss = new WebSocketServer({ port: 0 });
  #sequence = 0;
  sockets = [];

  async start() {
    this.#wss.on('connection', (socket, { url }) => this.#greet(socket, new URL(url, this.url)));
    await once(this.#wss, 'listening');
    return this;
  }

  get url() {
    return `ws://localhost:${this.#wss.address().port}`;
  }

  #greet(socket, { searchParams }) {
    this.sockets.push(socket);
    const send = searchParams.get('compress') === 'zlib-stream' ? deflating(socket) : plain(socket);
    socket.on('message', (data) => {
      const { op, d } = JSON.parse(data);
      this.#answer(HEARD[op], send);
      this.emit(HEARD[op], d, socket);
    });
    send({ op: GREETINGS.hello, d: { heartbeat_interval: 1_000 } });
  }

  #answer(heard, send) {
    const dispatch = (t, d) => send({ op: GREETINGS.dispatch, t, s: ++this.#sequence, d });
    if (heard === 'heartbeat') send({ op: GREETINGS.ack });
    if (heard === 'resume') dispatch('RESUMED', {});
    if (heard === 'identify') {
      dispatch('READY', { session_id: SESSION, resume_gateway_url: this.url, long: LONG });
    }
  }

  async stop() {
    for (const client of this.#wss.clients) client.terminate();
    await new Promise((resolve) => this.#wss.close(resolve));
  }
}

const plain = (socket) => (payload) => socket.send(JSON.stringify(payload));

/** One zlib stream over all messages, cut wherever it comes in chunks: not permessage-deflate. */
function deflating(socket) {
  const deflate = createDeflate({ flush: constants.Z_SYNC_FLUSH });
  deflate.on('data', (chunk) => socket.send(chunk));
  return (payload) => deflate.write(JSON.stringify(payload));
}

async function withShard(compression, use) {
  const gateway = await new Gateway().start();
  const limits = { total: 1000, remaining: 1000, reset_after: 60_000, max_concurrency: 1 };
  const information = { url: gateway.url, shards: 1, session_start_limit: limits };
  const manager = new WebSocketManager({
    token: 'a token',
    intents: 0,
    compression,
    rest: { get: async () => information },
  });
  try {
    await use(manager, gateway);
  } finally {
    await manager.destroy();
    await gateway.stop();
  }
}

async function logsIn(manager, gateway) {
  const identified = once(gateway, 'identify');
  const ready = once(manager, WebSocketShardEvents.Ready);
  await within(10_000, 'connect', manager.connect());
  const [{ token, shard }] = await identified;
  assert.deepEqual({ token, shard }, { token: 'a token', shard: [0, 1] });
  const [{ session_id, long }] = await within(5_000, 'ready', ready);
  assert.equal(session_id, SESSION);
  assert.equal(long, LONG);
  await within(5_000, 'a heartbeat', once(manager, WebSocketShardEvents.HeartbeatComplete));
}

/** What a shard does about a connection that ends in this way. */
async function resumes(manager, gateway, end) {
  await within(10_000, 'connect', manager.connect());
  const resumed = once(manager, WebSocketShardEvents.Resumed);
  const heard = once(gateway, 'resume');
  end(gateway.sockets[0]);
  const [{ session_id }] = await within(10_000, 'a resume', heard);
  assert.equal(session_id, SESSION);
  await within(5_000, 'resumed', resumed);
  assert.equal(gateway.sockets.length, 2);
}

await runsOn('discordjs-ws', '@discordjs/ws');
await result('discordjs-ws: identifies, is ready, beats', () => withShard(null, logsIn));
await result('discordjs-ws: the same with a zlib stream in binary messages', () =>
  withShard(CompressionMethod.ZlibNative, logsIn),
);
await result('discordjs-ws: resumes after a Close with 4000', () =>
  withShard(null, (...both) => resumes(...both, (socket) => socket.close(4000, 'try again'))),
);
await result('discordjs-ws: resumes after the connection was cut', () =>
  withShard(null, (...both) => resumes(...both, (socket) => socket.terminate())),
);
