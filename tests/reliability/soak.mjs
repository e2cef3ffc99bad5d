/**
 * Many connections on the built package over loopback: 10,000 that are idle, 20,000 that break, and a
 * broadcast with readers that do not read. Memory, timers and handles must return to where they began.
 *
 *     npm run build && node tests/reliability/soak.mjs [--seed N]
 *
 * Rows R5, R8, R13 and R14 of THREATS.md. It takes about a minute, so it is not part of `npm test`.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const require = createRequire(import.meta.url);
const WebSocket = require('../../dist/index.js');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const { values } = parseArgs({ options: { seed: { type: 'string' } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));

const MIB = 1024 * 1024;
const IDLE = 10_000;
const BROKEN = 20_000;
/** More than the buffers of a loopback connection hold. */
const MESSAGES = 200;
/** How many connections are opened at a time: fewer than the queue of a listening socket holds. */
const AT_A_TIME = 200;
/** A deadline for everything, in milliseconds. */
const DEADLINE = 300_000;
/** Memory is back if it differs by less than this. */
const TOLERANCE = 12 * MIB;

const turn = () => new Promise((go) => setImmediate(go));

/** The generator of tests/support/random.ts. */
function randomFrom(state) {
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Waits, turn by turn, until it holds. */
async function until(done, what) {
  for (const deadline = Date.now() + 60_000; !done(); await turn()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what()}`);
  }
}

/** How many handles of each kind are open. */
function handles() {
  const counts = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  const { TCPSocketWrap = 0, TCPServerWrap = 0, Timeout = 0 } = counts;
  return { TCPSocketWrap, TCPServerWrap, Timeout };
}

/** Bytes in use on the heap and in Buffers, once everything that can go is gone. */
async function memoryInUse() {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i++) {
    for (let n = 0; n < 4; n++) await turn();
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    if (least - (heapUsed + external) < MIB / 20) break;
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

function check(condition, what) {
  if (!condition) throw new Error(what);
}

/** A server on a free port; counts its connections and their 'close' events. */
async function openServer(options = {}) {
  const wss = new WebSocket.WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  const counts = { opened: 0, closed: 0, twice: 0, received: 0 };
  wss.on('connection', (ws) => {
    counts.opened++;
    let closes = 0;
    ws.on('error', () => {});
    ws.on('message', () => counts.received++);
    ws.on('close', () => {
      counts.closed++;
      if (++closes > 1) counts.twice++;
    });
  });
  await once(wss, 'listening');
  return { wss, counts, port: wss.address().port };
}

async function closeServer(wss) {
  for (const ws of wss.clients) ws.terminate();
  await new Promise((done) => wss.close(done));
}

/** Runs a step `count` times, so many at a time. */
async function inBatches(count, step) {
  for (let first = 0; first < count; first += AT_A_TIME) {
    const size = Math.min(AT_A_TIME, count - first);
    await Promise.all(Array.from({ length: size }, (_, i) => step(first + i)));
  }
}

async function openClient(port) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await once(ws, 'open');
  return ws;
}

/** So many connections that are open and say nothing, then are closed, or dropped by either side. */
async function idle(count) {
  const { wss, counts, port } = await openServer();
  const before = await memoryInUse();
  const timers = handles().Timeout;
  const clients = [];
  await inBatches(count, async () => clients.push(await openClient(port)));
  await until(
    () => wss.clients.size === count,
    () => `${wss.clients.size} of ${count} clients`,
  );
  const each = ((await memoryInUse()) - before) / count;
  check(handles().Timeout <= timers + 1, `${handles().Timeout} timers, ${timers} before`);
  let closed = 0;
  for (const ws of clients) ws.on('close', () => closed++);
  for (const [i, ws] of clients.entries()) if (i % 3 === 0) ws.close();
  for (const [i, ws] of clients.entries()) if (i % 3 === 1) ws.terminate();
  let index = 0;
  for (const ws of wss.clients) if (index++ % 2 === 0) ws.close(1001);
  await until(
    () => closed >= count * 0.6,
    () => `${closed} of ${count} clients to close`,
  );
  for (const ws of clients) ws.terminate();
  await until(
    () => closed === count && counts.closed === count,
    () => `${counts.closed} closes`,
  );
  check(counts.twice === 0, `'close' came twice for ${counts.twice}`);
  check(wss.clients.size === 0, `${wss.clients.size} clients are left`);
  await closeServer(wss);
  return `${Math.round(each)} bytes for each pair of a client and a server`;
}

const REQUEST = Buffer.from(
  [
    'GET / HTTP/1.1',
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Extensions: permessage-deflate',
    '\r\n',
  ].join('\r\n'),
);

/** A masked frame with a key of zeros. */
function frame(first, payload) {
  const head = Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]);
  return Buffer.concat([head, Buffer.from(payload)]);
}

const DIALOGUE = Buffer.concat([
  REQUEST,
  frame(0x81, 'hello'),
  frame(0x01, 'first, '),
  frame(0x89, 'ping'),
  frame(0x80, 'last'),
  frame(0xc1, Buffer.from('f248cdc9c90700', 'hex')),
  frame(0x88, Buffer.from([3, 232])),
]);

const ENDS = [
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.destroy(),
  (socket) => socket.end(),
  (socket) => socket.end(frame(0x83, 'an unknown opcode')),
  (socket) => socket.end(frame(0xc1, 'not deflated')),
];

/** One connection that breaks somewhere in its dialogue. */
async function breakOne(port, random) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  socket.resume();
  const from = random() < 0.7 ? REQUEST.length : 0;
  const length = from + Math.floor(random() * (DIALOGUE.length - from + 1));
  const end = ENDS[Math.floor(random() * ENDS.length)];
  await new Promise((done) => {
    socket.on('close', done);
    socket.once('connect', () => {
      socket.write(DIALOGUE.subarray(0, length), () => setImmediate(() => end(socket)));
    });
  });
}

async function broken(count) {
  const { wss, counts, port } = await openServer({ perMessageDeflate: true });
  const random = randomFrom(seed);
  await inBatches(count, () => breakOne(port, random));
  await until(
    () => wss.clients.size === 0,
    () => `${wss.clients.size} clients to close`,
  );
  check(counts.opened > count / 4, `only ${counts.opened} connections opened`);
  check(counts.closed === counts.opened, `${counts.closed} of ${counts.opened} closed`);
  check(counts.twice === 0, `'close' came twice for ${counts.twice}`);
  await closeServer(wss);
  return `${counts.opened} of ${count} opened, ${counts.received} messages`;
}

/** A connection whose other end never reads. */
async function openStuck(port) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(REQUEST);
  socket.pause();
  return socket;
}

/** A broadcast to 100 readers and 20 that do not read; those are dropped afterwards. */
async function slowReaders(messages) {
  const [readers, stuck, size] = [100, 20, 65_536];
  const { wss, counts, port } = await openServer();
  const clients = await Promise.all(Array.from({ length: readers }, () => openClient(port)));
  const sockets = await Promise.all(Array.from({ length: stuck }, () => openStuck(port)));
  await until(
    () => counts.opened === readers + stuck,
    () => `${counts.opened} connections`,
  );
  let received = 0;
  for (const ws of clients) ws.on('message', () => received++);
  for (let i = 0; i < messages; i++) {
    wss.broadcast(Buffer.alloc(size, i));
    await turn();
  }
  await until(
    () => received === readers * messages,
    () => `${received} messages`,
  );
  const waiting = [...wss.clients].map((ws) => ws.bufferedAmount).filter((bytes) => bytes > 0);
  check(waiting.length === stuck, `${waiting.length} connections have bytes that wait`);
  const most = Math.max(...waiting);
  check(most <= messages * size, `${most} bytes wait for one of them`);
  for (const socket of sockets) socket.destroy();
  for (const ws of clients) ws.close();
  await until(
    () => wss.clients.size === 0,
    () => `${wss.clients.size} clients to close`,
  );
  check(counts.closed === counts.opened, `${counts.closed} of ${counts.opened} closed`);
  await closeServer(wss);
  return `${received} messages read, at most ${most} bytes waiting`;
}

/** Runs a part once as a rehearsal and once for real; what it leaves behind is a failure. */
async function part(name, run, rehearsal, count) {
  await run(rehearsal);
  const [memory, open] = [await memoryInUse(), handles()];
  const started = Date.now();
  const result = await run(count);
  await until(
    () => JSON.stringify(handles()) === JSON.stringify(open),
    () => `handles: ${JSON.stringify(open)} before, ${JSON.stringify(handles())} after`,
  );
  const grown = (await memoryInUse()) - memory;
  check(grown < TOLERANCE, `${(grown / MIB).toFixed(1)} MiB more than before`);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${name}: ${result}; ${(grown / MIB).toFixed(1)} MiB left; ${seconds} s`);
}

/** Each pair of a client and a server takes two descriptors: 20,500 are needed for all. */
function affordable(count) {
  const { open_files: limit } = process.report.getReport().userLimits;
  const soft = limit.soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit.soft);
  return Math.min(count, Math.floor((soft - 500) / 2));
}

const PARTS = [
  ['idle connections', idle, 500, affordable(IDLE)],
  ['broken connections', broken, 1000, BROKEN],
  ['messages of 64 KiB to slow readers', slowReaders, MESSAGES, MESSAGES],
];

setTimeout(() => {
  console.error(`not done after ${DEADLINE / 1000} s\n0 passed, 1 failed`);
  process.exit(1);
}, DEADLINE).unref();

console.log(`seed ${seed}`);
let failed = 0;
for (const [name, run, rehearsal, count] of PARTS) {
  try {
    await part(`${count} ${name}`, run, rehearsal, count);
  } catch (error) {
    failed++;
    console.error(`${name} (--seed ${seed}):`, error);
  }
}
console.log(`${PARTS.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
