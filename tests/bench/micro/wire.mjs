/**
 * Real loopback connections for the micro benches that write: to a sink in a process of its own,
 * which checks every byte, and the CPU time of this process per frame.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median } from '../statistics.mjs';

const CONNECTIONS = 20;
const ROUNDS = Number(process.env.ROUNDS ?? 9);
const SLICE_MS = Number(process.env.SLICE_MS ?? 150);

/** The payload of every frame, and the frame that a server makes of it. */
export function makeFrame(size) {
  const payload = Buffer.from(Array.from({ length: size }, (_, i) => (i * 37 + (i >> 8)) & 0xff));
  return { payload, frame: Buffer.concat([makeHeader(size), payload]) };
}

export function headerSize(size) {
  if (size < 126) return 2;
  return size < 65536 ? 4 : 10;
}

/** Writes the header of a final binary frame; gives where the payload begins. */
export function writeHeader(target, at, size) {
  target[at] = 0x82;
  if (size < 126) {
    target[at + 1] = size;
    return at + 2;
  }
  if (size < 65536) {
    target[at + 1] = 126;
    target[at + 2] = size >> 8;
    target[at + 3] = size & 0xff;
    return at + 4;
  }
  target[at + 1] = 127;
  target.fill(0, at + 2, at + 6);
  target.writeUInt32BE(size, at + 6);
  return at + 10;
}

export function makeHeader(size) {
  const header = Buffer.allocUnsafe(headerSize(size));
  writeHeader(header, 0, size);
  return header;
}

/** The sink: compares what comes with the frame repeated for ever. */
function sink(size) {
  const { frame } = makeFrame(size);
  const copies = Math.ceil(65536 / frame.length) + 1;
  const expected = Buffer.concat(new Array(copies).fill(frame));
  const server = net.createServer((socket) => {
    let phase = 0;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (!expected.subarray(phase, phase + chunk.length).equals(chunk)) process.exit(1);
      phase = (phase + chunk.length) % frame.length;
    });
  });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('disconnect', () => process.exit(0));
}

async function connect(port) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket.setNoDelay(true);
}

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

/**
 * Every strategy in turn, with `frames` frames of `size` bytes per tick; the medians of the CPU µs
 * per frame, in the order of the strategies.
 */
export async function compareWrites(strategies, size, frames) {
  const child = fork(fileURLToPath(import.meta.url), ['sink', String(size)]);
  child.on('exit', (code) => code && process.exit(code));
  const [port] = await once(child, 'message');
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(port)));
  const entries = Object.values(strategies).map((write) => ({ write, samples: [] }));
  for (const { write } of entries) await slice(sockets, write, frames);
  for (let round = 0; round < ROUNDS; round++) {
    for (const entry of entries) entry.samples.push(await slice(sockets, entry.write, frames));
  }
  for (const socket of sockets) socket.destroy();
  child.disconnect();
  return entries.map((entry) => median(entry.samples));
}

if (process.argv[2] === 'sink') sink(Number(process.argv[3]));
