/** koa-websocket: a second chain of middleware, for sockets. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import Koa from 'koa';
import websockify from 'koa-websocket';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';
import { talk } from '../support/talk.mjs';

async function start() {
  const app = websockify(new Koa(), { perMessageDeflate: true, maxPayload: 1 << 20 });
  app.use((context) => {
    context.body = 'a page';
  });
  app.ws.use(async (context, next) => {
    context.visitor = context.cookies.get('name');
    await next();
    context.websocket.send('the chain is done');
  });
  app.ws.use((context) => {
    const { websocket, path, query, visitor } = context;
    websocket.send(JSON.stringify({ path, query, visitor }));
    websocket.on('message', (data, isBinary) => {
      for (const client of app.ws.server.clients) client.send(data, { binary: isBinary });
    });
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, base: `//127.0.0.1:${server.address().port}` };
}

async function enter(base) {
  const client = await talk(`ws:${base}/room?day=1`, [], { headers: { cookie: 'name=Ada' } });
  const first = JSON.parse(await client.hear());
  assert.deepEqual(first, { path: '/room', query: { day: '1' }, visitor: 'Ada' });
  assert.equal(await client.hear(), 'the chain is done');
  return client;
}

async function shared({ base }) {
  const clients = [await enter(base), await enter(base)];
  const bytes = randomBytes(200_000);
  clients[0].ws.send('grüß dich');
  clients[0].ws.send(bytes);
  for (const { hear } of clients) {
    assert.equal(await hear(), 'grüß dich');
    assert.ok(bytes.equals(await hear()));
  }
  for (const { ws, closed } of clients) {
    ws.close(4000, 'done');
    assert.deepEqual(await closed(), [4000, 'done']);
  }
}

async function plain({ base }) {
  const response = await fetch(`http:${base}/`);
  assert.equal(await response.text(), 'a page');
}

await runsOn('koa-websocket', 'koa-websocket');
const place = await start();
await result('koa-websocket: context, middleware, what one says all hear', () => shared(place));
await result('koa-websocket: plain HTTP beside it', () => plain(place));
place.server.close();
