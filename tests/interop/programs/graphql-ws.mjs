/** graphql-ws: its server on a WebSocketServer, its client with the class handed in. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { buildSchema } from 'graphql';
import { CloseCode, createClient, GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import WebSocket, { WebSocketServer } from 'ws';
import { deferred, within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';
import { talk } from '../support/talk.mjs';

const INITIALISE = JSON.stringify({ type: 'connection_init' });

const schema = buildSchema(`
  type Query { hello(name: String!): String! }
  type Subscription { countdown(from: Int!): Int! }
`);

const roots = {
  query: { hello: ({ name }) => `hello ${name}` },
  subscription: {
    countdown: async function* ({ from }) {
      for (let number = from; number > 0; number--) yield { countdown: number };
    },
  },
};

async function start(options, keepAlive) {
  const wss = new WebSocketServer({ port: 0, path: '/graphql', perMessageDeflate: true });
  await once(wss, 'listening');
  const { dispose } = useServer({ schema, roots, ...options }, wss, keepAlive);
  const url = `ws://localhost:${wss.address().port}/graphql`;
  return { wss, url, dispose };
}

function client(url, options = {}) {
  return createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, ...options });
}

/** Everything that `query` yields. */
async function all(graphql, query, variables) {
  const values = [];
  for await (const { data } of graphql.iterate({ query, variables })) values.push(data);
  return values;
}

async function answered({ url, wss }) {
  const graphql = client(url, { lazy: false });
  const name = 'Ada '.repeat(50_000);
  const query = 'query ($name: String!) { hello(name: $name) }';
  assert.deepEqual(await all(graphql, query, { name }), [{ hello: `hello ${name}` }]);
  const [socket] = wss.clients;
  assert.equal(socket.protocol, GRAPHQL_TRANSPORT_WS_PROTOCOL);
  await graphql.dispose();
}

async function subscribed({ url }) {
  const clients = [client(url), client(url), client(url)];
  const query = 'subscription { countdown(from: 200) }';
  const expected = Array.from({ length: 200 }, (_, index) => ({ countdown: 200 - index }));
  const counted = await Promise.all(clients.map((graphql) => all(graphql, query)));
  for (const values of counted) assert.deepEqual(values, expected);
  for (const graphql of clients) await graphql.dispose();
}

/** Pings of the server, which are frames, and of the client, which are messages. */
async function kept() {
  const place = await start({}, 20);
  const heard = deferred();
  const graphql = client(place.url, { lazy: false, keepAlive: 20, on: { pong: heard.resolve } });
  const [socket] = await once(place.wss, 'connection');
  for (let times = 0; times < 3; times++) await within(5000, "'pong'", once(socket, 'pong'));
  await within(5000, 'the message pong', heard.promise);
  await graphql.dispose();
  await place.dispose();
}

/** The close code with which the server answers `messages`. */
async function codeFor(url, protocol, ...messages) {
  const { ws, closed } = await talk(url, protocol);
  for (const message of messages) ws.send(message);
  const [code, reason] = await closed();
  return `${code} ${reason}`;
}

async function misused({ url }) {
  const subscribe = JSON.stringify({
    type: 'subscribe',
    id: '1',
    payload: { query: '{ hello(name: "x") }' },
  });
  const right = GRAPHQL_TRANSPORT_WS_PROTOCOL;
  assert.equal(await codeFor(url, []), '4406 Subprotocol not acceptable');
  assert.match(await codeFor(url, right, 'no JSON'), /^4400 /);
  assert.equal(await codeFor(url, right, subscribe), '4401 Unauthorized');
  assert.equal(
    await codeFor(url, right, INITIALISE, INITIALISE),
    '4429 Too many initialisation requests',
  );
  assert.equal(await codeFor(url, ['other', right], 'x').then((said) => said.slice(0, 4)), '4400');
}

/** The client is told the code, by its 'closed'. */
async function forbidden() {
  const place = await start({ onConnect: () => false });
  const told = new Promise((resolve) => {
    client(place.url, { lazy: false, onNonLazyError: () => {}, on: { closed: resolve } });
  });
  const { code, reason, wasClean } = await within(5000, 'closed', told);
  assert.deepEqual([code, reason, wasClean], [CloseCode.Forbidden, 'Forbidden', true]);
  await place.dispose();
}

async function disposed({ url, dispose }) {
  const { closed } = await talk(url, GRAPHQL_TRANSPORT_WS_PROTOCOL);
  await dispose();
  assert.deepEqual(await closed(), [1001, 'Going away']);
}

await runsOn('graphql-ws', 'graphql-ws');
const place = await start({});
await result('graphql-ws: a query of 200 kB, the subprotocol', () => answered(place));
await result('graphql-ws: three subscriptions at once', () => subscribed(place));
await result('graphql-ws: pings of both sides', () => kept());
await result('graphql-ws: close codes 4400, 4401, 4406, 4429', () => misused(place));
await result('graphql-ws: 4403 as the client sees it', () => forbidden());
await result('graphql-ws: dispose() closes by 1001', () => disposed(place));
