/**
 * The scenarios with one engine, as a process: `node engine-run.mjs <engine> [scenario…]`. SEED decides
 * what is random.
 */
import { result, skip } from '../interop/support/results.mjs';
import { BACKENDS } from './matrix/backends.mjs';
import { SCENARIOS } from './scenarios/index.mjs';
import { Random } from './support/random.mjs';
import { within } from './support/wait.mjs';

const TIMEOUT = 90_000;

const [engineName, ...words] = process.argv.slice(2);
const seed = Number(process.env.SEED ?? 1);
const backend = BACKENDS.find(({ name }) => name === engineName);

for (const scenario of SCENARIOS) {
  if (words.length > 0 && !words.some((word) => scenario.name.includes(word))) continue;
  if (!scenario.needs.every((need) => backend.can.has(need))) continue;
  const title = `${backend.name}: ${scenario.name}`;
  const reason = backend.whyMissing();
  if (reason !== undefined) skip(title, reason);
  else await runScenario(scenario, title);
}
process.exit(); // what a failed scenario has left ends with this process

async function runScenario(scenario, title) {
  const started = [];
  const context = {
    seed,
    random: new Random(seed),
    async start(options) {
      const one = await backend.start(options);
      started.push(one);
      return one;
    },
  };
  const begin = Date.now();
  let figures = '';
  await result(title, async () => {
    figures = await within(TIMEOUT, scenario.name, scenario.run(context));
  });
  console.log(`     ${((Date.now() - begin) / 1000).toFixed(1)} s, seed ${seed}: ${figures}`);
  await Promise.all(started.map((one) => one.stop().catch(() => {})));
}
