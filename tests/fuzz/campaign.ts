/** Runs the fuzz targets in turn, one seed after the other, until the time is over or one fails. */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { SeededRandom } from '../support/random.js';
import type { Target } from './target.js';
import { TARGETS } from './targets/index.js';

/** A run that takes longer, asynchronous or not, counts as a hang. */
const RUN_TIMEOUT = 20_000;

interface Plan {
  targets: readonly Target[];
  firstSeed: number;
  /** runs of each target */
  runs: number;
  /** when the campaign is over, in milliseconds since the epoch */
  end: number;
}

/** What is run now; a failure outside of its promise belongs to it. */
let current = { target: '', seed: 0 };

function replayCommand(): string {
  return `npm run fuzz -- --target ${current.target} --seed ${current.seed}`;
}

function fail(error: unknown): never {
  console.error(error);
  console.error(`\n${current.target} failed. To repeat it: ${replayCommand()}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

/** In a thread of its own: it sees an event loop that stands still, which no timer here could. */
const WATCHDOG = `
  const { parentPort } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  let timer;
  parentPort.on('message', ({ command, timeout }) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      writeSync(2, 'A run did not end. To repeat it: ' + command + '\\n0 passed, 1 failed\\n');
      process.kill(process.pid, 'SIGKILL');
    }, timeout);
  });
`;

function readPlan(args: string[]): Plan {
  const text = { type: 'string' } as const;
  const options = { minutes: text, seconds: text, runs: text, target: text, seed: text };
  const { values } = parseArgs({ args, options });
  const targets = TARGETS.filter(
    ({ name }) => values.target === undefined || name === values.target,
  );
  if (targets.length === 0) {
    throw new RangeError(`--target is one of ${TARGETS.map(({ name }) => name).join(', ')}`);
  }
  const seconds = Number(values.seconds ?? Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60);
  const isReplay = values.seed !== undefined;
  const firstSeed = isReplay ? Number(values.seed) : Math.floor(Math.random() * 2 ** 31);
  const runs = Number(values.runs ?? (isReplay ? 1 : Number.POSITIVE_INFINITY));
  return { targets, firstSeed, runs, end: Date.now() + seconds * 1000 };
}

/** @returns how many runs there were */
async function campaign(
  { targets, firstSeed, runs, end }: Plan,
  watchdog: Worker,
): Promise<number> {
  let count = 0;
  for (let seed = firstSeed; seed < firstSeed + runs && Date.now() < end; seed++) {
    for (const target of targets) {
      current = { target: target.name, seed };
      watch(watchdog);
      await target.run(new SeededRandom(seed)).catch(fail);
      count++;
    }
  }
  return count;
}

function watch(watchdog: Worker): void {
  watchdog.postMessage({ command: replayCommand(), timeout: RUN_TIMEOUT });
}

export async function main(args: string[]): Promise<void> {
  const plan = readPlan(args);
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const watchdog = new Worker(WATCHDOG, { eval: true });
  watchdog.unref();
  console.log(
    `seeds from ${plan.firstSeed}; targets: ${plan.targets.map(({ name }) => name).join(', ')}`,
  );
  const count = await campaign(plan, watchdog);
  await watchdog.terminate();
  console.log(`${count} runs`);
  console.log(`${plan.targets.length} passed, 0 failed`);
}
