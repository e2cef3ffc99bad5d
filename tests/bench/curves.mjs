/**
 * node tests/bench/curves.mjs: what it costs as work grows, beside ws.
 *
 *   --rounds N     interleaved rounds (default 3)
 *   --seconds T    measured window of each measurement (default 2)
 *   --warmup T     seconds before it (default 1)
 *   --only A,B     only these curves
 *   --quick        one short round, to see that everything works
 *
 * Writes results/curves.json; with --only or --quick, results/curves-partial.json.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CONTENDERS, SUBJECT } from './contenders.mjs';
import { CURVES } from './curve-points.mjs';
import { generate, prepareGenerator } from './generator.mjs';
import { compact } from './json.mjs';
import { buildSubject, installPeers } from './prepare.mjs';
import { startServer } from './processes.mjs';
import { environment } from './report.mjs';
import { digits, median } from './statistics.mjs';

const OPTIONS = {
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '2' },
  warmup: { type: 'string', default: '1' },
  only: { type: 'string', default: '' },
  quick: { type: 'boolean', default: false },
};

const QUICK = { rounds: 1, seconds: 0.4, warmup: 0.2 };
const COMPARED = CONTENDERS.filter(({ name }) => name === SUBJECT || name === 'ws');

/** A server has files of its own open; the generator has the same limit, and fewer. */
const OWN_FILES = 64;

const WATCHED = ['--expose-gc', '--import', new URL('./live-memory.mjs', import.meta.url).href];

/** Code that runs for the first time, and what it keeps, is not a cost of each connection. */
const FIRST_CONNECTIONS = { load: { mode: 'handshake', conns: 20 } };
const FIRST_SECONDS = { seconds: 0.5, warmup: 0.5 };
const SETTLE_MS = 1500;

function positive(values, name) {
  const value = Number(values[name]);
  if (value > 0) return value;
  throw new Error(`--${name} needs a number above 0`);
}

/** The soft limit; Node raises its own to the hard one, and its children inherit that. */
function openFiles() {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

/** Splits the points of a curve into those that this machine allows and those that it does not. */
function allowed({ points }) {
  const limit = openFiles();
  const fits = ({ load }) => load.conns + OWN_FILES <= limit;
  const skipped = points.filter((point) => !fits(point));
  return {
    points: points.filter(fits),
    skipped: skipped.map(({ x }) => ({ x, why: `no more than ${limit} open files (ulimit -n)` })),
  };
}

/** Starts a server, has `use` load it, and ends it. */
async function withServer(contender, load, flags, use) {
  const server = await startServer(contender, load, flags);
  try {
    return { version: server.version, ...(await use(server)) };
  } finally {
    await server.stop();
  }
}

function measureCpu(load, contender, generator, times) {
  return withServer(contender, load, [], async (server) => {
    const report = await generate(generator, { load }, server, times);
    return { value: report.cpu_us_per_msg, p50: report.p50, p99: report.p99 };
  });
}

/** What lives with all connections open, less what lives without any, by connection. */
async function measureMemory(load, contender, generator, times) {
  const folder = mkdtempSync(join(tmpdir(), 'ws6455-curves-'));
  const file = join(folder, 'memory.json');
  const watched = { ...contender, env: { ...contender.env, LIVE_MEMORY_FILE: file } };
  try {
    const measured = await withServer(watched, load, WATCHED, async (server) => {
      await generate(generator, FIRST_CONNECTIONS, server, FIRST_SECONDS);
      await sleep(SETTLE_MS);
      const seconds = Math.max(times.seconds, 2);
      const report = await generate(generator, { load }, server, { ...times, seconds });
      return { resident: report.bytes_per_conn };
    });
    const { empty, connected } = JSON.parse(readFileSync(file, 'utf8'));
    return { ...measured, value: (connected - empty) / load.conns };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureOne(curve, load, contender, generator, times) {
  const measure = curve.unit === 'bytes' ? measureMemory : measureCpu;
  try {
    return await measure(load, contender, generator, times);
  } catch (error) {
    throw new Error(`${contender.name}, ${curve.id}: ${error.message}`, { cause: error });
  }
}

function showProgress({ curve, x, contender, round, value }) {
  const [name, work] = [contender.padEnd(7), `${curve} ${x}`.padEnd(24)];
  console.log(`round ${round + 1}  ${work} ${name} ${digits(value)}`);
}

/** Every point with every contender, nobody always first. */
async function measureRound(round, curves, generator, times) {
  const rows = [];
  const order = round % 2 === 0 ? COMPARED : [...COMPARED].reverse();
  for (const curve of curves) {
    for (const { x, load } of curve.points) {
      for (const contender of order) {
        const measured = await measureOne(curve, load, contender, generator, times);
        const row = { curve: curve.id, x, contender: contender.name, round, ...measured };
        showProgress(row);
        rows.push(row);
      }
    }
  }
  return rows;
}

/** By contender, the samples of one curve at each of its points. */
function samples(rows, { id, points }, key) {
  const at = (name, x) =>
    rows.filter((row) => row.curve === id && row.contender === name && row.x === x);
  const each = (name) => points.map(({ x }) => at(name, x).map((row) => row[key]));
  return COMPARED.map(({ name }) => [name, each(name)]);
}

function medians(rows, curve, key) {
  const entries = samples(rows, curve, key);
  return Object.fromEntries(entries.map(([name, lists]) => [name, lists.map(median)]));
}

function result(rows, curve) {
  const { title, xTitle, xUnit, unit, points, skipped } = curve;
  const more = unit === 'bytes' ? ['resident'] : ['p50', 'p99'];
  return {
    title,
    xTitle,
    xUnit,
    unit,
    x: points.map(({ x }) => x),
    medians: medians(rows, curve, 'value'),
    ...Object.fromEntries(more.map((key) => [key, medians(rows, curve, key)])),
    skipped,
    rawRounds: Object.fromEntries(samples(rows, curve, 'value')),
  };
}

function save(name, rows, curves, facts) {
  const folder = new URL('./results/', import.meta.url);
  const results = Object.fromEntries(curves.map((curve) => [curve.id, result(rows, curve)]));
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(name, folder), `${compact({ ...facts, curves: results })}\n`);
  console.log(`\nresults/${name}`);
}

function chosen(text) {
  const names = text.split(',').filter(Boolean);
  const curves = CURVES.filter(({ id }) => names.length === 0 || names.includes(id));
  if (curves.length > 0) return curves.map((curve) => ({ ...curve, ...allowed(curve) }));
  throw new Error(`no such curve: ${text}; there are ${CURVES.map(({ id }) => id).join(', ')}`);
}

function timesOf(values) {
  if (values.quick) return QUICK;
  const names = ['rounds', 'seconds', 'warmup'];
  return Object.fromEntries(names.map((name) => [name, positive(values, name)]));
}

async function main() {
  const { values } = parseArgs({ options: OPTIONS });
  const [times, curves] = [timesOf(values), chosen(values.only)];
  installPeers();
  buildSubject();
  const generator = prepareGenerator('c');
  for (const { id, skipped } of curves) {
    for (const { x, why } of skipped) console.log(`skipped: ${id} ${x}: ${why}`);
  }
  const rows = [];
  for (let round = 0; round < times.rounds; round++) {
    rows.push(...(await measureRound(round, curves, generator, times)));
  }
  const whole = curves.length === CURVES.length && !values.quick && !process.env.WS6455_SUBJECT;
  const name = whole ? 'curves.json' : 'curves-partial.json';
  save(name, rows, curves, environment(rows, generator, times));
}

main().catch((error) => {
  console.error(`curves: ${error.message}`);
  process.exitCode = 1;
});
