/**
 * Clients that only count, so that they cost little and the same for all: they compare every byte with the
 * frame that is due. They speak WebSocket, and of engine.io and socket.io what is needed to be let in.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { GUID, maskedFrame, messageOf, textFrame } from './fan-out-frames.mjs';

/** How each protocol lets a client in, and what frames its messages are in. */
export const PROTOCOLS = {
  websocket: {
    path: (topic) => `/?topic=${topic}`,
    ready: textFrame('ready'),
    frame: textFrame,
  },
  'socket.io': {
    path: (topic) => `/socket.io/?EIO=4&transport=websocket&topic=${topic}`,
    greeting: maskedFrame('40'),
    ready: textFrame('42["ready"]'),
    frame: (text) => textFrame(`42["m","${text}"]`),
  },
};

/** The frames that clients of one topic wait for: each is made once. */
export class Frames {
  #frames = new Map();
  #make;

  constructor(topic, size, protocol) {
    this.#make = (number) => protocol.frame(messageOf(number, topic, size));
  }

  at(number) {
    let frame = this.#frames.get(number);
    if (frame === undefined) {
      frame = this.#make(number);
      this.#frames.set(number, frame);
      this.#frames.delete(number - 1000);
    }
    return frame;
  }
}

/** Reads up to the message that says that the subscription is made. */
function opening(socket, protocol, key) {
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    let isGreeted = false;
    const onData = (chunk) => {
      head = Buffer.concat([head, chunk]);
      if (!isGreeted && head.includes('\r\n\r\n')) {
        if (!head.includes(accept)) return reject(new Error(`${head}`));
        if (protocol.greeting) socket.write(protocol.greeting);
        isGreeted = true;
      }
      if (!head.includes(protocol.ready)) return;
      socket.off('data', onData);
      resolve();
    };
    socket.on('data', onData).on('error', reject);
  });
}

/** Opens a connection, and calls `onMessage` for each message that is the one which is due. */
export async function openClient({ port, topic, protocol, frames, onMessage, onFault }) {
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET ${protocol.path(topic)} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  await opening(socket, protocol, key);
  let [number, seen] = [0, 0];
  socket.on('data', (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      const frame = frames.at(number);
      const length = Math.min(frame.length - seen, chunk.length - at);
      if (frame.compare(chunk, at, at + length, seen, seen + length) !== 0) {
        onFault(
          new Error(`message ${number} of ${topic}: ${chunk.toString('latin1', at, at + 200)}`),
        );
        return socket.destroy();
      }
      at += length;
      seen += length;
      if (seen < frame.length) continue;
      seen = 0;
      number++;
      onMessage();
    }
  });
  socket.on('close', () => onFault(new Error(`a client of ${topic} was disconnected`)));
  return socket;
}
