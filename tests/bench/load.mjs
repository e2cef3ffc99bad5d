/**
 * The load generator in Node: the options and the output of wsload.c, echo only. For machines without
 * a C compiler, and for TLS (`--tls`) and messages compressed in context (`--takeover`). It costs
 * about as much as a server, so the server may wait for it: trust CPU time per message, not the rate.
 * Every byte of every reply is compared: plain replies with the one frame that each must be,
 * compressed ones after they are inflated.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { parseArgs } from 'node:util';
import { CompressedReplies, deflateEach, makeMessages, OFFERS } from './compression.mjs';
import { median } from './statistics.mjs';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MASK = [0x9d, 0x37, 0xe2, 0x5b];
const CLOSE = maskedFrame(0x88, Buffer.from([0x03, 0xe8]));
/** Clock ticks per second in /proc/<pid>/stat: 100 on every Linux that Node runs on. */
const TICKS = 100;
const LATENCIES_KEPT = 200_000;
const STALL_MS = 15_000;

const OPTIONS = {
  port: { type: 'string' },
  pid: { type: 'string', default: '0' },
  mode: { type: 'string', default: 'echo' },
  conns: { type: 'string', default: '50' },
  size: { type: 'string', default: '64' },
  pipeline: { type: 'string', default: '1' },
  seconds: { type: 'string', default: '3' },
  warmup: { type: 'string', default: '1' },
  text: { type: 'boolean', default: false },
  binary: { type: 'boolean', default: false },
  deflate: { type: 'boolean', default: false },
  takeover: { type: 'boolean', default: false },
  tls: { type: 'boolean', default: false },
  'dump-payload': { type: 'boolean', default: false },
};

function fail(message) {
  console.error(`load: ${message}`);
  process.exit(1);
}

function header(first, length, mask) {
  if (length < 126) return Buffer.from([first, mask | length]);
  if (length < 65536) return Buffer.from([first, mask | 126, length >> 8, length & 0xff]);
  const long = Buffer.alloc(10);
  long[0] = first;
  long[1] = mask | 127;
  long.writeUInt32BE(length, 6);
  return long;
}

function maskedFrame(first, payload) {
  const masked = payload.map((byte, i) => byte ^ MASK[i & 3]);
  return Buffer.concat([header(first, payload.length, 0x80), Buffer.from(MASK), masked]);
}

/** The same bytes in every run. */
function makePayload(size, binary) {
  let seed = 12345;
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    bytes[i] = binary ? seed >>> 24 : 0x20 + ((seed >>> 24) % 95);
  }
  return bytes;
}

