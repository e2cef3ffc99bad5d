/** Records the bytes of a socket, both ways, without changing them. */

import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { ConnectionRecorder } from '../recording/recorder.js';
import { otherEnd, type Sender } from '../recording/records.js';

/**
 * Reports what goes through a socket from now on.
 * @param own which end this program is
 */
export function tapSocket(socket: Socket, own: Sender, recorder: ConnectionRecorder): void {
  const peer = otherEnd(own);
  const ended = new Set<Sender>();
  const end = (from: Sender, error?: Error) => {
    if (!ended.has(from)) recorder.end(from, error);
    ended.add(from);
  };
  const { push, write } = socket;
  // Node gives each chunk to push, decrypted. The library unmasks in place: the recorder gets a copy.
  socket.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    if (chunk === null) end(peer);
    else recorder.receive(peer, Buffer.from(chunk));
    return push.call(socket, chunk, encoding);
  };
  socket.write = ((chunk: Uint8Array | string, ...rest: [never]) => {
    const encoding = typeof rest[0] === 'string' ? rest[0] : 'utf8';
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
    if (bytes.length > 0) recorder.receive(own, bytes);
    return write.call(socket, chunk, ...rest);
  }) as Socket['write'];
  socket.once('finish', () => end(own));
  socket.once('error', (error) => end(peer, error));
}
