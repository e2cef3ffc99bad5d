/** The client of npm `websocket`. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import websocket from 'websocket';
import { run } from './closed-loop.mjs';

const LIMIT = 16 * 1024 * 1024;
const { version } = createRequire(import.meta.url)('websocket/package.json');

await run(async (url, onMessage) => {
  const client = new websocket.client({
    maxReceivedFrameSize: LIMIT,
    maxReceivedMessageSize: LIMIT,
  });
  client.connect(url);
  const [connection] = await once(client, 'connect');
  connection.on('message', ({ utf8Data, binaryData }) => onMessage(utf8Data ?? binaryData));
  return (message) => connection.send(message);
}, version);
