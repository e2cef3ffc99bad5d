/**
 * Times small pieces of code against each other: every case in turn, for some rounds, medians.
 * A case is `(times) => result` with its own loop, so that no call site here is shared.
 */
import { median } from '../statistics.mjs';

const WARM_UP = 6;
const ROUNDS = Number(process.env.ROUNDS ?? 15);
const SLICE_MS = Number(process.env.SLICE_MS ?? 8);

let kept;

/** CPU time, not time: other work on the machine then counts for less. */
function timed(run, times) {
  const start = process.cpuUsage();
  kept = run(times);
  const { user, system } = process.cpuUsage(start);
  return (user + system) * 1000;
}

function clocked(run, times) {
  const start = performance.now();
  kept = run(times);
  return performance.now() - start;
}

/** How many turns fill one slice; finding it out, by the clock, is the warm-up as well. */
function calibrate(run) {
  for (let times = 1; ; times *= 2) {
    // The shorter of two: a single one may have been interrupted.
    const spent = Math.min(clocked(run, times), clocked(run, times));
    if (spent >= SLICE_MS) return Math.max(1, Math.round((times * SLICE_MS) / spent));
  }
}

/** `cases` maps a name to its loop; returns the median nanoseconds of one turn of each. */
export function compare(cases, prepare = () => {}) {
  const entries = Object.entries(cases).map(([name, run]) => {
    prepare();
    const times = calibrate(run);
    for (let i = 0; i < WARM_UP; i++) run(times);
    return { name, run, times, samples: [] };
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const entry of entries) {
      prepare();
      entry.samples.push(timed(entry.run, entry.times) / entry.times);
    }
  }
  return Object.fromEntries(entries.map((entry) => [entry.name, median(entry.samples)]));
}

export function heading(title) {
  console.log(`\n### ${title} (Node ${process.versions.node})\n`);
}

/** Keeps a result alive, so that the work that made it cannot be left out. */
export function lastResult() {
  return kept;
}

let serial = 0;

/**
 * Compiles `body` anew, with the given names in scope. Two loops made from one source text would
 * share what the compiler learns: the unlike comment keeps them apart.
 */
export function separately(body, scope) {
  const source = `// ${serial++}\n${body}`;
  return new Function(...Object.keys(scope), source)(...Object.values(scope));
}
