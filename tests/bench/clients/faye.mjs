/** The client of npm `faye-websocket`. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import faye from 'faye-websocket';
import permessageDeflate from 'permessage-deflate';
import { run } from './closed-loop.mjs';

const { version } = createRequire(import.meta.url)('faye-websocket/package.json');
const ALONE = { noContextTakeover: true, requestNoContextTakeover: true };

await run(async (url, onMessage, deflate) => {
  const extensions = deflate ? [permessageDeflate.configure(ALONE)] : [];
  const socket = new faye.Client(url, [], { extensions });
  socket.on('message', ({ data }) => onMessage(data));
  await once(socket, 'open');
  return (message) => socket.send(message);
}, version);
