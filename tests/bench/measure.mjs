/** The measuring itself: every contender in turn, round after round. */
import { CONTENDERS, SUBJECT } from './contenders.mjs';
import { generate, payloadFile } from './generator.mjs';
import { startServer } from './processes.mjs';
import { median } from './statistics.mjs';

/** What is kept of one measurement. */
function sample(report) {
  return {
    cpu: report.cpu_us_per_msg,
    perSecond: Math.round(report.msgs_per_s),
    p50: report.p50,
    p99: report.p99,
    peakKb: report.hwm_kb,
    others: report.other_util,
  };
}

async function measureOne(contender, workload, generator, options) {
  const server = await startServer(contender, options.server);
  try {
    const report = await generate(generator, workload, server, options);
    return { version: server.version, ...sample(report) };
  } catch (error) {
    throw new Error(`${contender.name}, ${workload.id}: ${error.message}`, { cause: error });
  } finally {
    await server.stop();
  }
}

/** Nobody is always first. */
function rotated(list, by) {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/**
 * Measures every workload with every contender, in `rounds` rounds, and gives an object of
 * `{ workload, contender, round, version, cpu, … }` rows.
 */
export async function measure(workloads, generator, { rounds, seconds, warmup, onSample }) {
  const rows = [];
  const files = new Map(workloads.map((w) => [w.id, payloadFile(generator, w)]));
  for (let round = 0; round < rounds; round++) {
    for (const workload of workloads) {
      const server = { ...workload.load, payload: files.get(workload.id) };
      for (const contender of rotated(CONTENDERS, round)) {
        const options = { server, seconds, warmup };
        const result = await measureOne(contender, workload, generator, options);
        const row = { workload: workload.id, contender: contender.name, round, ...result };
        rows.push(row);
        onSample(row);
      }
    }
  }
  return rows;
}

/** The samples of one workload and contender, in the order of the rounds. */
export function column(rows, workload, contender, key) {
  return rows
    .filter((row) => row.workload === workload && row.contender === contender)
    .map((row) => row[key]);
}

/** The subject's CPU time over a peer's, per round: its median and its extremes. */
export function ratio(rows, workload, against) {
  const ours = column(rows, workload, SUBJECT, 'cpu');
  const theirs = column(rows, workload, against, 'cpu');
  const each = ours.map((cpu, round) => cpu / theirs[round]);
  return { median: median(each), least: Math.min(...each), most: Math.max(...each) };
}
