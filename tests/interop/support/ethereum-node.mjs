/** As much of an Ethereum node as a client of its JSON-RPC over WebSocket asks for. */
import { once } from 'node:events';
import { WebSocketServer } from 'ws';

export const CHAIN_ID = 31_337;
export const BALANCE = 10n ** 24n + 7n;

const quantity = (number) => `0x${number.toString(16)}`;
const bytes = (length, number) => `0x${number.toString(16).padStart(2 * length, '0')}`;

function block(number) {
  return {
    number: quantity(number),
    hash: bytes(32, number),
    parentHash: bytes(32, number - 1),
    timestamp: quantity(1_700_000_000 + number),
    miner: bytes(20, 1),
    ...{
      difficulty: '0x0',
      extraData: '0x',
      gasLimit: '0x1c9c380',
      gasUsed: '0x0',
      nonce: bytes(8, 0),
    },
    ...{ baseFeePerGas: '0x7', logsBloom: bytes(256, 0), mixHash: bytes(32, 0), size: '0x200' },
    ...{ receiptsRoot: bytes(32, 2), sha3Uncles: bytes(32, 3), stateRoot: bytes(32, 4) },
    ...{ transactions: [], transactionsRoot: bytes(32, 5), uncles: [] },
  };
}

export class EthereumNode {
  #height = 1;
  #subscriptions = new Map();
  #methods = {
    eth_chainId: () => quantity(CHAIN_ID),
    net_version: () => String(CHAIN_ID),
    eth_blockNumber: () => quantity(this.#height),
    eth_getBalance: () => quantity(BALANCE),
    eth_getBlockByNumber: ([number]) => block(number === 'latest' ? this.#height : Number(number)),
    /** Gives back what it is given: the way to a message of any size. */
    eth_call: ([{ data }]) => data,
    eth_subscribe: (_, socket) => {
      const id = quantity(this.#subscriptions.size + 1);
      this.#subscriptions.set(id, socket);
      return id;
    },
    eth_unsubscribe: ([id]) => this.#subscriptions.delete(id),
  };

  static async start() {
    const wss = new WebSocketServer({ port: 0 });
    await once(wss, 'listening');
    return new EthereumNode(wss);
  }

  constructor(wss) {
    this.wss = wss;
    this.url = `ws://localhost:${wss.address().port}`;
    wss.on('connection', (socket) => {
      socket.on('message', (data) =>
        socket.send(JSON.stringify(this.#answer(JSON.parse(data), socket))),
      );
      socket.on('close', () => this.#forget(socket));
    });
  }

  /** Of one call, or of a batch of them. */
  #answer(call, socket) {
    if (Array.isArray(call)) return call.map((each) => this.#answer(each, socket));
    const { id, method, params } = call;
    const answer = this.#methods[method];
    if (answer === undefined) {
      return { jsonrpc: '2.0', id, error: { code: -32601, message: `no method ${method}` } };
    }
    return { jsonrpc: '2.0', id, result: answer(params, socket) };
  }

  #forget(socket) {
    for (const [id, subscriber] of this.#subscriptions) {
      if (subscriber === socket) this.#subscriptions.delete(id);
    }
  }

  get subscribers() {
    return this.#subscriptions.size;
  }

  /** Puts a block on the chain and tells those who have subscribed. */
  mine() {
    this.#height += 1;
    for (const [subscription, socket] of this.#subscriptions) {
      const params = { subscription, result: block(this.#height) };
      socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params }));
    }
    return this.#height;
  }

  async stop() {
    for (const client of this.wss.clients) client.terminate();
    await new Promise((resolve) => this.wss.close(resolve));
  }
}
