/**
 * What every client here does: keeps so many echoes in flight on so many connections, compares each
 * with what was sent, and reports what that cost its own process, in the words of wsload.c.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const STALL_MS = 15_000;

const options = JSON.parse(process.argv[2] ?? '{}');
const payload = readFileSync(options.payload);
const message = options.binary ? payload : payload.toString();

let sending = true;
let measuring = false;
let received = 0;
const latencies = [];

function isMessage(data) {
  return typeof data === 'string' ? data === message : payload.equals(data);
}

/** One connection. */
class Loop {
  /** How many messages were sent, and how many replies came. */
  sent = 0;
  replies = 0;
  /** The message that is timed, and since when: to time each would cost as much as a frame. */
  timed = 0;
  since = performance.now();
  /** Sends a message; set when the connection is open. */
  send = undefined;

  request() {
    this.sent += 1;
    this.send(message);
  }

  onReply(data) {
    if (!isMessage(data)) throw new Error('a reply differs from the message');
    if (this.replies === this.sent) throw new Error('a reply that nobody asked for');
    if (this.replies === this.timed) this.time();
    this.replies += 1;
    if (measuring) received += 1;
    if (sending) this.request();
  }

  /** Notes how long the timed reply took, and times the message that is sent now. */
  time() {
    const now = performance.now();
    if (measuring) latencies.push(now - this.since);
    this.since = now;
    this.timed = this.sent;
  }
}

async function measure() {
  await sleep(options.warmup * 1000);
  const [before, start] = [process.cpuUsage(), performance.now()];
  measuring = true;
  await sleep(options.seconds * 1000);
  measuring = false;
  const { user, system } = process.cpuUsage(before);
  return { cpu: user + system, seconds: (performance.now() - start) / 1000 };
}

async function settle(loops) {
  sending = false;
  const deadline = performance.now() + STALL_MS;
  while (loops.some(({ sent, replies }) => replies < sent)) {
    if (performance.now() > deadline) throw new Error('replies are missing');
    await sleep(5);
  }
}

function report({ cpu, seconds }, version) {
  const sorted = latencies.sort((a, b) => a - b);
  const quantile = (q) => 1000 * (sorted[Math.floor(q * sorted.length)] ?? 0);
  return {
    version,
    messages: received,
    msgs_per_s: received / seconds,
    cpu_us_per_msg: received > 0 ? cpu / received : 0,
    p50: quantile(0.5),
    p99: quantile(0.99),
    hwm_kb: process.resourceUsage().maxRSS,
  };
}

/** `open(url, onMessage, deflate)` gives a promise of what sends a message. */
export async function run(open, version) {
  const url = `ws://127.0.0.1:${options.port}`;
  const loops = await Promise.all(
    Array.from({ length: options.conns }, async () => {
      const loop = new Loop();
      loop.send = await open(url, (data) => loop.onReply(data), options.deflate === true);
      return loop;
    }),
  );
  for (const loop of loops) for (let i = 0; i < options.pipeline; i++) loop.request();
  const measured = await measure();
  await settle(loops);
  console.log(JSON.stringify(report(measured, version)));
  process.exit(0);
}
