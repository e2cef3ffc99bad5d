// `ws6455/crossws`: values and types in CommonJS and in ESM.
import { strictEqual } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws6455';
import byDefault, {
  type AdapterOptions,
  type CrosswsAdapter,
  crosswsAdapter,
  type Hooks,
  type Message,
  type Peer,
  WSError,
} from 'ws6455/crossws';

const hooks: Partial<Hooks> = {
  message(peer: Peer, message: Message) {
    const bytes: number | undefined = peer.send(message.text().toUpperCase());
    strictEqual(typeof bytes, 'number');
  },
};
const options: AdapterOptions = { hooks, serverOptions: { maxPayload: 1_000 } };
const adapter: CrosswsAdapter = crosswsAdapter(options);
const server = createServer().on('upgrade', adapter.handleUpgrade);

async function main(): Promise<void> {
  strictEqual(byDefault, crosswsAdapter);
  strictEqual(new WSError(new Error('reason')).message, 'reason');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = await WebSocket.connect(`ws://127.0.0.1:${port}/`);
  client.send('hello');
  const [data] = await once(client, 'message');
  strictEqual(String(data), 'HELLO');
  client.close();
  await once(client, 'close');
  server.close();
  await adapter.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
