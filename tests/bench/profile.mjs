/** Runs one server, or client, under the CPU profiler and says where its time goes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate, payloadFile, runClient } from './generator.mjs';
import { CLIENTS_SERVER } from './measure.mjs';
import { startServer } from './processes.mjs';
import { digits } from './statistics.mjs';
import { table } from './table.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const INTERVAL_US = 200;
const SHOWN = 25;

/** Self time in µs by function, over all its places in the call tree, in the last `seconds`. */
function selfTimes({ nodes, samples, timeDeltas, startTime, endTime }, seconds) {
  const labels = new Map(nodes.map((node) => [node.id, label(node.callFrame)]));
  const times = new Map();
  let now = startTime;
  samples.forEach((id, index) => {
    now += timeDeltas[index];
    if (now < endTime - seconds * 1e6) return;
    const name = labels.get(id);
    times.set(name, (times.get(name) ?? 0) + timeDeltas[index]);
  });
  return times;
}

function label({ functionName, url, lineNumber }) {
  const name = functionName || '(anonymous)';
  if (!url) return name;
  const place = url.startsWith('file:') ? fileURLToPath(url).replace(root, '') : url;
  return `${name}  ${place}:${lineNumber + 1}`;
}

/** Functions of JavaScript have a place; native ones have none. */
function isScript(name) {
  return name.includes('  ');
}

function group(name) {
  if (name === '(garbage collector)') return 'garbage collection';
  if (!isScript(name)) return 'native code, system calls';
  if (name.includes('  dist/')) return 'our code (dist)';
  return name.includes('  node:') ? "Node's JavaScript" : 'peers, application';
}

function grouped(entries) {
  const sums = new Map();
  for (const [name, time] of entries) sums.set(group(name), (sums.get(group(name)) ?? 0) + time);
  return [...sums].sort((a, b) => b[1] - a[1]);
}

/** Prints the functions with the most self time; the time spent waiting is left out. */
function printProfile(times, title) {
  const entries = [...times].filter(([name]) => name !== '(idle)').sort((a, b) => b[1] - a[1]);
  const sum = (list) => list.reduce((total, [, time]) => total + time, 0);
  const inScript = entries.filter(([name]) => isScript(name));
  const share = (time, total) => `${((100 * time) / total).toFixed(1)} %`;
  const [busy, script] = [sum(entries), sum(inScript)];
  const row = ([name, time]) => [
    name,
    share(time, busy),
    isScript(name) ? share(time, script) : '',
  ];
  console.log(`\n${table([title, 'self time', 'of JS'], entries.slice(0, SHOWN).map(row))}`);
  const kinds = grouped(entries).map(([name, time]) => [name, share(time, busy)]);
  console.log(`\n${table(['kind', 'self time'], kinds)}`);
}

function readProfile(folder) {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  if (!file) throw new Error('the server left no profile behind');
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

/** The profiled one is the server or the client, whichever the workload is about. */
async function load(contender, workload, generator, { flags, ...times }) {
  const ofClient = workload.side === 'client';
  const told = { ...workload.load, payload: times.payload };
  const server = await (ofClient
    ? startServer(CLIENTS_SERVER, told)
    : startServer(contender, told, flags));
  const report = ofClient
    ? runClient(contender, workload, server, { ...times, further: flags })
    : generate(generator, workload, server, times);
  return report.finally(server.stop);
}

export async function profile(contender, workload, generator, { seconds, warmup }) {
  const folder = mkdtempSync(join(tmpdir(), 'ws6455-bench-'));
  const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${INTERVAL_US}`];
  try {
    const payload = payloadFile(generator, workload);
    const times = { seconds, warmup, payload, flags };
    const report = await load(contender, workload, generator, times);
    printProfile(selfTimes(readProfile(folder), seconds), `${contender.name}, ${workload.title}`);
    const figure = report[workload.figure ?? 'cpu_us_per_msg'];
    console.log(`\n${digits(figure)} ${workload.unit}, profiler included`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
