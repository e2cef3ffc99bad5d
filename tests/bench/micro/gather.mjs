/**
 * (b) How to get the frames of one tick to the socket: CPU µs (user + system) per frame of 64 bytes
 * of payload.
 */
import { digits } from '../statistics.mjs';
import { table } from '../table.mjs';
import { heading } from './harness.mjs';
import { compareWrites, makeFrame, makeHeader, writeHeader } from './wire.mjs';

const { payload: PAYLOAD, frame: FRAME } = makeFrame(64);
const SIZE = FRAME.length;

function writeFrame(target, at) {
  target.set(PAYLOAD, writeHeader(target, at, PAYLOAD.length));
  return at + SIZE;
}

function fill(target, at, frames) {
  let end = at;
  for (let i = 0; i < frames; i++) end = writeFrame(target, end);
  return end;
}

function oneBuffer() {
  const frame = Buffer.allocUnsafe(SIZE);
  writeFrame(frame, 0);
  return frame;
}

const header = () => makeHeader(PAYLOAD.length);

function slabOf(bytes, make) {
  let slab = make(bytes);
  let used = 0;
  return (socket, frames) => {
    if (used + frames * SIZE > bytes) {
      slab = make(bytes);
      used = 0;
    }
    const start = used;
    used = fill(slab, start, frames);
    socket.write(slab.subarray(start, used));
  };
}

/** Starts over in the same buffer when the write left nothing behind in the stream. */
function reused(bytes) {
  let slab = Buffer.allocUnsafeSlow(bytes);
  return (socket, frames) => {
    const end = fill(slab, 0, frames);
    socket.write(slab.subarray(0, end));
    if (socket.writableLength > 0) slab = Buffer.allocUnsafeSlow(bytes);
  };
}

function growable(first) {
  return (socket, frames) => {
    let target = Buffer.allocUnsafeSlow(first);
    let used = 0;
    for (let i = 0; i < frames; i++) {
      if (used + SIZE > target.length) {
        const larger = Buffer.allocUnsafeSlow(target.length * 2);
        target.copy(larger, 0, 0, used);
        target = larger;
      }
      used = writeFrame(target, used);
    }
    socket.write(target.subarray(0, used));
  };
}

const STRATEGIES = {
  'header, payload: cork per frame': (socket, frames) => {
    for (let i = 0; i < frames; i++) {
      socket.cork();
      socket.write(header());
      socket.write(PAYLOAD);
      socket.uncork();
    }
  },
  'write per frame': (socket, frames) => {
    for (let i = 0; i < frames; i++) socket.write(oneBuffer());
  },
  'header, payload: one cork': (socket, frames) => {
    socket.cork();
    for (let i = 0; i < frames; i++) {
      socket.write(header());
      socket.write(PAYLOAD);
    }
    socket.uncork();
  },
  'buffer per frame: one cork': (socket, frames) => {
    socket.cork();
    for (let i = 0; i < frames; i++) socket.write(oneBuffer());
    socket.uncork();
  },
  'buffer per frame: concat': (socket, frames) => {
    const list = [];
    for (let i = 0; i < frames; i++) list.push(oneBuffer());
    socket.write(list.length === 1 ? list[0] : Buffer.concat(list));
  },
  'one allocUnsafe (pool)': (socket, frames) => {
    const target = Buffer.allocUnsafe(frames * SIZE);
    fill(target, 0, frames);
    socket.write(target);
  },
  'one allocUnsafeSlow, exact': (socket, frames) => {
    const target = Buffer.allocUnsafeSlow(frames * SIZE);
    fill(target, 0, frames);
    socket.write(target);
  },
  'slab 16 KiB, shared': slabOf(16384, Buffer.allocUnsafeSlow),
  'slab 64 KiB, shared': slabOf(65536, Buffer.allocUnsafeSlow),
  'slab 16 KiB, dropped each tick': (socket, frames) => {
    const target = Buffer.allocUnsafeSlow(16384);
    socket.write(target.subarray(0, fill(target, 0, frames)));
  },
  'growable from 128 B': growable(128),
  'growable from 1 KiB': growable(1024),
  'one buffer, reused when drained': reused(16384),
};

const columns = [];
for (const frames of [1, 4, 16]) {
  columns.push(await compareWrites(STRATEGIES, PAYLOAD.length, frames));
}
heading(`Frames of ${SIZE} bytes per tick: CPU µs per frame`);
const row = (name, index) => [name, ...columns.map((column) => digits(column[index]))];
console.log(table(['way', '1 frame', '4 frames', '16 frames'], Object.keys(STRATEGIES).map(row)));
