/** One command to Redis, without a client package: to look at a server from outside. */
import { connect } from 'node:net';

/** @returns a promise of the answer: a string, a number, null or an array of these */
export async function redisCommand(port, ...words) {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(5_000, () => socket.destroy(new Error('Redis did not answer')));
  try {
    const parts = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`);
    socket.write(`*${words.length}\r\n${parts.join('')}`);
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      const reader = { bytes: received, at: 0 };
      const answer = read(reader);
      if (answer === undefined) continue;
      if (answer instanceof Error) throw answer;
      return answer;
    }
    throw new Error('Redis closed the connection');
  } finally {
    socket.destroy();
  }
}

/** @returns undefined as long as the answer is not complete */
function read(reader) {
  const end = reader.bytes.indexOf('\r\n', reader.at);
  if (end === -1) return undefined;
  const line = reader.bytes.toString('utf8', reader.at, end);
  reader.at = end + 2;
  const [type, rest] = [line[0], line.slice(1)];
  if (type === '+') return rest;
  if (type === '-') return new Error(rest);
  if (type === ':') return Number(rest);
  if (Number(rest) === -1) return null;
  return type === '$' ? readText(reader, Number(rest)) : readArray(reader, Number(rest));
}

function readText(reader, length) {
  const end = reader.at + length;
  if (reader.bytes.length < end + 2) return undefined;
  const text = reader.bytes.toString('utf8', reader.at, end);
  reader.at = end + 2;
  return text;
}

function readArray(reader, length) {
  const items = [];
  for (let i = 0; i < length; i++) {
    const item = read(reader);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}
