/**
 * (b) How to get the frames of one tick to the socket: on real loopback connections to a sink in a
 * process of its own, which checks every byte. CPU µs (user + system) of this process per frame.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { digits, median } from '../statistics.mjs';
import { table } from '../table.mjs';
import { heading } from './harness.mjs';

const CONNECTIONS = 20;
const ROUNDS = Number(process.env.ROUNDS ?? 9);
const SLICE_MS = Number(process.env.SLICE_MS ?? 150);
const PAYLOAD = Buffer.from(Array.from({ length: 64 }, (_, i) => (i * 37) & 0xff));
const FRAME = Buffer.concat([Buffer.from([0x82, PAYLOAD.length]), PAYLOAD]);
const SIZE = FRAME.length;

/** The sink: compares what comes with the frame repeated for ever. */
function sink() {
  const expected = Buffer.concat(new Array(2000).fill(FRAME));
  const server = net.createServer((socket) => {
    let phase = 0;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (!expected.subarray(phase, phase + chunk.length).equals(chunk)) process.exit(1);
      phase = (phase + chunk.length) % SIZE;
    });
  });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('disconnect', () => process.exit(0));
}

function writeFrame(target, at) {
  target[at] = 0x82;
  target[at + 1] = PAYLOAD.length;
  target.set(PAYLOAD, at + 2);
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

function header() {
  const head = Buffer.allocUnsafe(2);
  head[0] = 0x82;
  head[1] = PAYLOAD.length;
  return head;
}

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

async function drained(sockets) {
  while (sockets.some((socket) => socket.writableLength > 0)) await sleep(1);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** CPU µs per frame over one slice; every turn of the loop is one tick on every connection. */
async function slice(sockets, write, frames) {
  let count = 0;
  const start = process.cpuUsage();
  const end = performance.now() + SLICE_MS;
  while (performance.now() < end) {
    for (const socket of sockets) write(socket, frames);
    count += sockets.length * frames;
    await turn();
    await drained(sockets);
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / count;
}

async function compare(sockets, frames) {
  const entries = Object.entries(STRATEGIES).map(([name, write]) => ({ name, write, samples: [] }));
  for (const { write } of entries) await slice(sockets, write, frames);
  for (let round = 0; round < ROUNDS; round++) {
    for (const entry of entries) entry.samples.push(await slice(sockets, entry.write, frames));
  }
  return entries.map((entry) => median(entry.samples));
}

async function connect(port) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.setNoDelay(true);
  return socket;
}

async function main() {
  const child = fork(new URL(import.meta.url), ['sink']);
  child.on('exit', (code) => code && process.exit(code));
  const [port] = await once(child, 'message');
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(port)));
  const columns = [];
  for (const frames of [1, 4, 16]) columns.push(await compare(sockets, frames));
  for (const socket of sockets) socket.destroy();
  child.disconnect();
  heading(`Frames of ${SIZE} bytes per tick: CPU µs per frame`);
  const names = Object.keys(STRATEGIES);
  const row = (name, index) => [name, ...columns.map((column) => digits(column[index]))];
  console.log(table(['way', '1 frame', '4 frames', '16 frames'], names.map(row)));
}

if (process.argv[2] === 'sink') sink();
else await main();
