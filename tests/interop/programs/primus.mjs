/** primus with its `websockets` transformer, server and client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import Primus from 'primus';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

// The client takes the one that newer Nodes have built in, if it finds it.
Reflect.deleteProperty(globalThis, 'WebSocket');

async function withClient(use) {
  const http = createServer();
  const options = { transformer: 'websockets', compression: true, pingInterval: 1_000 };
  const primus = new Primus(http, options);
  http.listen(0);
  await once(http, 'listening');
  const connected = once(primus, 'connection');
  const client = new primus.Socket(`http://localhost:${http.address().port}`, {
    reconnect: { min: 1, max: 10 },
    transport: { headers: { 'x-greeting': 'hello' } },
  });
  try {
    const opened = heard(client, 'open');
    const [spark] = await within(5_000, 'a connection', connected);
    await opened;
    await use({ client, spark, primus });
  } finally {
    client.end();
    await new Promise((resolve) => primus.destroy({ close: true }, resolve));
  }
}

const heard = (emitter, name) => {
  return within(5_000, name, new Promise((resolve) => emitter.once(name, resolve)));
};

async function echoes({ client, spark }) {
  assert.equal(spark.headers['x-greeting'], 'hello');
  spark.on('data', (data) => spark.write(data));
  for (const data of [{ grüße: '🌍' }, 'long '.repeat(50_000)]) {
    client.write(data);
    assert.equal(JSON.stringify(await heard(client, 'data')), JSON.stringify(data));
  }
  await heard(spark, 'heartbeat');
}

async function comesBack({ client, spark, primus }) {
  const again = once(primus, 'connection');
  const reconnected = heard(client, 'reconnected');
  spark.end(undefined, { reconnect: true });
  const [next] = await within(5_000, 'another connection', again);
  await reconnected;
  next.write('welcome back');
  assert.equal(await heard(client, 'data'), 'welcome back');
}

await runsOn('primus', 'primus');
await result('primus: JSON there and back, heartbeats', () => withClient(echoes));
await result('primus: comes back when told to', () => withClient(comesBack));
