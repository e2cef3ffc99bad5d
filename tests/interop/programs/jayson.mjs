/** Jayson: JSON-RPC 2.0 over WebSocket, server and client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import WebSocket, { WebSocketServer } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const jayson = createRequire(import.meta.url)('jayson/promise');

const methods = {
  add: async ([a, b]) => a + b,
  reverse: async ([text]) => [...text].reverse().join(''),
  fail: async () => {
    throw { code: 501, message: 'not today' };
  },
};

async function start() {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(wss, 'listening');
  new jayson.Server(methods).websocket({ wss });
  return { wss, url: `ws://127.0.0.1:${wss.address().port}` };
}

const asked = (client, method, parameters) =>
  within(5_000, method, client.request(method, parameters));

await runsOn('jayson', 'jayson');
const { wss, url } = await start();
const ws = new WebSocket(url);
const client = jayson.Client.websocket({ ws });
if (ws.readyState !== WebSocket.OPEN) await once(ws, 'open');

await result('jayson: requests and their answers, many at once', async () => {
  const answers = Array.from({ length: 200 }, (_, number) => asked(client, 'add', [number, 1]));
  const results = (await Promise.all(answers)).map((answer) => answer.result);
  assert.deepEqual(
    results,
    Array.from({ length: 200 }, (_, number) => number + 1),
  );
});
await result('jayson: a long text', async () => {
  const { result: text } = await asked(client, 'reverse', [`a${'b'.repeat(200_000)}`]);
  assert.equal(text, `${'b'.repeat(200_000)}a`);
});
await result('jayson: an error of a method, an unknown method', async () => {
  assert.deepEqual((await asked(client, 'fail', [])).error, { code: 501, message: 'not today' });
  assert.equal((await asked(client, 'none', [])).error.code, -32601);
});
ws.close();
wss.close();