/** User and system time of the server, in seconds. */
function cpuSeconds(pid) {
  if (!pid) return 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function peakKb(pid) {
  if (!pid) return 0;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

/** The one message of a workload that is not compressed. */
class PlainMessages {
  constructor({ size, binary, pipeline }) {
    const first = binary ? 0x82 : 0x81;
    const payload = makePayload(size, binary);
    const frame = maskedFrame(first, payload);
    this.requests = Buffer.concat(new Array(pipeline).fill(frame));
    this.requestSize = frame.length;
    const reply = Buffer.concat([header(first, size, 0), payload]);
    this.replySize = reply.length;
    const copies = Math.ceil(65536 / reply.length) + 1;
    this.expected = Buffer.concat(new Array(copies).fill(reply));
  }

  /** What `count` requests are on the wire. */
  next(_connection, count) {
    return this.requests.subarray(0, count * this.requestSize);
  }

  /** How many replies a chunk completes: each is complete when its last byte has come. */
  replies(connection, chunk) {
    let count = 0;
    let at = 0;
    while (at < chunk.length) {
      const end = Math.min(chunk.length, at + this.expected.length - connection.phase);
      const wanted = this.expected.subarray(connection.phase, connection.phase + end - at);
      if (!wanted.equals(chunk.subarray(at, end))) fail('a reply differs from the message');
      const bytes = connection.phase + end - at;
      connection.phase = bytes % this.replySize;
      count += Math.floor(bytes / this.replySize);
      at = end;
    }
    return count;
  }
}

/** Messages one after the other, compressed beforehand, in or out of context. */
class CompressedMessages {
  uncompressed = 0;

  constructor({ size, takeover }) {
    this.messages = makeMessages(size);
    const frames = (inContext) =>
      deflateEach(this.messages, inContext).map((payload) => maskedFrame(0xc1, payload));
    this.alone = frames(false);
    this.inContext = takeover ? frames(true) : this.alone;
  }

  next(connection, count) {
    const { asked = 0 } = connection;
    const frames = connection.clientAlone ? this.alone : this.inContext;
    connection.asked = asked + count;
    return Buffer.concat(
      Array.from({ length: count }, (_, i) => frames[(asked + i) % frames.length]),
    );
  }

  replies(connection, chunk) {
    connection.inflating ??= new CompressedReplies(this.messages);
    const count = connection.inflating.read(chunk);
    this.uncompressed += connection.inflating.uncompressed;
    connection.inflating.uncompressed = 0;
    return count;
  }
}

class Load {
  constructor(options) {
    this.messages = options.deflate ? new CompressedMessages(options) : new PlainMessages(options);
    this.pipeline = options.pipeline;
    this.sending = true;
    this.measuring = false;
    this.received = 0;
    this.latencies = [];
    this.progress = performance.now();
  }

  send(connection, count) {
    const now = performance.now();
    for (let i = 0; i < count; i++) connection.sent.push(now);
    connection.socket.write(this.messages.next(connection, count));
  }

  onData(connection, chunk) {
    if (connection.closing) return;
    this.onReplies(connection, this.messages.replies(connection, chunk));
  }

  onReplies(connection, count) {
    if (count > connection.sent.length) fail('a reply that nobody asked for');
    const now = performance.now();
    for (const since of connection.sent.splice(0, count)) {
      if (this.measuring && this.latencies.length < LATENCIES_KEPT)
        this.latencies.push(now - since);
    }
    if (this.measuring) this.received += count;
    if (count > 0) this.progress = now;
    if (count > 0 && this.sending) this.send(connection, count);
  }
}

function connect({ port, tls: secure }) {
  const place = { host: '127.0.0.1', port };
  const socket = secure ? tls.connect({ ...place, rejectUnauthorized: false }) : net.connect(place);
  return socket.setNoDelay(true);
}

function offer({ deflate, takeover }) {
  if (!deflate) return '';
  return `Sec-WebSocket-Extensions: ${takeover ? OFFERS.inContext : OFFERS.alone}\r\n`;
}

async function open(options, load) {
  const { port, deflate } = options;
  const socket = connect(options);
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${offer(options)}\r\n`,
  );
  const [response] = await once(socket, 'data');
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  if (!/^HTTP\/1\.1 101 /.test(response)) fail('the handshake was refused');
  if (!response.includes(`: ${accept}\r\n`)) fail('wrong Sec-WebSocket-Accept');
  if (response.includes('permessage-deflate') !== deflate) fail('not the extension asked for');
  const clientAlone = response.includes('client_no_context_takeover');
  const connection = { socket, phase: 0, sent: [], closing: false, clientAlone };
  socket.on('data', (chunk) => load.onData(connection, chunk));
  socket.on('close', () => connection.closing || fail('the server closed a connection'));
  socket.on('error', (error) => connection.closing || fail(error.message));
  return connection;
}

async function settle(load, connections) {
  load.sending = false;
  while (connections.some(({ sent }) => sent.length > 0)) {
    if (performance.now() - load.progress > STALL_MS) fail('replies are missing');
    await sleep(5);
  }
  for (const connection of connections) {
    connection.closing = true;
    connection.socket.end(CLOSE);
  }
}

/** The measured window: what the server and this program used in it. */
async function window(load, { pid, seconds }) {
  const [server, own, start] = [cpuSeconds(pid), process.cpuUsage(), performance.now()];
  load.measuring = true;
  await sleep(seconds * 1000);
  load.measuring = false;
  const used = process.cpuUsage(own);
  const passed = (performance.now() - start) / 1000;
  return {
    passed,
    server: cpuSeconds(pid) - server,
    client: (used.user + used.system) / 1e6 / passed,
  };
}

function report(load, options, { passed, server, client }) {
  const sorted = load.latencies.sort((a, b) => a - b);
  const quantile = (q) => 1000 * (sorted[Math.floor(q * sorted.length)] ?? 0);
  const { mode, conns, size, pipeline, binary, pid } = options;
  return {
    mode,
    conns,
    size,
    pipeline,
    type: binary ? 'binary' : 'text',
    seconds: passed,
    messages: load.received,
    msgs_per_s: load.received / passed,
    p50: 1000 * (median(sorted) || 0),
    p99: quantile(0.99),
    hwm_kb: peakKb(pid),
    cpu_us_per_msg: load.received ? (server * 1e6) / load.received : 0,
    client_util: client,
    uncompressed_replies: load.messages.uncompressed,
    errors: 0,
  };
}

function readOptions() {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.mode !== 'echo') fail(`mode ${values.mode} needs the C generator`);
  const numbers = ['port', 'pid', 'conns', 'size', 'pipeline', 'seconds', 'warmup'];
  for (const name of numbers) values[name] = Number(values[name] ?? 0);
  return values;
}

async function main() {
  const options = readOptions();
  if (options['dump-payload']) {
    process.stdout.write(makePayload(options.size, options.binary));
    return;
  }
  const load = new Load(options);
  const opening = Array.from({ length: options.conns }, () => open(options, load));
  const connections = await Promise.all(opening);
  for (const connection of connections) load.send(connection, load.pipeline);
  await sleep(options.warmup * 1000);
  const measured = await window(load, options);
  await settle(load, connections);
  console.log(JSON.stringify(report(load, options, measured)));
}

await main();
