/** tRPC's WebSocket adapter and link: a query, a subscription, and a connection that breaks under it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createTRPCClient, createWSClient, TRPCClientError, wsLink } from '@trpc/client';
import { initTRPC, tracked } from '@trpc/server';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { deferred, within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const LAST = 20;
const { router, procedure } = initTRPC.create();
const anything = (input) => input;

const appRouter = router({
  greet: procedure.input(anything).query(({ input }) => `Grüße, ${input}`),
  fail: procedure.query(() => {
    throw new Error('as asked');
  }),
  /** Counts on from what the subscriber saw last, until it has counted to the end. */
  count: procedure.input(anything).subscription(async function* ({ input, ctx }) {
    for (let n = Number(input?.lastEventId ?? 0) + 1; n <= LAST; n++) {
      yield tracked(String(n), n);
      if (n === 5) ctx.atFive(ctx.connection);
    }
  }),
});

async function serve(atFive) {
  const wss = new WebSocketServer({ port: 0 });
  const handler = applyWSSHandler({
    wss,
    router: appRouter,
    createContext: ({ res }) => ({ connection: res, atFive }),
    keepAlive: { enabled: true, pingMs: 10, pongWaitMs: 2_000 },
  });
  await once(wss, 'listening');
  const stop = async () => {
    for (const client of wss.clients) client.terminate();
    await new Promise((resolve) => wss.close(resolve));
  };
  return { url: `ws://localhost:${wss.address().port}`, wss, handler, stop };
}

/** A server and one client of it. */
async function withClient(use, { atFive = () => {} } = {}) {
  const server = await serve(atFive);
  const connection = createWSClient({ url: server.url, WebSocket, retryDelayMs: () => 0 });
  const client = createTRPCClient({ links: [wsLink({ client: connection })] });
  try {
    await use({ client, connection, ...server });
  } finally {
    await connection.close();
    await server.stop();
  }
}

/** Every number that a subscription delivers, once the server says that it is complete. */
function collect(client) {
  const { promise, resolve, reject } = deferred();
  const numbers = [];
  client.count.subscribe(undefined, {
    onData: ({ data }) => numbers.push(data),
    onComplete: () => resolve(numbers),
    onError: reject,
  });
  return within(10_000, 'the subscription', promise);
}

const ALL = Array.from({ length: LAST }, (_, at) => at + 1);

await runsOn('trpc', '@trpc/server', '@trpc/client');

await result('trpc: queries, many at once, and one that throws', () =>
  withClient(async ({ client }) => {
    const names = Array.from({ length: 200 }, (_, at) => `${at} 🌍`);
    const answers = await Promise.all(names.map((name) => client.greet.query(name)));
    assert.deepEqual(
      answers,
      names.map((name) => `Grüße, ${name}`),
    );
    await assert.rejects(client.fail.query(), (error) => {
      return error instanceof TRPCClientError && error.message === 'as asked';
    });
  }),
);

await result('trpc: a subscription runs to its end', () =>
  withClient(async ({ client }) => assert.deepEqual(await collect(client), ALL)),
);

await result('trpc: a subscription goes on after the server has terminated its connection', () => {
  let connections = 0;
  const atFive = (connection) => {
    connections += 1;
    connection.terminate();
  };
  return withClient(
    async ({ client }) => {
      const numbers = await collect(client);
      assert.deepEqual([...new Set(numbers)], ALL);
      assert.ok(connections >= 1);
    },
    { atFive },
  );
});

await result('trpc: broadcastReconnectNotification brings every client onto a new connection', () =>
  withClient(async ({ client, handler, wss }) => {
    await client.greet.query('first');
    const [before] = wss.clients;
    const arrival = once(wss, 'connection');
    const departure = once(before, 'close');
    handler.broadcastReconnectNotification();
    await within(5_000, 'a new connection', arrival);
    await within(5_000, 'the end of the old one', departure);
    assert.equal(await client.greet.query('again'), 'Grüße, again');
  }),
);

await result('trpc: keep-alive pings are answered', () =>
  withClient(async ({ client, wss }) => {
    await client.greet.query('first');
    const [connection] = wss.clients;
    const [data, isBinary] = await within(5_000, 'a PONG', once(connection, 'message'));
    assert.equal(isBinary, false);
    assert.equal(data.toString(), 'PONG');
  }),
);
