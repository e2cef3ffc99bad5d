/** @fastify/websocket: routes, hooks, and `injectWS`, which connects without a socket. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import websocket from '@fastify/websocket';
import Fastify from 'fastify';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';
import { listenTo, refusal, talk } from '../support/talk.mjs';

async function build() {
  const app = Fastify();
  await app.register(websocket, { options: { perMessageDeflate: true, maxPayload: 1 << 20 } });
  app.addHook('preValidation', async (request, reply) => {
    if (request.query.token === 'wrong') await reply.code(401).send('not you');
  });
  app.get('/echo', { websocket: true }, (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  app.get('/rooms/:room', { websocket: true }, (socket, request) => {
    socket.send(`${request.params.room} of ${request.headers['x-name']}`);
    socket.on('message', () => socket.close(4001, 'enough'));
  });
  app.get('/both', {
    handler: async () => ({ plain: true }),
    wsHandler: (socket) => socket.send('upgraded'),
  });
  return app;
}

async function echoes({ ws, hear }) {
  for (const text of ['', 'héllo', 'x'.repeat(100_000)]) {
    ws.send(text);
    assert.equal(await hear(), text);
  }
  for (const size of [0, 125, 65_536, 300_000]) {
    const bytes = randomBytes(size);
    ws.send(bytes);
    assert.ok(bytes.equals(await hear()), `${size} bytes`);
  }
}

async function echoed(app) {
  const client = await talk(`${base(app)}/echo`);
  await echoes(client);
  client.ws.close(4000, 'done');
  assert.deepEqual(await client.closed(), [4000, 'done']);
}

const base = (app) => `ws://127.0.0.1:${app.server.address().port}`;

async function routed(app) {
  const { ws, hear, closed } = await talk(`${base(app)}/rooms/blue`, [], {
    headers: { 'x-name': 'Ada' },
  });
  assert.equal(await hear(), 'blue of Ada');
  ws.send('one');
  assert.deepEqual(await closed(), [4001, 'enough']);

  const plain = await app.inject('/both');
  assert.deepEqual(plain.json(), { plain: true });
  const upgraded = await talk(`${base(app)}/both`);
  assert.equal(await upgraded.hear(), 'upgraded');
  upgraded.ws.close();
}

async function refused(app) {
  assert.equal(await refusal(`${base(app)}/echo?token=wrong`), 401);
  assert.equal(await refusal(`${base(app)}/nowhere`), 404);
}

async function injected(app) {
  const ws = await app.injectWS('/echo');
  const client = listenTo(ws);
  await echoes(client);
  ws.close(4000, 'done');
  assert.deepEqual(await client.closed(), [4000, 'done']);
}

/** A message that the handler sends at once may come with the 101: `onInit` is for that. */
async function injectedRoute(app) {
  let client;
  const ws = await app.injectWS(
    '/rooms/green',
    { headers: { 'x-name': 'Eve' } },
    {
      onInit: (socket) => {
        client = listenTo(socket);
      },
    },
  );
  assert.equal(await client.hear(), 'green of Eve');
  ws.send('one');
  assert.deepEqual(await client.closed(), [4001, 'enough']);
  ws.terminate();
}

async function injectionRefused(app) {
  await assert.rejects(app.injectWS('/echo?token=wrong'), /Unexpected server response: 401/);
}

async function closed(app) {
  const { closed } = await talk(`${base(app)}/echo`);
  await app.close();
  assert.equal((await closed())[0], 1005);
}

await runsOn('fastify', '@fastify/websocket');
const app = await build();
await app.ready();
await result('fastify: injectWS echoes', () => injected(app));
await result('fastify: injectWS, a handler that speaks first and closes', () => injectedRoute(app));
await result('fastify: injectWS refused by a hook', () => injectionRefused(app));
await app.listen({ port: 0, host: '127.0.0.1' });
await result('fastify: a route echoes', () => echoed(app));
await result('fastify: parameters, header fields, close codes, wsHandler', () => routed(app));
await result('fastify: refused by a hook and by the router', () => refused(app));
await result('fastify: app.close() closes clients', () => closed(app));
