/**
 * What the bench prints and keeps. results/latest.json is the last whole run:
 *
 *   date, node, cpu, system, generator    when, and on what
 *   rounds, seconds, warmup               how long; with --check, four times the rounds where a
 *                                         target was missed in the first ones
 *   subject                               the name of the contender that is judged
 *   versions    { contender: version }    who took part
 *   skipped     [{ contender?, workload?, reason }]  who did not: without `workload`, in anything;
 *                                         what a contender cannot do by design is not listed
 *   workloads   { id: {                   in the order of workloads.mjs
 *     title, unit, side                   what `figure` is, and whose: "server" or "client"
 *     load                                conns, size, pipeline, … : the options of wsload.c
 *     medians   { contender: { figure, perSecond?, p50?, p99?, peakKb? } }
 *                                         latencies in µs; `?`: where it is known
 *     ratios    { peer: { median, least, most } }  the subject's figure over the peer's, per round
 *     targets   [{ against, atMost, heldAt, found, met, held }]  `found` is null where the peer did
 *                                         not take part; `heldAt`: see workloads.mjs
 *   } }
 *   rawRounds   { id: { contender: { figure: [per round], perSecond, p50, p99, peakKb, others } } }
 *                                         `others`: cores that other programs used meanwhile
 *
 * Less is better in every figure; perSecond depends on the generator and its pauses as well.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { CONTENDERS, SUBJECT, USUAL } from './contenders.mjs';
import { compact } from './json.mjs';
import { column, ratio } from './measure.mjs';
import { digits, median } from './statistics.mjs';
import { table } from './table.mjs';

const KEYS = ['figure', 'perSecond', 'p50', 'p99', 'peakKb', 'others'];

function versions(rows) {
  return Object.fromEntries(rows.map(({ contender, version }) => [contender, version]));
}

/** Who took part in any of `workloads`, in the order of contenders.mjs. */
function participants(rows, workloads) {
  const ids = new Set(workloads.map(({ id }) => id));
  const seen = new Set(rows.filter((row) => ids.has(row.workload)).map((row) => row.contender));
  return CONTENDERS.map(({ name }) => name).filter((name) => seen.has(name));
}

const isPeer = (name) => name !== SUBJECT;

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
    subject: SUBJECT,
    versions: versions(rows),
  };
}

/** What targets are set against; a runtime that cannot run here leaves nothing to be judged. */
function counts(rows, id, against) {
  return USUAL.includes(against) || Number.isFinite(ratio(rows, id, against).median);
}

/** One line per target whose peer was asked to take part: what was asked, what came out. */
export function judge(workloads, rows, asked) {
  return workloads.flatMap(({ id, targets }) =>
    targets
      .filter(({ against }) => asked.includes(against) && counts(rows, id, against))
      .map(({ against, atMost, heldAt = atMost }) => {
        const found = ratio(rows, id, against).median;
        return { id, against, atMost, heldAt, found, met: found <= atMost, held: found <= heldAt };
      }),
  );
}

function verdict(judged, id) {
  return judged
    .filter((target) => target.id === id)
    .map((target) => `${outcome(target)} (≤ ${target.atMost}× ${target.against})`)
    .join(', ');
}

function outcome({ met, held, heldAt }) {
  if (met) return 'met';
  return held ? `not reached, held at ${heldAt}×` : 'MISSED';
}

function ratioCell(rows, id, peer) {
  const { median: found, least, most } = ratio(rows, id, peer);
  if (Number.isNaN(found)) return '–';
  return `${found.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;
}

/** The median of what is known, as it is printed. */
function middle(rows, id, name, key) {
  return digits(median(column(rows, id, name, key).filter(Number.isFinite)));
}

function figureTable(unit, workloads, rows, judged) {
  const names = participants(rows, workloads);
  const peers = names.filter(isPeer);
  const header = [unit, ...names, ...peers.map((peer) => `× ${peer}`), 'target'];
  const lines = workloads.map(({ id, title }) => [
    title,
    ...names.map((name) => middle(rows, id, name, 'figure')),
    ...peers.map((peer) => ratioCell(rows, id, peer)),
    verdict(judged, id),
  ]);
  return table(header, lines);
}

function latencyTable(workloads, rows) {
  const names = participants(rows, workloads);
  const cell = (id, name) => {
    const of = (key) => middle(rows, id, name, key);
    return `${of('p50')} / ${of('p99')} µs, ${of('perSecond')}/s`;
  };
  const lines = workloads.map(({ id, title }) => [title, ...names.map((name) => cell(id, name))]);
  return table(['latency p50 / p99, messages per second', ...names], lines);
}

function printSkipped(skipped) {
  for (const { contender = 'everyone', workload = 'everything', reason } of skipped) {
    console.log(`skipped: ${contender}, ${workload}: ${reason}`);
  }
}

function printTables(workloads, rows, judged) {
  for (const unit of new Set(workloads.map((workload) => workload.unit))) {
    const these = workloads.filter((workload) => workload.unit === unit);
    console.log(`\n${figureTable(unit, these, rows, judged)}`);
  }
  const timed = workloads.filter(({ load }) => load.mode !== 'idle');
  if (timed.length > 0) console.log(`\n${latencyTable(timed, rows)}`);
}

export function print({ workloads, rows, skipped }, facts, judged) {
  const listed = Object.entries(facts.versions).map(([name, version]) => `${name} ${version}`);
  const others = median(rows.map((row) => row.others).filter(Number.isFinite));
  const noise = Number.isNaN(others) ? '' : ` · other programs used ${others.toFixed(2)} cores`;
  console.log(`\n${listed.join(' · ')}`);
  console.log(`Node ${facts.node} · ${facts.cpu} · ${facts.generator}`);
  console.log(`${facts.rounds} rounds of ${facts.seconds} s${noise}`);
  printTables(workloads, rows, judged);
  console.log('');
  printSkipped(skipped);
}

function byName(names, value) {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}

/** Short, and fit for a diff. */
function perRound(rows, workload) {
  const series = (name) => byName(KEYS, (key) => column(rows, workload.id, name, key));
  return byName(participants(rows, [workload]), series);
}

function mediansOf(rows, id, name) {
  const middles = KEYS.filter((key) => key !== 'others').map((key) => [
    key,
    median(column(rows, id, name, key).filter(Number.isFinite)),
  ]);
  return Object.fromEntries(middles.filter(([, middle]) => Number.isFinite(middle)));
}

function summary(rows, workload, judged) {
  const { id, title, unit, side, load } = workload;
  const names = participants(rows, [workload]);
  return {
    ...{ title, unit, side, load },
    medians: byName(names, (name) => mediansOf(rows, id, name)),
    ratios: byName(names.filter(isPeer), (peer) => ratio(rows, id, peer)),
    targets: judged.filter((target) => target.id === id).map(({ id: _, ...target }) => target),
  };
}

export function save(name, { workloads, rows, skipped }, facts, judged) {
  const folder = new URL('./results/', import.meta.url);
  const each = (value) => Object.fromEntries(workloads.map((w) => [w.id, value(w)]));
  const result = {
    ...facts,
    skipped,
    workloads: each((workload) => summary(rows, workload, judged)),
    rawRounds: each((workload) => perRound(rows, workload)),
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(name, folder), `${compact(result)}\n`);
}
