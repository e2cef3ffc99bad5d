/** viem's webSocket transport, by way of isows, against a node. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createPublicClient, defineChain, webSocket } from 'viem';
import { WebSocket } from 'ws';
import { deferred, within } from '../support/deadline.mjs';
import { BALANCE, CHAIN_ID, EthereumNode } from '../support/ethereum-node.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

// isows takes the one that newer Nodes have built in, if it finds it.
Reflect.deleteProperty(globalThis, 'WebSocket');

const NOBODY = '0x0000000000000000000000000000000000000000';
const chain = defineChain({
  id: CHAIN_ID,
  name: 'ours',
  nativeCurrency: { name: 'none', symbol: 'NONE', decimals: 18 },
  rpcUrls: { default: { http: [] } },
});

async function withClient(use) {
  const node = await EthereumNode.start();
  const transport = webSocket(node.url, { reconnect: { delay: 10 }, retryCount: 0 });
  const client = createPublicClient({ chain, transport, cacheTime: 0 });
  try {
    await use({ client, node });
  } finally {
    const rpc = await client.transport.getRpcClient();
    rpc.close();
    await node.stop();
  }
}

async function until(condition, what, socket) {
  while (!condition()) await within(5_000, what, once(socket, 'message'));
}

await runsOn('viem', 'isows');

await result('viem: isows hands on the class of ws', async () => {
  assert.equal((await import('isows')).WebSocket, WebSocket);
});

await result('viem: calls, many at once, and 1 MB there and back', () =>
  withClient(async ({ client, node }) => {
    assert.equal(await client.getChainId(), CHAIN_ID);
    assert.equal(await client.getBlockNumber(), 1n);
    const numbers = Array.from({ length: 200 }, (_, at) => BigInt(at + 1));
    const blocks = await Promise.all(
      numbers.map((blockNumber) => client.getBlock({ blockNumber })),
    );
    assert.deepEqual(
      blocks.map(({ number }) => number),
      numbers,
    );
    assert.equal(await client.getBalance({ address: NOBODY }), BALANCE);
    const data = `0x${'a5'.repeat(500_000)}`;
    assert.equal((await client.call({ to: NOBODY, data })).data, data);
    assert.equal(node.wss.clients.size, 1);
  }),
);

await result('viem: an error that the node answers with', () =>
  withClient(({ client }) =>
    assert.rejects(client.request({ method: 'eth_nonsense' }), /no method eth_nonsense/),
  ),
);

await result('viem: watchBlockNumber goes on after the node has dropped the connection', () =>
  withClient(async ({ client, node }) => {
    const connected = once(node.wss, 'connection');
    let heard = deferred();
    const errors = [];
    const unwatch = client.watchBlockNumber({
      onBlockNumber: (number) => heard.resolve(number),
      onError: (error) => errors.push(error),
    });
    const [socket] = await within(5_000, 'a connection', connected);
    await until(() => node.subscribers === 1, 'eth_subscribe', socket);
    node.mine();
    assert.equal(await within(5_000, 'a block', heard.promise), 2n);

    const again = once(node.wss, 'connection');
    heard = deferred();
    socket.terminate();
    const [next] = await within(5_000, 'another connection', again);
    await until(() => node.subscribers === 1, 'another eth_subscribe', next);
    node.mine();
    assert.equal(await within(5_000, 'a block', heard.promise), 3n);
    assert.match(`${errors[0]}`, /closed/);

    unwatch();
    await until(() => node.subscribers === 0, 'eth_unsubscribe', next);
  }),
);
