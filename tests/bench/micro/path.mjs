/**
 * (g) The whole path of an echoed message through our own code, without a wire: a chunk goes in by
 * 'data', the replies end in a `write` that does nothing. ns per message.
 *
 *   node path.mjs [package or folder …]     by default our build; several are compared in turn
 */
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digits } from '../statistics.mjs';
import { table } from '../table.mjs';
import { compare, heading } from './harness.mjs';

const require = createRequire(import.meta.url);
const OWN = fileURLToPath(new URL('../../../', import.meta.url));
const KEY = Buffer.from([0x9d, 0x37, 0xe2, 0x5b]);
const CHUNK = 65536;

/** As much of a socket as a connection needs. */
class NoWire extends EventEmitter {
  destroyed = false;
  writableLength = 0;
  written = 0;
  write(bytes) {
    this.written += bytes.length;
    return true;
  }
  cork() {}
  uncork() {}
  setNoDelay() {}
  setTimeout() {}
  pause() {}
  resume() {}
  end() {}
  destroy() {}
}

function maskedHeader(size) {
  const long = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
  if (size < 126) return Buffer.concat([Buffer.from([0x82, 0x80 | size]), KEY]);
  if (size < 65536) return Buffer.concat([Buffer.from([0x82, 0xfe, size >> 8, size & 0xff]), KEY]);
  long.writeUInt32BE(size, 6);
  return Buffer.concat([long, KEY]);
}

/** The frames cut into chunks as a socket would give them, each on memory of its own. */
function chunksOf(size, frames) {
  const frame = Buffer.concat([maskedHeader(size), Buffer.alloc(size, 'payload ')]);
  const all = Buffer.concat(new Array(frames).fill(frame));
  const chunks = [];
  for (let at = 0; at < all.length; at += CHUNK) {
    const part = all.subarray(at, at + CHUNK);
    const chunk = Buffer.from(new ArrayBuffer(part.length));
    part.copy(chunk);
    chunks.push(chunk);
  }
  return chunks;
}

function connect(subject) {
  const { WebSocket } = require(subject);
  const wire = new NoWire();
  const socket = new WebSocket(null, undefined, { isServer: true });
  socket.setSocket(wire, Buffer.alloc(0), { maxPayload: 2 ** 24 });
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  return wire;
}

/** A connection lets others go first after some thousand frames: this is its next turn. */
function nextTurn(wire) {
  const kept = Object.getOwnPropertySymbols(wire).map((key) => wire[key]);
  const connection = kept.find((one) => typeof one?.continueReading === 'function');
  return () => connection?.continueReading();
}

/** In-place unmasking turns the payload over each time; the headers stay as they are. */
function loop(subject, size, frames) {
  const wire = connect(subject);
  const goOn = nextTurn(wire);
  const chunks = chunksOf(size, frames);
  const length = (size + maskedHeader(size).length - KEY.length) * frames;
  for (const chunk of chunks) wire.emit('data', chunk);
  if (wire.written !== length) throw new Error(`${subject}: wrote ${wire.written} of ${length}`);
  return (times) => {
    for (let i = 0; i < times; i++) {
      for (const chunk of chunks) wire.emit('data', chunk);
      if (i % 64 === 0) goOn();
    }
    return wire.written;
  };
}

const SHAPES = [
  [64, 1],
  [64, 16],
  [128, 16],
  [1024, 1],
  [16384, 1],
  [1048576, 1],
];

const folders = process.argv.slice(2).map((folder) => resolve(folder));
const subjects = folders.length > 0 ? folders : [OWN];
heading('An echoed message through our code alone: ns per message');
const columns = SHAPES.map(([size, frames]) => {
  const cases = subjects.map((subject) => [subject, loop(subject, size, frames)]);
  return { frames, times: compare(Object.fromEntries(cases)) };
});
const title = ([size, frames]) => `${size} B × ${frames}`;
const row = (subject, index) => [
  folders.length > 0 ? process.argv[2 + index] : 'dist',
  ...columns.map(({ frames, times }) => digits(times[subject] / frames)),
];
console.log(table(['build', ...SHAPES.map(title)], subjects.map(row)));
