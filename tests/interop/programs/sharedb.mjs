/** ShareDB over @teamwork/websocket-json-stream: edits of two clients at once become one document. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import ShareDB from 'sharedb';
import WebSocket, { WebSocketServer } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';

const require = createRequire(import.meta.url);
const WebSocketJSONStream = require('@teamwork/websocket-json-stream');
const { Connection } = require('sharedb/lib/client');

async function start() {
  const backend = new ShareDB();
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  wss.on('connection', (ws) => {
    const stream = new WebSocketJSONStream(ws);
    // Operations that are under way to a client which is closing have nowhere to go.
    stream.on('error', (error) => assert.equal(error.name, 'Error [ERR_CLOSED]'));
    backend.listen(stream);
  });
  await once(wss, 'listening');
  return { backend, wss, url: `ws://127.0.0.1:${wss.address().port}` };
}

/** A document of a connection of its own, which knows what the server knows. */
async function open(url) {
  const connection = new Connection(new WebSocket(url));
  const document = connection.get('notes', 'one');
  await call(document, 'subscribe');
  return { connection, document };
}

function call(document, name, ...parameters) {
  const done = new Promise((resolve, reject) => {
    document[name](...parameters, (error) => (error ? reject(error) : resolve()));
  });
  return within(5_000, name, done);
}

const settled = (document) =>
  within(5_000, 'nothing pending', new Promise((resolve) => document.whenNothingPending(resolve)));

async function converges(url) {
  const [first, second] = [await open(url), await open(url)];
  await call(first.document, 'create', { count: 0, list: [] });
  await call(second.document, 'fetch');
  for (let number = 0; number < 50; number++) {
    first.document.submitOp({ p: ['count'], na: 1 });
    second.document.submitOp({ p: ['list', 0], li: 'x'.repeat(100 * number) });
  }
  await Promise.all([first, second].map(({ document }) => settled(document)));
  await Promise.all([first, second].map(({ document }) => call(document, 'fetch')));
  assert.deepEqual(first.document.data, second.document.data);
  assert.equal(first.document.data.count, 50);
  assert.equal(second.document.data.list.length, 50);
  return [first, second];
}

async function reconnects(url, { connection, document }, other) {
  const closed = new Promise((resolve) => connection.once('state', resolve));
  connection.close();
  await within(5_000, 'closed', closed);
  await call(other.document, 'submitOp', { p: ['count'], na: 7 });
  document.submitOp({ p: ['count'], na: 3 });
  connection.bindToSocket(new WebSocket(url));
  await settled(document);
  await call(document, 'fetch');
  assert.equal(document.data.count, 60);
}

const { backend, wss, url } = await start();
let both;
await result('sharedb: edits of two clients at once', async () => {
  both = await converges(url);
});
await result('sharedb: and again after a time apart', () => reconnects(url, ...both));
for (const { connection } of both) connection.close();
wss.close();
backend.close();
