/**
 * node tests/bench/document.mjs: writes docs/performance.md and its charts.
 *
 *   --check    write nothing; exit status 1 unless everything is as it would be written
 *
 * The figures come from results/latest.json (`npm run bench`) and results/curves.json (curves.mjs),
 * the words from performance.template.md, where `{{name …}}` stands for what PLACES below makes.
 * The same results give the same bytes. What was not measured is shown as such.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { barChart, lineChart } from './charts.mjs';
import { digits } from './statistics.mjs';
import { table } from './table.mjs';

const DOCS = new URL('../../docs/', import.meta.url);
const CHARTS = new URL('performance/', DOCS);
const PER_MESSAGE = 'CPU µs per message';
const PEER = 'ws';
const CEILING = 'ceiling';

/** Nothing where there is no such file, or none in the form that the bench writes today. */
function readResults(name, key) {
  const url = new URL(`./results/${name}`, import.meta.url);
  const results = existsSync(url) ? JSON.parse(readFileSync(url, 'utf8')) : {};
  return results[key] ? results : {};
}

const latest = readResults('latest.json', 'workloads');
const curves = readResults('curves.json', 'curves');
const workloads = Object.entries(latest.workloads ?? {}).map(([id, rest]) => ({ id, ...rest }));
const subject = latest.subject ?? 'ws6455';

/** File names under docs/performance/, and what is in them. */
const charts = new Map();

function chart(name, alt, svg) {
  charts.set(`${name}.svg`, svg);
  return `![${alt}](performance/${name}.svg)`;
}

function folded(summary, content) {
  return `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}

const fixed = (value) => (Number.isFinite(value) ? value.toFixed(2) : '–');

/* The run of the bench. */

/** Every workload is in one group: `{{ratios <group>}}` and `{{figures <group>}}` show it. */
function groupOf({ side, unit }) {
  if (side === 'client') return 'client';
  return unit === PER_MESSAGE ? 'messages' : 'others';
}

const GROUP_TITLES = {
  messages: 'What a message costs a server',
  others: 'What else costs a server',
  client: 'What a message costs a client',
};

function group(name) {
  if (!(name in GROUP_TITLES)) throw new Error(`no such group: ${name}`);
  return workloads.filter((workload) => groupOf(workload) === name);
}

/** Without what all of its group have in common. */
const shortTitle = ({ title }) => title.replace(/^client: /, '');

function barOf(workload) {
  const { median: value, least, most } = workload.ratios[PEER];
  const [mark, peer] = [CEILING, PEER].map((name) => workload.medians[name]?.figure);
  return { label: shortTitle(workload), value, least, most, mark: mark / peer };
}

function ratios(name) {
  const rows = group(name).filter(({ ratios }) => Number.isFinite(ratios?.[PEER]?.median));
  if (rows.length === 0) return '*Not measured in this run.*';
  const title = `${GROUP_TITLES[name]}: ${subject} as a multiple of ${PEER}`;
  const xTitle = `cost as a multiple of that of ${PEER}; less is better`;
  const legend = { subject, peer: PEER, mark: 'the ceiling: bare node:net' };
  const svg = barChart({ title, xTitle, legend, rows: rows.map(barOf) });
  return chart(`ratios-${name}`, title, svg);
}

/** Who took part in any of them, in the order of the versions. */
function participants(rows) {
  const names = Object.keys(latest.versions ?? {});
  return names.filter((name) => rows.some(({ medians }) => medians[name]));
}

function ratioCell({ ratios }) {
  const { median, least, most } = ratios?.[PEER] ?? {};
  return Number.isFinite(median) ? `${fixed(median)} (${fixed(least)}–${fixed(most)})` : '–';
}

function figureTable(unit, rows) {
  const names = participants(rows);
  const line = (row) => [
    shortTitle(row),
    ratioCell(row),
    ...names.map((name) => digits(row.medians[name]?.figure)),
  ];
  return table([unit, `× ${PEER}`, ...names], rows.map(line));
}

/** A table per unit. */
function figures(name) {
  const rows = group(name);
  const units = [...new Set(rows.map(({ unit }) => unit))];
  const tables = units.map((unit) =>
    figureTable(
      unit,
      rows.filter((row) => row.unit === unit),
    ),
  );
  return tables.length > 0 ? folded('The figures', tables.join('\n\n')) : '';
}

function latencies() {
  const rows = group('messages').filter(({ load }) => load.pipeline === 1);
  const names = participants(rows).filter((name) => [subject, PEER, CEILING].includes(name));
  if (rows.length === 0) return '*Not measured in this run.*';
  const cell = ({ p50, p99 } = {}) => `${digits(p50)} / ${digits(p99)}`;
  const line = (row) => [shortTitle(row), ...names.map((name) => cell(row.medians[name]))];
  return table(['latency p50 / p99, µs', ...names], rows.map(line));
}

/** What was aimed at and missed: read it with the spread of its rounds. */
function targets() {
  const all = workloads.flatMap(({ title, targets, ratios }) =>
    targets.map((target) => ({ title, ...target, ...ratios[target.against] })),
  );
  if (all.length === 0) return '';
  const missed = all.filter(({ met }) => !met);
  const line = ({ title, against, atMost, heldAt, found, least, most }) => [
    title,
    against,
    `≤ ${fixed(atMost)}`,
    heldAt > atMost ? `≤ ${fixed(heldAt)}` : '',
    `${fixed(found)} (${fixed(least)}–${fixed(most)})`,
  ];
  const met = `The project has ${all.length} targets. ${all.length - missed.length} were met in this run`;
  if (missed.length === 0) return `${met}.`;
  const why = '[Decision 0009](decisions/0009-speed.md) has the profiles of the others:';
  return `${met}. ${why}\n\n${table(['missed', 'against', 'target', 'held', 'found'], missed.map(line))}`;
}

function skipped() {
  const one = ({ contender = 'everyone', workload, reason }) =>
    `- ${contender}${workload ? `, ${workload}` : ''}: ${reason}`;
  const lists = [
    ...(latest.skipped ?? []).map(one),
    ...Object.entries(curves.curves ?? {}).flatMap(([id, curve]) =>
      curve.skipped.map(
        ({ x, why }) => `- the curve \`${id}\` at ${x.toLocaleString('en-US')}: ${why}`,
      ),
    ),
  ];
  return lists.length > 0 ? `Left out:\n\n${lists.join('\n')}` : '';
}

