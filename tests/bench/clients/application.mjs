/** The client that ws and its drop-in run, to the letter. */
import { once } from 'node:events';
import { run } from './closed-loop.mjs';

const ALONE = { clientNoContextTakeover: true, serverNoContextTakeover: true };

export function load(WebSocket, version) {
  return run(async (url, onMessage, deflate) => {
    const perMessageDeflate = deflate ? { threshold: 0, ...ALONE } : false;
    const socket = new WebSocket(url, { perMessageDeflate });
    socket.on('message', onMessage);
    await once(socket, 'open');
    return (message) => socket.send(message);
  }, version);
}
