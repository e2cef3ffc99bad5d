/** Peers of our own server that read nothing: their sockets are full before anything is measured. */
import { connect } from 'node:net';

/** The path of their requests. */
const PATH = '/stuck';

/** More than the buffers of both sockets hold. */
const BLOCKS = 256;
const BLOCK = Buffer.alloc(65_536);

/** What a server needs for them; `ws` ignores it, and keeps everything. */
export function stuckOptions({ stuck, conflated }) {
  if (!stuck) return {};
  return { maxBufferedAmount: 1024 * 1024, overflow: conflated ? 'conflate' : 'drop-oldest' };
}

/** Whether a connection is one of them; then its socket is filled. */
export function isStuck(socket, request) {
  if (request.url !== PATH) return false;
  for (let left = BLOCKS; left > 0; left--) socket.send(BLOCK, { droppable: true });
  return true;
}

/** Opens `count` of them, in this process, and waits until the server has them. */
export async function openStuck(server, count) {
  for (let i = 0; i < count; i++) {
    const accepted = new Promise((done) => server.once('connection', done));
    const socket = connect(server.address().port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `GET ${PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await accepted;
  }
}
