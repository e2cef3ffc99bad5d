/** express-ws on Express 5: it asks for `ws ^7` by itself. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import express from 'express';
import expressWs from 'express-ws';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';
import { talk } from '../support/talk.mjs';

async function start() {
  const { app, getWss, applyTo } = expressWs(express(), undefined, {
    wsOptions: { perMessageDeflate: true, maxPayload: 100_000 },
  });
  app.use((request, _response, next) => {
    request.visitor = request.query.name ?? 'nobody';
    next();
  });
  app.get('/page', (_request, response) => response.send('a page'));
  app.ws('/echo', (ws, request) => {
    ws.send(`hello ${request.visitor}`);
    ws.on('message', (data) => ws.send(data));
    ws.on('error', () => {});
  });
  const router = express.Router();
  applyTo(router);
  router.ws('/:room', (ws, request) => {
    ws.on('message', (text) => {
      for (const client of getWss().clients) client.send(`${request.params.room}: ${text}`);
    });
  });
  app.use('/rooms', router);
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, getWss, base: `//127.0.0.1:${server.address().port}` };
}

async function echoed({ base }) {
  const { ws, hear, closed } = await talk(`ws:${base}/echo?name=Ada`);
  assert.equal(await hear(), 'hello Ada');
  for (const text of ['grüß dich', 'x'.repeat(70_000)]) {
    ws.send(text);
    assert.equal(String(await hear()), text);
  }
  ws.close(1000, 'done');
  assert.deepEqual(await closed(), [1000, 'done']);
}

async function toAll({ base, getWss }) {
  const clients = await Promise.all([1, 2, 3].map(() => talk(`ws:${base}/rooms/blue`)));
  assert.equal(getWss().clients.size, 3);
  clients[0].ws.send('hello');
  for (const { hear } of clients) assert.equal(await hear(), 'blue: hello');
  for (const { ws, closed } of clients) {
    ws.close();
    await closed();
  }
}

async function elsewhere({ base }) {
  const response = await fetch(`http:${base}/page`);
  assert.equal(await response.text(), 'a page');
  const { closed } = await talk(`ws:${base}/nowhere`);
  assert.equal((await closed())[0], 1005);
}

async function tooLong({ base }) {
  const { ws, hear, closed } = await talk(`ws:${base}/echo`);
  await hear();
  ws.send('x'.repeat(100_001));
  assert.equal((await closed())[0], 1009);
}

await runsOn('express-ws', 'express-ws');
const place = await start();
await result('express-ws: echo behind a middleware', () => echoed(place));
await result('express-ws: getWss().clients, a router', () => toAll(place));
await result('express-ws: plain HTTP beside it, no such route', () => elsewhere(place));
await result('express-ws: maxPayload', () => tooLong(place));
place.server.close();
