/** The measuring itself: every contender in turn, round after round. */
import { CONTENDERS, SUBJECT, unavailable } from './contenders.mjs';
import { generate, payloadFile, runClient, unloadable } from './generator.mjs';
import { startServer } from './processes.mjs';
import { median } from './statistics.mjs';
import { needs } from './workloads.mjs';

/** The generators say 0 where the window saw nothing end. */
function known(value) {
  return value > 0 ? value : undefined;
}

/** What is kept of one measurement: its figure, in the unit of the workload, and what explains it. */
function sample(workload, report) {
  return {
    figure: known(report[workload.figure ?? 'cpu_us_per_msg']),
    perSecond: report.msgs_per_s,
    p50: known(report.p50),
    p99: known(report.p99),
    peakKb: report.hwm_kb,
    others: report.other_util,
  };
}

/** Clients are measured against one server, the fastest there is here that really answers. */
export const CLIENTS_SERVER = CONTENDERS.find(({ name }) => name === SUBJECT);

async function loaded(contender, workload, generator, options) {
  const ofClient = workload.side === 'client';
  const further = workload.figure === 'bytes_per_conn' ? contender.collectible : [];
  const told = { ...workload.load, ...workload.application, payload: options.payload };
  const server = await startServer(ofClient ? CLIENTS_SERVER : contender, told, further);
  try {
    return ofClient
      ? await runClient(contender, workload, server, options)
      : { version: server.version, ...(await generate(generator, workload, server, options)) };
  } finally {
    await server.stop();
  }
}

async function measureOne(contender, workload, generator, options) {
  try {
    const report = await loaded(contender, workload, generator, options);
    if (report.uncompressed_replies > 0) throw new Error('replies were not compressed');
    return { version: report.version, ...sample(workload, report) };
  } catch (error) {
    throw new Error(`${contender.name}, ${workload.id}: ${error.message}`, { cause: error });
  }
}

/** Nobody is always first. */
function rotated(list, by) {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/** What each contender takes part in, and why not in the rest. */
class Participants {
  /** `{ contender, workload, reason }`, without `workload` where it is all of them. */
  skipped = [];

  constructor(contenders) {
    this.contenders = contenders.filter((contender) => {
      const reason = unavailable(contender);
      if (reason) this.skipped.push({ contender: contender.name, reason });
      return reason === undefined;
    });
  }

  of(workload) {
    const asked = needs(workload);
    return this.contenders.filter(
      ({ name, lacks, only }) =>
        !asked.some((need) => lacks.includes(need)) &&
        (only === undefined || asked.includes(only)) &&
        !this.failed(name, workload),
    );
  }

  failed(name, { id }) {
    return this.skipped.some(({ contender, workload }) => contender === name && workload === id);
  }

  /** A peer that fails drops out of the workload; if it is the subject, the run is worth nothing. */
  drop(contender, workload, error) {
    if (contender.name === SUBJECT) throw error;
    this.skipped.push({ contender: contender.name, workload: workload.id, reason: error.message });
  }
}

/** How many rounds a workload is measured again, for each that it had. */
const AGAIN = 3;

/** One workload by everyone who can; the one that fails is not asked again. */
async function measureRound(
  participants,
  workload,
  generator,
  { round, among, onSample, ...options },
) {
  const asked = participants.of(workload).filter(({ name }) => !among || among.includes(name));
  for (const contender of rotated(asked, round)) {
    try {
      const result = await measureOne(contender, workload, generator, options);
      onSample({ workload: workload.id, contender: contender.name, round, ...result });
    } catch (error) {
      participants.drop(contender, workload, error);
    }
  }
}

function withoutUnloadable(workloads, generator, skipped) {
  return workloads.filter((workload) => {
    const reason = unloadable(generator, workload);
    if (reason) skipped.push({ workload: workload.id, reason });
    return reason === undefined;
  });
}

/**
 * Measures every workload with every contender, in `rounds` rounds: gives the workloads that could
 * be measured, `rows` of `{ workload, contender, round, version, figure, … }`, what was skipped, and
 * `again`, which measures one of the workloads in more rounds, by us and the named rivals only.
 */
export async function measure(workloads, contenders, generator, { rounds, onSample, ...times }) {
  const rows = [];
  const participants = new Participants(contenders);
  const { skipped } = participants;
  const measured = withoutUnloadable(workloads, generator, skipped);
  const files = new Map(measured.map((w) => [w.id, payloadFile(generator, w)]));
  const keep = (row) => {
    rows.push(row);
    onSample(row);
  };
  const measureIn = (round, workload, among) => {
    const options = { ...times, round, among, onSample: keep, payload: files.get(workload.id) };
    return measureRound(participants, workload, generator, options);
  };
  const again = async (workload, rivals) => {
    const end = rounds * (1 + AGAIN);
    for (let n = rounds; n < end; n++) await measureIn(n, workload, [SUBJECT, ...rivals]);
  };
  for (let n = 0; n < rounds; n++) for (const workload of measured) await measureIn(n, workload);
  return { workloads: measured, rows, skipped, again };
}

/** The samples of one workload and contender, in the order of the rounds. */
export function column(rows, workload, contender, key) {
  return rows
    .filter((row) => row.workload === workload && row.contender === contender)
    .map((row) => row[key]);
}

function figureOf(rows, workload, contender, round) {
  return rows.find(
    (row) => row.workload === workload && row.contender === contender && row.round === round,
  )?.figure;
}

/** The subject's figure over a peer's, per round: its median and its extremes. */
export function ratio(rows, workload, against) {
  const rounds = [...new Set(rows.map(({ round }) => round))];
  const each = rounds
    .map((n) => figureOf(rows, workload, SUBJECT, n) / figureOf(rows, workload, against, n))
    .filter(Number.isFinite);
  return { median: median(each), least: Math.min(...each), most: Math.max(...each) };
}
