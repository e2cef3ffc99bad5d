/** @hapi/nes, server and client: requests, subscriptions, a broadcast, and a lost connection. */
import assert from 'node:assert/strict';
import Hapi from '@hapi/hapi';
import nes from '@hapi/nes';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

async function withClient(use) {
  const server = Hapi.server({ host: 'localhost', port: 0 });
  await server.register(nes);
  server.route({
    method: 'GET',
    path: '/greet/{name}',
    handler: ({ params }) => `Grüße, ${params.name}`,
  });
  server.route({ method: 'POST', path: '/echo', handler: ({ payload }) => payload });
  server.subscription('/news/{topic}');
  await server.start();
  const client = new nes.Client(`ws://localhost:${server.info.port}`);
  try {
    await within(5_000, 'connect', client.connect({ delay: 10 }));
    await use(client, server);
  } finally {
    await client.disconnect();
    await server.stop();
  }
}

async function requests(client) {
  const names = Array.from({ length: 200 }, (_, at) => `n${at}`);
  const answers = await Promise.all(names.map((name) => client.request(`/greet/${name}`)));
  assert.deepEqual(
    answers.map(({ payload }) => payload),
    names.map((name) => `Grüße, ${name}`),
  );
  const long = 'long '.repeat(100_000);
  const { payload } = await client.request({ method: 'POST', path: '/echo', payload: { long } });
  assert.deepEqual(payload, { long });
  await assert.rejects(client.request('/nowhere'), { statusCode: 404 });
}

async function publishes(client, server) {
  const heard = new Promise((resolve) => {
    client.onUpdate = resolve;
  });
  const news = new Promise((resolve) => {
    client
      .subscribe('/news/weather', resolve)
      .then(() => server.publish('/news/weather', { sun: 1 }));
  });
  assert.deepEqual(await within(5_000, 'news', news), { sun: 1 });
  server.broadcast('to all');
  assert.equal(await within(5_000, 'a broadcast', heard), 'to all');
}

async function comesBack(client, server) {
  await client.subscribe('/news/weather', () => {});
  const id = client.id;
  const connected = new Promise((resolve) => {
    client.onConnect = resolve;
  });
  const disconnected = new Promise((resolve) => {
    client.onDisconnect = resolve;
  });
  server.eachSocket((socket) => socket._ws.terminate());
  assert.equal(await within(5_000, 'disconnected', disconnected), true);
  await within(5_000, 'connected', connected);
  assert.notEqual(client.id, id);
  assert.equal((await client.request('/greet/again')).payload, 'Grüße, again');
}

await runsOn('hapi-nes', '@hapi/nes');
await result('hapi-nes: requests', () => withClient(requests));
await result('hapi-nes: a subscription, a broadcast', () => withClient(publishes));
await result('hapi-nes: comes back after its connection was cut', () => withClient(comesBack));
