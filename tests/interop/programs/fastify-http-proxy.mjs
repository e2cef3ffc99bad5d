/** @fastify/http-proxy: a server and a client of `ws`, and whatever one hears the other says. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import proxy from '@fastify/http-proxy';
import fastify from 'fastify';
import { WebSocket, WebSocketServer } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

/** A connection through the proxy: `near` its client, `far` what the server behind it has. */
async function withConnection(use, { options = {}, wsReconnect } = {}) {
  const wss = new WebSocketServer({ port: 0, handleProtocols: (offered) => [...offered][0] });
  await once(wss, 'listening');
  const app = fastify();
  const upstream = `http://localhost:${wss.address().port}`;
  await app.register(proxy, { upstream, prefix: '/proxy', websocket: true, wsReconnect });
  await app.listen({ port: 0, host: 'localhost' });
  const connected = once(wss, 'connection');
  const address = `ws://localhost:${app.server.address().port}/proxy/path?a=b`;
  const near = new WebSocket(address, ['chat.v2'], options);
  try {
    const [[far, request]] = await within(
      5_000,
      'both',
      Promise.all([connected, once(near, 'open')]),
    );
    await use({ near, far, request, wss });
  } finally {
    near.terminate();
    for (const client of wss.clients) client.terminate();
    await within(5_000, 'the proxy closes', app.close());
    wss.close();
  }
}

const heard = (socket, event = 'message') => within(5_000, event, once(socket, event));

async function passesOn({ near, far, request }) {
  assert.equal(request.url, '/path?a=b');
  assert.equal(request.headers.cookie, 'session=abc');
  assert.equal(near.protocol, 'chat.v2');
  assert.equal(far.protocol, 'chat.v2');
  const bytes = Buffer.alloc(300_000, 'binary');
  for (const [from, to] of [
    [near, far],
    [far, near],
  ]) {
    from.send('Grüße 🌍');
    assert.deepEqual(await heard(to), [Buffer.from('Grüße 🌍'), false]);
    from.send(bytes);
    assert.deepEqual(await heard(to), [bytes, true]);
    from.ping('a ping');
    assert.deepEqual(await heard(to, 'ping'), [Buffer.from('a ping')]);
  }
}

async function closesFar({ near, far }) {
  far.close(4001, 'Grüße');
  const [code, reason] = await heard(near, 'close');
  assert.deepEqual([code, `${reason}`], [4001, 'Grüße']);
}

async function closesNear({ near, far }) {
  near.close(1001, 'leaving');
  const [code, reason] = await heard(far, 'close');
  assert.deepEqual([code, `${reason}`], [1001, 'leaving']);
}

/** 1006 must not be sent, so the proxy makes another code of it. */
async function cuts({ near, far }) {
  far.terminate();
  const [code] = await heard(near, 'close');
  assert.equal(code, 4006);
}

async function reconnects({ near, wss, far }) {
  const again = once(wss, 'connection');
  far.terminate();
  const [next] = await within(5_000, 'another connection', again);
  const echoed = heard(near);
  next.on('message', (data) => next.send(`again: ${data}`));
  near.send('still here');
  assert.equal(`${(await echoed)[0]}`, 'again: still here');
}

await runsOn('fastify-http-proxy', '@fastify/http-proxy');
const options = { headers: { cookie: 'session=abc' } };
await result('fastify-http-proxy: texts, bytes and pings go both ways', () =>
  withConnection(passesOn, { options }),
);
await result('fastify-http-proxy: a Close from behind', () => withConnection(closesFar));
await result('fastify-http-proxy: a Close from before', () => withConnection(closesNear));
await result('fastify-http-proxy: the connection behind is cut', () => withConnection(cuts));
const wsReconnect = { pingInterval: 10_000, reconnectInterval: 100, reconnectOnClose: true };
await result('fastify-http-proxy: the connection behind is cut, and made again', () =>
  withConnection(reconnects, { wsReconnect }),
);