function ratioOf(id, peer) {
  return fixed(latest.workloads?.[id]?.ratios?.[peer]?.median);
}

/* The curves. */

function bytesLabel(value) {
  const [units, power] = [['B', 'KiB', 'MiB', 'GiB'], Math.floor(Math.log2(value) / 10)];
  return `${value / 1024 ** power} ${units[power]}`;
}

const countLabel = (value) => value.toLocaleString('en-US');

const UNITS = {
  µs: { yTitle: 'CPU µs per message', yLabel: countLabel },
  bytes: { yTitle: 'bytes per connection', yLabel: countLabel },
};

function curveTable({ x, xTitle, unit, medians }, xLabel) {
  const names = Object.keys(medians);
  const line = (at, i) => {
    const values = names.map((name) => medians[name][i]);
    return [xLabel(at), ...values.map(digits), fixed(values[0] / values[1])];
  };
  return table([xTitle, ...names.map((name) => `${name}, ${unit}`), `× ${PEER}`], x.map(line));
}

function curve(id) {
  const found = curves.curves?.[id];
  if (!found) return '*Not measured yet.*';
  const { title, x, xTitle, xUnit, unit, medians } = found;
  const xLabel = xUnit === 'bytes' ? bytesLabel : countLabel;
  const series = Object.entries(medians).map(([name, values]) => ({
    name,
    points: values.map((value, i) => [x[i], value]),
  }));
  const svg = lineChart({ title, xTitle, series, xLabel, ...UNITS[unit] });
  return `${chart(id, title, svg)}\n\n${folded('The figures', curveTable(found, xLabel))}`;
}

function curveLatencies() {
  const { x, p50, p99 } = curves.curves?.connections ?? {};
  if (!x) return '*Not measured yet.*';
  const names = Object.keys(p50);
  const cell = (name, i) => `${digits(p50[name][i])} / ${digits(p99[name][i])}`;
  const line = (at, i) => [countLabel(at), ...names.map((name) => cell(name, i))];
  return table(['connections: latency p50 / p99, µs', ...names], x.map(line));
}

/** Resident memory per connection where there are the most: elsewhere it is noise. */
function resident(name) {
  const { x, resident: values } = curves.curves?.memory ?? {};
  return digits(values?.[name]?.[x.length - 1]);
}

/* Both. */

function conditionsOf(what, results) {
  if (!results.date) return `- ${what}: not measured yet`;
  const { date, node, cpu, system, generator, rounds, seconds, versions } = results;
  const who = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `- ${what}: ${date.slice(0, 10)}, ${rounds} rounds of ${seconds} s, generator ${generator},`,
    `  Node ${node}, ${cpu}, ${system};`,
    `  ${who.join(', ')}`,
  ].join('\n');
}

function conditions() {
  return [conditionsOf('workloads', latest), conditionsOf('curves', curves)].join('\n');
}

const PLACES = {
  conditions,
  ratios,
  figures,
  latencies,
  targets,
  skipped,
  ratio: ratioOf,
  curve,
  'curve-latencies': curveLatencies,
  resident,
};

function fill(template) {
  const filled = template.replace(/\{\{([^}]+)\}\}/g, (_, content) => {
    const [name, ...args] = content.trim().split(/\s+/);
    if (!PLACES[name]) throw new Error(`performance.template.md: no such place: ${name}`);
    return PLACES[name](...args);
  });
  return filled.replace(/\n{3,}/g, '\n\n');
}

/** Everything that is written, by URL. */
function documents() {
  const template = readFileSync(new URL('./performance.template.md', import.meta.url), 'utf8');
  const text = fill(template);
  const files = [...charts].map(([name, svg]) => [new URL(name, CHARTS).href, svg]);
  return new Map([[new URL('performance.md', DOCS).href, text], ...files]);
}

function stale(files) {
  if (!existsSync(CHARTS)) return [];
  const there = readdirSync(CHARTS).map((name) => new URL(name, CHARTS).href);
  return there.filter((url) => !files.has(url));
}

const current = (url) => (existsSync(url) ? readFileSync(url, 'utf8') : undefined);

function check(files) {
  const wrong = [...files].filter(([url, content]) => current(new URL(url)) !== content);
  const names = [...wrong.map(([url]) => url), ...stale(files)];
  for (const url of names)
    console.error(`not as it would be written: ${url.slice(DOCS.href.length)}`);
  if (names.length > 0) process.exitCode = 1;
}

function write(files) {
  mkdirSync(CHARTS, { recursive: true });
  for (const url of stale(files)) rmSync(new URL(url));
  for (const [url, content] of files) writeFileSync(new URL(url), content);
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
(values.check ? check : write)(documents());
