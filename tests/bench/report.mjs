/** What the bench prints and keeps. */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { CONTENDERS, SUBJECT } from './contenders.mjs';
import { column, ratio } from './measure.mjs';
import { digits, median } from './statistics.mjs';
import { table } from './table.mjs';

const names = CONTENDERS.map(({ name }) => name);
const peers = names.filter((name) => name !== SUBJECT);

function versions(rows) {
  return Object.fromEntries(rows.map(({ contender, version }) => [contender, version]));
}

export function environment(rows, generator, { rounds, seconds, warmup }) {
  return {
    date: new Date().toISOString(),
    node: process.versions.node,
    cpu: `${os.cpus().length} × ${os.cpus()[0]?.model.trim() ?? 'unknown'}`,
    system: `${os.type()} ${os.release()}`,
    generator: generator.name,
    rounds,
    seconds,
    warmup,
    versions: versions(rows),
  };
}

/** One line per target: what was asked, what came out. */
export function judge(workloads, rows) {
  return workloads.flatMap(({ id, targets }) =>
    targets.map(({ against, atMost }) => {
      const found = ratio(rows, id, against).median;
      return { id, against, atMost, found, met: found <= atMost };
    }),
  );
}

function verdict(judged, id) {
  return judged
    .filter((target) => target.id === id)
    .map((target) => `${target.met ? 'met' : 'MISSED'} (≤ ${target.atMost}× ${target.against})`)
    .join(', ');
}

function ratioCell(rows, id, peer) {
  const { median: middle, least, most } = ratio(rows, id, peer);
  return `${middle.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;
}

function cpuTable(workloads, rows, judged) {
  const header = ['CPU µs per message', ...names, ...peers.map((peer) => `× ${peer}`), 'target'];
  const lines = workloads.map(({ id, title }) => [
    title,
    ...names.map((name) => digits(median(column(rows, id, name, 'cpu')))),
    ...peers.map((peer) => ratioCell(rows, id, peer)),
    verdict(judged, id),
  ]);
  return table(header, lines);
}

function otherTable(workloads, rows) {
  const cell = (id, name) => {
    const middle = (key) => median(column(rows, id, name, key));
    const latency = `${digits(middle('p50'))} / ${digits(middle('p99'))}`;
    return `${latency} µs, ${Math.round(middle('perSecond')).toLocaleString('en-US')}/s`;
  };
  const lines = workloads.map(({ id, title }) => [title, ...names.map((name) => cell(id, name))]);
  return table(['latency p50 / p99, messages per second', ...names], lines);
}

export function print(workloads, rows, facts, judged) {
  const listed = Object.entries(facts.versions).map(([name, version]) => `${name} ${version}`);
  const others = median(rows.map((row) => row.others ?? Number.NaN));
  const noise = Number.isNaN(others) ? '' : ` · other programs used ${others.toFixed(2)} cores`;
  console.log(`\n${listed.join(' · ')}`);
  console.log(`Node ${facts.node} · ${facts.cpu} · ${facts.generator}`);
  console.log(`${facts.rounds} rounds of ${facts.seconds} s${noise}\n`);
  console.log(cpuTable(workloads, rows, judged));
  console.log(`\n${otherTable(workloads, rows)}`);
}

/** `{ workload: { contender: { cpu: [per round], … } } }`: short, and fit for a diff. */
function perRound(workloads, rows) {
  const keys = ['cpu', 'perSecond', 'p50', 'p99', 'peakKb', 'others'];
  const series = (id, name) =>
    Object.fromEntries(keys.map((key) => [key, column(rows, id, name, key)]));
  const contenders = (id) => Object.fromEntries(names.map((name) => [name, series(id, name)]));
  return Object.fromEntries(workloads.map(({ id }) => [id, contenders(id)]));
}

function summary(workloads, rows) {
  const figures = (id) => ({
    cpu: Object.fromEntries(names.map((n) => [n, median(column(rows, id, n, 'cpu'))])),
    ratio: Object.fromEntries(peers.map((peer) => [peer, ratio(rows, id, peer).median])),
  });
  return Object.fromEntries(workloads.map(({ id }) => [id, figures(id)]));
}

function rounded(_key, value) {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}

/** Arrays of numbers on one line each. */
function compact(value) {
  return JSON.stringify(value, rounded, 2).replace(/\[[\d\s.,e+-]*\]/g, (list) =>
    list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'),
  );
}

export function save(name, workloads, rows, facts, judged) {
  const folder = new URL('./results/', import.meta.url);
  const result = {
    ...facts,
    unit: 'CPU µs (user + system) of the server per message',
    medians: summary(workloads, rows),
    targets: judged,
    rawRounds: perRound(workloads, rows),
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(name, folder), `${compact(result)}\n`);
}
