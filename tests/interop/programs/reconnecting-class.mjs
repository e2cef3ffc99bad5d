/** ReconnectingWebSocket in the hands of libraries that take a WebSocket, or its class. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { buildSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import ShareDB from 'sharedb';
import { WebSocketServer } from 'ws';
import { within } from '../support/deadline.mjs';
import { result, skip } from '../support/results.mjs';

const require = createRequire(import.meta.url);
const WebSocketJSONStream = require('@teamwork/websocket-json-stream');
const { Connection } = require('sharedb/lib/client');

const OPTIONS = { backoff: { first: 50, base: 50, factor: 1, max: 50 } };

async function listen(options) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await once(wss, 'listening');
  return { wss, url: `ws://127.0.0.1:${wss.address().port}` };
}

function call(document, name, ...parameters) {
  const done = new Promise((resolve, reject) => {
    document[name](...parameters, (error) => (error ? reject(error) : resolve()));
  });
  return within(5_000, name, done);
}

/** ShareDB's client subscribes again, and sends again what was not answered, at each 'open'. */
async function resubscribes(ReconnectingWebSocket) {
  const backend = new ShareDB();
  const { wss, url } = await listen();
  wss.on('connection', (ws) => {
    const stream = new WebSocketJSONStream(ws);
    stream.on('error', (error) => assert.equal(error.name, 'Error [ERR_CLOSED]'));
    backend.listen(stream);
  });
  const socket = new ReconnectingWebSocket(url, [], OPTIONS);
  const document = new Connection(socket).get('notes', 'one');
  await call(document, 'subscribe');
  await call(document, 'create', { count: 0 });
  for (let round = 1; round <= 5; round++) {
    const opened = once(socket, 'open');
    document.submitOp({ p: ['count'], na: 1 });
    for (const ws of wss.clients) ws.terminate();
    document.submitOp({ p: ['count'], na: 1 });
    await within(5_000, 'open', opened);
    await call(document, 'submitOp', { p: ['count'], na: 1 });
    assert.equal(document.data.count, 3 * round);
  }
  socket.close();
  await within(5_000, 'close', once(socket, 'close'));
  const { data } = await new Promise((resolve, reject) => {
    backend.db.getSnapshot('notes', 'one', null, null, (error, snapshot) =>
      error ? reject(error) : resolve(snapshot),
    );
  });
  assert.deepEqual(data, { count: 15 });
  wss.close();
  backend.close();
}

async function answers(ReconnectingWebSocket) {
  const { wss, url } = await listen({ path: '/graphql' });
  const schema = buildSchema('type Query { hello(name: String!): String! }');
  const { dispose } = useServer({ schema, roots: { query: { hello: ({ name }) => name } } }, wss);
  const webSocketImpl = ReconnectingWebSocket.withOptions({ ...OPTIONS, token: 'secret' });
  const tokens = [];
  wss.on('connection', (_ws, { headers }) => tokens.push(headers.authorization));
  const graphql = createClient({ url: `${url}/graphql`, webSocketImpl, retryAttempts: 0 });
  for await (const { data } of graphql.iterate({ query: '{ hello(name: "Ada") }' })) {
    assert.deepEqual(data, { hello: 'Ada' });
  }
  await graphql.dispose();
  assert.deepEqual(tokens, ['Bearer secret']);
  await dispose();
}

if (process.env.PROGRAMS_ON === 'ws6455') {
  const { ReconnectingWebSocket } = await import('ws/reconnect');
  await result('reconnecting-class: sharedb goes on after five lost connections', () =>
    resubscribes(ReconnectingWebSocket),
  );
  await result('reconnecting-class: graphql-ws gets a class with a token', () =>
    answers(ReconnectingWebSocket),
  );
} else skip('reconnecting-class', 'ws has no such class');
