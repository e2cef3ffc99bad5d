/** mercurius: a GraphQL subscription, read from its socket by `events.on`. */
import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import fastify from 'fastify';
import mercurius from 'mercurius';
import { WebSocket } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const LAST = 50;
const schema = `
  type Query { sum(a: Int, b: Int): Int }
  type Mutation { say(text: String): Boolean }
  type Subscription { said: String, count: Int }
`;
const resolvers = {
  Query: { sum: (_, { a, b }) => a + b },
  Mutation: {
    say: (_, { text }, { pubsub }) => {
      pubsub.publish({ topic: 'said', payload: { said: text } });
      return true;
    },
  },
  Subscription: {
    said: { subscribe: (_root, _values, { pubsub }) => pubsub.subscribe('said') },
    count: {
      async *subscribe() {
        for (let count = 1; count <= LAST; count++) yield { count };
      },
    },
  },
};

/** A client that speaks graphql-transport-ws by hand, after its greeting. */
class Client {
  #answers;

  constructor(url) {
    this.socket = new WebSocket(url, 'graphql-transport-ws');
    this.#answers = on(this.socket, 'message');
  }

  async greet() {
    await within(5_000, 'open', once(this.socket, 'open'));
    this.tell({ type: 'connection_init' });
    assert.equal((await this.next()).type, 'connection_ack');
  }

  tell(message) {
    this.socket.send(JSON.stringify(message));
  }

  ask(id, query) {
    this.tell({ id, type: 'subscribe', payload: { query } });
  }

  async next() {
    const { value } = await within(5_000, 'a message', this.#answers.next());
    return JSON.parse(value[0]);
  }
}

async function withClient(use) {
  const app = fastify();
  await app.register(mercurius, { schema, resolvers, subscription: { fullWsTransport: true } });
  await app.listen({ port: 0, host: 'localhost' });
  const client = new Client(`ws://localhost:${app.server.address().port}/graphql`);
  try {
    await client.greet();
    await use(client, app);
  } finally {
    client.socket.terminate();
    await within(5_000, 'the server closes', app.close());
  }
}

async function queries(client) {
  client.ask('1', '{ sum(a: 2, b: 3) }');
  assert.deepEqual((await client.next()).payload, { data: { sum: 5 } });
}

async function counts(client) {
  client.ask('1', 'subscription { count }');
  for (let count = 1; count <= LAST; count++) {
    assert.deepEqual((await client.next()).payload, { data: { count } });
  }
  assert.deepEqual(await client.next(), { type: 'complete', id: '1', payload: null });
}

/** What one client says by a mutation, another hears. */
async function hears(client, app) {
  client.ask('1', 'subscription { said }');
  const text = 'Grüße 🌍 '.repeat(10_000);
  // This is answered after the subscription before it is in place.
  client.ask('2', '{ sum(a: 1, b: 1) }');
  await client.next();
  await app.inject({
    method: 'POST',
    url: '/graphql',
    payload: { query: 'mutation ($text: String) { say(text: $text) }', variables: { text } },
  });
  let answer = await client.next();
  while (answer.id !== '1') answer = await client.next();
  assert.equal(answer.payload.data.said, text);
}

await runsOn('mercurius', 'mercurius', '@fastify/websocket');
await result('mercurius: a query', () => withClient(queries));
await result('mercurius: a subscription to its end', () => withClient(counts));
await result('mercurius: a subscription that hears a mutation', () => withClient(hears));
