/**
 * (k) `shutdown()` of many connections: how long it takes, and the longest time in which the event loop
 * is blocked. The connections are the library's, their wires are plain objects whose peers answer each
 * Close in the next turn, or not at all.
 *
 *   node shutdown.mjs [connections]     100,000 by default
 */
import { EventEmitter } from 'node:events';
import { existsSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PerformanceObserver, performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { table } from '../table.mjs';
import { heading } from './harness.mjs';

const require = createRequire(import.meta.url);
const { WebSocketServer } = require(fileURLToPath(new URL('../../../', import.meta.url)));
const COUNT = Number(process.argv[2] ?? 100_000);

/** RFC 6455 §5.5.1: the answer of a client, masked with zeros: 1001. */
const ANSWER = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9];

/** As much of a socket as a connection needs, with a peer behind it. */
class Wire extends EventEmitter {
  readable = true;
  writable = true;
  destroyed = false;
  readableEnded = false;
  readableLength = 0;
  writableLength = 0;
  writableEnded = false;

  constructor(answers) {
    super();
    this.answers = answers;
  }

  write(bytes) {
    if (this.answers && bytes[0] === 0x88)
      setImmediate(() => this.emit('data', Buffer.from(ANSWER)));
    return true;
  }

  end(onFinished) {
    this.writableEnded = true;
    setImmediate(() => {
      onFinished();
      this.emit('end');
      this.destroy();
    });
  }

  destroy() {
    if (this.destroyed) return;
    this.destroyed = true;
    setImmediate(() => this.emit('close'));
  }

  read() {
    return null;
  }
  cork() {}
  uncork() {}
  unshift() {}
  setNoDelay() {}
  setTimeout() {}
  pause() {}
  resume() {}
  isPaused() {
    return false;
  }
}

function openServer(answers) {
  const server = new WebSocketServer({ noServer: true });
  const request = { headers: {} };
  for (let i = 0; i < COUNT; i++) {
    const wire = new Wire(answers);
    server.completeUpgrade({}, 'key', new Set(), request, wire, Buffer.alloc(0), (socket) => {
      socket.on('close', () => {});
    });
  }
  return server;
}

/** The CPU time of the main thread in milliseconds: other programs of the machine do not count. */
function openThreadClock() {
  const path = `/proc/self/task/${process.pid}/schedstat`;
  if (!existsSync(path)) return () => performance.now();
  const file = openSync(path);
  const bytes = Buffer.alloc(64);
  return () =>
    Number(bytes.toString('latin1', 0, readSync(file, bytes, 0, 64, 0)).split(' ')[0]) / 1e6;
}

const threadTime = openThreadClock();

/** Measures each turn of the event loop. @returns a function that returns the longest one */
function watchLoop() {
  let longest = 0;
  let before = threadTime();
  let isWatching = true;
  const turn = () => {
    const now = threadTime();
    longest = Math.max(longest, now - before);
    before = now;
    if (isWatching) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    isWatching = false;
    return longest;
  };
}

/** Measures the pauses of the garbage collector. @returns a function that returns the longest one */
function watchCollector() {
  let longest = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  observer.observe({ entryTypes: ['gc'] });
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    observer.disconnect();
    return longest;
  };
}

async function measure(name, answers, options) {
  const server = openServer(answers);
  global.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const stopCollector = watchCollector();
  const stop = watchLoop();
  const cpu = process.cpuUsage();
  const report = await server.shutdown(options);
  const longest = stop();
  const pause = await stopCollector();
  const { user, system } = process.cpuUsage(cpu);
  const { closed, clean, terminated } = report;
  if (closed !== COUNT) throw new Error(`${closed} of ${COUNT} have ended`);
  return [
    name,
    clean,
    terminated,
    Math.round(report.ms),
    Math.round((user + system) / 1000),
    longest.toFixed(1),
    pause.toFixed(1),
  ];
}

heading(`(k) shutdown() of ${COUNT.toLocaleString('en')} connections`);
const rows = [
  await measure('every peer answers, spread 0', true, {}),
  await measure('every peer answers, spread 5 s', true, { spread: 5_000, retryAfter: [0, 30] }),
  await measure('no peer answers, timeout 2 s', false, { timeout: 2_000 }),
];
const head = ['', 'clean', 'dropped', 'ms', 'ms of CPU', 'longest turn, ms', 'longest GC, ms'];
console.log(table(head, rows));
