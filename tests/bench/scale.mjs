/**
 * node tests/bench/scale.mjs: what idle connections cost, up to what this machine allows, for docs/scale.md. What
 * messages cost is in results/latest.json.
 *
 *   --rounds N     rounds (default 3); memory is measured in one
 *   --seconds T    measured window of each measurement (default 3)
 *   --warmup T     seconds before it (default 2)
 *   --only A,B     only the rows whose id begins with one of these
 *
 * Writes results/scale.json; with --only, results/scale-partial.json. A machine that gives a process fewer open
 * files measures fewer connections.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CONTENDERS, SUBJECT } from './contenders.mjs';
import { generate, payloadFile, prepareGenerator } from './generator.mjs';
import { compact } from './json.mjs';
import { buildSubject, installPeers } from './prepare.mjs';
import { startServer } from './processes.mjs';
import { environment } from './report.mjs';
import { digits, median } from './statistics.mjs';

const OPTIONS = {
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '3' },
  warmup: { type: 'string', default: '2' },
  only: { type: 'string', default: '' },
};

const OURS = CONTENDERS.find(({ name }) => name === SUBJECT);
const KIB = 1024;
/** A server has files of its own open. */
const OWN_FILES = 64;
const MEMORY_POINTS = [1_000, 5_000, 10_000, 20_000, 50_000, 100_000];

function row(id, title, unit, load, rest) {
  return { id, title, unit, load, ...rest };
}

const HEARTBEAT = row(
  'heartbeat',
  'Ping and Pong of the heartbeat',
  'Ping',
  { mode: 'idle', conns: 10_000, binary: true },
  { figure: 'cpu_us_per_ping', application: { heartbeat: { interval: 1_000, timeout: 10_000 } } },
);

/** What browsers offer. Each connection has had one message in each direction. */
const SPEAK = { speak: true, size: KIB, deflate: true, takeover: true, text: true };

const MEMORY_KINDS = {
  memory: { title: 'idle', load: { binary: true } },
  'memory-deflate': { title: 'idle, after a compressed message each way', load: SPEAK },
};

function memoryRows(points) {
  return Object.entries(MEMORY_KINDS).flatMap(([kind, { title, load }]) =>
    points.map((conns) => ({
      ...row(`${kind}-${conns}`, title, 'connection', { mode: 'idle', conns, ...load }),
      ...{ figure: 'bytes_per_conn', kind },
    })),
  );
}

/** The soft limit; Node raises its own to the hard one, and its children inherit that. */
function openFiles() {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}

/** The points that this machine allows; the first that it does not becomes the most that it does. */
function allowedPoints() {
  const most = Math.floor((openFiles() - OWN_FILES) / 100) * 100;
  return [...new Set(MEMORY_POINTS.map((point) => Math.min(point, most)))];
}

/** Bytes of the kernel's own objects: sockets, files, and what belongs to them. */
function slab() {
  return Number(/^Slab:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))[1]) * 1024;
}

/** The most that the kernel had while `run` ran, beyond what it had before. */
async function whileWatchingSlab(run) {
  const before = slab();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, slab());
  }, 100);
  const report = await run().finally(() => clearInterval(timer));
  return { report, slab: most - before };
}

async function measureOne(work, generator, times) {
  const isMemory = work.unit === 'connection';
  const payload = payloadFile(generator, work);
  const told = { ...work.load, ...work.application, payload };
  const server = await startServer(OURS, told, isMemory ? OURS.collectible : []);
  try {
    const loaded = () => generate(generator, work, server, { ...times, payload });
    const { report, slab } = await whileWatchingSlab(loaded);
    const figure = report[work.figure];
    if (!(figure > 0)) throw new Error(`${work.id}: nothing was measured`);
    // Both ends of each connection are on this machine.
    const kernel = isMemory ? slab / work.load.conns / 2 : undefined;
    return {
      figure,
      perSecond: report.msgs_per_s,
      p99: report.p99,
      kernel,
      version: server.version,
    };
  } finally {
    await server.stop();
  }
}

async function measure(rows, generator, { rounds, ...times }) {
  const samples = [];
  for (let round = 0; round < rounds; round++) {
    for (const work of rows) {
      if (work.unit === 'connection' && round > 0) continue; // it hardly differs between the rounds
      const measured = await measureOne(work, generator, times).catch((error) => error);
      const failed = measured instanceof Error;
      if (!failed) samples.push({ workload: work.id, contender: SUBJECT, round, ...measured });
      const said = failed ? measured.message : digits(measured.figure);
      console.log(`round ${round + 1}  ${work.id.padEnd(24)} ${said}`);
    }
  }
  return samples;
}

function resultOf({ id, title, unit, kind, load }, samples) {
  const own = samples.filter(({ workload }) => workload === id);
  const keys = ['figure', 'perSecond', 'p99', 'kernel'].filter((key) => own[0][key] !== undefined);
  const each = (take) =>
    Object.fromEntries(keys.map((key) => [key, take(own.map((sample) => sample[key]))]));
  return { title, unit, kind, load, medians: each(median), rawRounds: each((values) => values) };
}

async function main() {
  const { values } = parseArgs({ options: OPTIONS });
  const times = Object.fromEntries(
    ['rounds', 'seconds', 'warmup'].map((key) => [key, Number(values[key])]),
  );
  installPeers();
  buildSubject();
  const generator = prepareGenerator('c');
  const begins = values.only.split(',');
  const rows = [HEARTBEAT, ...memoryRows(allowedPoints())].filter(({ id }) =>
    begins.some((begin) => id.startsWith(begin)),
  );
  const samples = await measure(rows, generator, times);
  const result = {
    ...environment(samples, generator, times),
    openFiles: openFiles(),
    loadAverage: loadavg()[1],
    workloads: Object.fromEntries(
      rows
        .filter(({ id }) => samples.some(({ workload }) => workload === id))
        .map((work) => [work.id, resultOf(work, samples)]),
    ),
  };
  const name = values.only === '' ? 'scale' : 'scale-partial';
  const file = fileURLToPath(new URL(`results/${name}.json`, import.meta.url));
  writeFileSync(file, `${compact(result)}\n`);
}

main().catch((error) => {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
});
