/** Hono's WebSocket handlers on Node, by @hono/node-ws. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { serve } from '@hono/node-server';
import { createNodeWebSocket } from '@hono/node-ws';
import { Hono } from 'hono';
import { WebSocket } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

/** `/echo/:name` greets and echoes; `/closed` hands what it hears of a Close to `onClose`. */
function createApp(onClose) {
  const app = new Hono();
  const { injectWebSocket, upgradeWebSocket, wss } = createNodeWebSocket({ app });
  app.get('/', ({ text }) => text('a page'));
  app.get(
    '/echo/:name',
    upgradeWebSocket((context) => ({
      onOpen: (_, ws) => ws.send(`Hello, ${context.req.param('name')}`),
      onMessage: ({ data }, ws) => ws.send(data, { compress: true }),
      onClose,
    })),
  );
  app.get(
    '/bye',
    upgradeWebSocket(() => ({ onOpen: (_, ws) => ws.close(4000, 'bye') })),
  );
  app.get('/guarded', ({ text }) => text('not you', 403));
  return { app, injectWebSocket, wss };
}

async function withServer(use) {
  const closes = [];
  const { app, injectWebSocket, wss } = createApp(({ code, reason }) =>
    closes.push([code, reason]),
  );
  const server = serve({ fetch: app.fetch, port: 0 });
  injectWebSocket(server);
  await once(server, 'listening');
  try {
    await use(`localhost:${server.address().port}`, closes, wss);
  } finally {
    for (const client of wss.clients) client.terminate();
    server.close();
    server.closeAllConnections();
  }
}

const next = async (socket) => (await within(5_000, 'a message', once(socket, 'message')))[0];

await runsOn('hono', '@hono/node-ws');

await result('hono: greets, echoes text and binary, hears of the Close', () =>
  withServer(async (host, closes, wss) => {
    assert.equal(await (await fetch(`http://${host}/`)).text(), 'a page');
    const socket = new WebSocket(`ws://${host}/echo/W%C3%B6rld`);
    assert.equal(`${await next(socket)}`, 'Hello, Wörld');
    socket.send('Grüße 🌍');
    assert.equal(`${await next(socket)}`, 'Grüße 🌍');
    const bytes = Buffer.alloc(70_000, 'binary');
    socket.send(bytes);
    assert.deepEqual(await next(socket), bytes);
    const [peer] = wss.clients;
    const gone = once(peer, 'close');
    socket.close(4001, 'enough');
    await within(5_000, 'close', gone);
    assert.deepEqual(closes, [[4001, 'enough']]);
  }),
);

await result('hono: closes from onOpen', () =>
  withServer(async (host) => {
    const socket = new WebSocket(`ws://${host}/bye`);
    const [code, reason] = await within(5_000, 'close', once(socket, 'close'));
    assert.deepEqual([code, `${reason}`], [4000, 'bye']);
  }),
);

await result('hono: a route that is no WebSocket refuses the handshake with its own status', () =>
  withServer(async (host) => {
    for (const [path, status] of Object.entries({ guarded: 403, nowhere: 404 })) {
      const socket = new WebSocket(`ws://${host}/${path}`);
      const [error] = await within(5_000, 'an error', once(socket, 'error'));
      assert.equal(error.message, `Unexpected server response: ${status}`);
    }
  }),
);
