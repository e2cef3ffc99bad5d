/** rpc-websockets: its client finds an answer only if `send` has called back before it comes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Client, Server } from 'rpc-websockets';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

async function start(options) {
  const server = new Server({ port: 0, ...options });
  await once(server, 'listening');
  server.register('sum', ([a, b]) => a + b);
  server.register('fail', () => {
    throw server.createError(-1, 'as asked');
  });
  server.register('secret', () => 'known').protected();
  server.setAuth(({ password }) => password === 'open sesame');
  server.event('news');
  return server;
}

async function withClient(use, options = {}) {
  const server = await start(options.server);
  const address = `ws://localhost:${server.wss.address().port}`;
  const client = new Client(address, { reconnect_interval: 0, ...options.client });
  try {
    await within(5_000, 'open', once(client, 'open'));
    await use(client, server);
  } finally {
    client.setAutoReconnect(false);
    client.close();
    for (const socket of server.wss.clients) socket.terminate();
    await server.close();
  }
}

async function calls(client) {
  const numbers = Array.from({ length: 300 }, (_, at) => at);
  const sums = await Promise.all(numbers.map((n) => client.call('sum', [n, 1], 5_000)));
  assert.deepEqual(
    sums,
    numbers.map((n) => n + 1),
  );
  const text = 'Grüße 🌍 '.repeat(100_000);
  assert.equal(await client.call('sum', [text, '!'], 5_000), `${text}!`);
  await assert.rejects(client.call('fail', [], 5_000), { code: -1, message: 'as asked' });
}

async function protects(client) {
  await assert.rejects(client.call('secret', [], 5_000), { code: -32605 });
  assert.equal(await client.login({ password: 'open sesame' }), true);
  assert.equal(await client.call('secret', [], 5_000), 'known');
}

async function tells(client, server) {
  assert.deepEqual(await client.subscribe('news'), { news: 'ok' });
  const told = once(client, 'news');
  server.emit('news', 'of', 'today');
  assert.deepEqual(await within(5_000, 'news', told), ['of', 'today']);
  assert.deepEqual(await client.unsubscribe('news'), { news: 'ok' });
}

async function reconnects(client, server) {
  const [socket] = server.wss.clients;
  const open = once(client, 'open');
  socket.close(1012, 'Service Restart');
  assert.deepEqual(await within(5_000, 'close', once(client, 'close')), [1012, 'Service Restart']);
  await within(5_000, 'open again', open);
  assert.equal(await client.call('sum', [1, 2], 5_000), 3);
}

await runsOn('rpc-websockets', 'rpc-websockets');
await result('rpc-websockets: calls, many at once, 1 MB', () => withClient(calls));
await result('rpc-websockets: calls, compressed', () =>
  withClient(calls, { server: { perMessageDeflate: true }, client: { perMessageDeflate: true } }),
);
await result('rpc-websockets: a method behind a login', () => withClient(protects));
await result('rpc-websockets: events', () => withClient(tells));
await result('rpc-websockets: reconnects after a Close', () => withClient(reconnects));
