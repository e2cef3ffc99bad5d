/**
 * The scenarios with one engine, as a process: `node engine-run.mjs <engine> [scenario…]`. SEED decides
 * what is random.
 */
import { result, skip } from '../interop/support/results.mjs';
import { BACKENDS } from './matrix/backends.mjs';
import { SCENARIOS } from './scenarios/index.mjs';
import { killWorkers } from './support/fleet.mjs';
import { Random } from './support/random.mjs';
import { within } from './support/wait.mjs';

const TIMEOUT = 120_000;

const [engineName, ...words] = process.argv.slice(2);
const seed = Number(process.env.SEED ?? 1);
const backend = BACKENDS.find(({ name }) => name === engineName);

/** Engines that scenarios share, by their options. */
const engines = new Map();

for (const scenario of SCENARIOS) {
  if (words.length > 0 && !words.some((word) => scenario.name.includes(word))) continue;
  if (!scenario.needs.every((need) => backend.can.has(need))) continue;
  const title = `${backend.name}: ${scenario.name}`;
  const reason = backend.whyMissing();
  if (reason !== undefined) skip(title, reason);
  else await runScenario(scenario, title);
}
await stopEngines();
process.exit(); // what a failed scenario has left ends with this process

async function startEngine(options = {}) {
  const key = backend.optionsMatter ? JSON.stringify(options) : '';
  if (!engines.has(key)) engines.set(key, await backend.start(options));
  return engines.get(key);
}

async function stopEngines() {
  await Promise.all([...engines.values()].map((engine) => engine.stop().catch(() => {})));
  engines.clear();
}

async function runScenario(scenario, title) {
  const context = { seed, random: new Random(seed), start: startEngine };
  const begin = Date.now();
  let figures;
  await result(title, async () => {
    figures = await within(TIMEOUT, scenario.name, scenario.run(context));
  });
  const seconds = ((Date.now() - begin) / 1000).toFixed(1);
  console.log(`     ${seconds} s, seed ${seed}: ${figures ?? 'failed'}`);
  if (figures !== undefined) return;
  await killWorkers();
  await stopEngines();
}
