/** A WebSocket of the web: that of the global object, or the one that `ws6455/standard` puts there. */
import process from 'node:process';
import { run } from './closed-loop.mjs';

export function load(WebSocket, init, version) {
  return run(async (url, onMessage) => {
    const socket = new WebSocket(url, init);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => {
      onMessage(typeof data === 'string' ? data : Buffer.from(data));
    });
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    return (message) => socket.send(message);
  }, version);
}

if (process.argv[1] === import.meta.filename) {
  await load(globalThis.WebSocket, [], process.versions.node);
}
