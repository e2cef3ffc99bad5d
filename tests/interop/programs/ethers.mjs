/** ethers' WebSocketProvider against a node: calls, new blocks, and its way to leave. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { hexlify, isError, WebSocketProvider, ZeroAddress } from 'ethers';
import { WebSocket } from 'ws';
import { within } from '../support/deadline.mjs';
import { BALANCE, CHAIN_ID, EthereumNode } from '../support/ethereum-node.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

/** `open` makes what the provider takes in the place of a URL, too. */
async function withProvider(use, open = (url) => url) {
  const node = await EthereumNode.start();
  const connected = once(node.wss, 'connection');
  const provider = new WebSocketProvider(open(node.url));
  try {
    const [socket] = await within(5_000, 'the provider connects', connected);
    await use({ provider, node, socket });
  } finally {
    await provider.destroy();
    await node.stop();
  }
}

async function until(condition, what, socket) {
  while (!condition()) await within(5_000, what, once(socket, 'message'));
}

await runsOn('ethers', 'ethers');

await result('ethers: calls, many at once, and 1 MB there and back', () =>
  withProvider(async ({ provider }) => {
    assert.equal((await provider.getNetwork()).chainId, BigInt(CHAIN_ID));
    assert.equal(await provider.getBlockNumber(), 1);
    const numbers = Array.from({ length: 200 }, (_, at) => at + 1);
    const blocks = await Promise.all(numbers.map((number) => provider.getBlock(number)));
    assert.deepEqual(
      blocks.map(({ number }) => number),
      numbers,
    );
    assert.equal(await provider.getBalance(ZeroAddress), BALANCE);
    const data = hexlify(new Uint8Array(500_000).fill(0xa5));
    assert.equal(await provider.send('eth_call', [{ data }]), data);
  }),
);

await result('ethers: an error that the node answers with', () =>
  withProvider(({ provider }) =>
    assert.rejects(provider.send('eth_nonsense', []), /no method eth_nonsense/),
  ),
);

await result('ethers: new blocks arrive by eth_subscribe, until nobody listens', () =>
  withProvider(async ({ provider, node, socket }) => {
    const heard = [];
    const third = new Promise((resolve) => {
      provider.on('block', (number) => heard.push(number) === 3 && resolve());
    });
    await until(() => node.subscribers === 1, 'eth_subscribe', socket);
    for (let count = 0; count < 3; count++) node.mine();
    await within(5_000, 'three blocks', third);
    assert.deepEqual(heard, [2, 3, 4]);
    provider.off('block');
    await until(() => node.subscribers === 0, 'eth_unsubscribe', socket);
    await provider.getBlockNumber();
  }),
);

await result('ethers: a socket of its user, and destroy() closes it', () => {
  const made = [];
  const open = (url) => () => {
    made.push(new WebSocket(url, { headers: { authorization: 'Bearer of a token' } }));
    return made[0];
  };
  return withProvider(async ({ provider, socket }) => {
    await provider.getBlockNumber();
    assert.equal(provider.websocket, made[0]);
    const closed = once(socket, 'close');
    await provider.destroy();
    const [code] = await within(5_000, 'a Close', closed);
    assert.equal(code, 1005);
    await assert.rejects(provider.send('eth_chainId', []), (error) =>
      isError(error, 'UNSUPPORTED_OPERATION'),
    );
  }, open);
});
