/**
 * npm run bench: ws6455 against its peers, in CPU time per message.
 *
 *   --rounds N        interleaved rounds (default 5)
 *   --seconds T       measured window of each measurement (default 2)
 *   --warmup T        seconds before it (default 1)
 *   --only A,B        only the workloads whose id is, or begins with, one of these
 *   --peers A,B       these contenders beside ours, or all (default ws,ceiling)
 *   --check           exit status 1 when a target is missed, or what is held in its place; what
 *                     misses is measured in three times as many rounds again, and all of them count
 *   --generator G     c or node; by default C where there is a compiler
 *   --profile A       profile the server of one contender on workload A instead
 *   --contender NAME  whose server to profile (default ws6455)
 *
 * WS6455_SUBJECT=<package> puts another package in the place of our build.
 */
import { parseArgs } from 'node:util';
import { CONTENDERS, named, SUBJECT, USUAL } from './contenders.mjs';
import { prepareGenerator } from './generator.mjs';
import { measure } from './measure.mjs';
import { buildSubject, installPeers } from './prepare.mjs';
import { profile } from './profile.mjs';
import { environment, judge, print, save } from './report.mjs';
import { select, WORKLOADS } from './workloads.mjs';

const OPTIONS = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '2' },
  warmup: { type: 'string', default: '1' },
  only: { type: 'string', default: '' },
  peers: { type: 'string', default: '' },
  check: { type: 'boolean', default: false },
  generator: { type: 'string' },
  profile: { type: 'string' },
  contender: { type: 'string', default: SUBJECT },
};

function positive(values, name) {
  const value = Number(values[name]);
  if (value > 0) return value;
  throw new Error(`--${name} needs a number above 0`);
}

function chosen(text) {
  const workloads = select(text.split(',').filter(Boolean));
  if (workloads.length > 0) return workloads;
  throw new Error(
    `no such workload: ${text}; there are ${WORKLOADS.map(({ id }) => id).join(', ')}`,
  );
}

async function profileOne(values, generator, times) {
  const contender = CONTENDERS.find(({ name }) => name === values.contender);
  if (!contender) throw new Error(`no such contender: ${values.contender}`);
  for (const workload of chosen(values.profile)) {
    await profile(contender, workload, generator, times);
  }
}

function showProgress({ workload, contender, round, figure }) {
  console.log(
    `round ${round + 1}  ${workload.padEnd(20)} ${contender.padEnd(14)} ${figure?.toFixed(2) ?? '–'}`,
  );
}

/** Only a run of everything, by everyone that targets are set against, is worth keeping. */
function isWhole(workloads, asked) {
  const everyone = USUAL.every((name) => asked.includes(name));
  return everyone && workloads.length === WORKLOADS.length && !process.env.WS6455_SUBJECT;
}

/** Where a target is missed, noise and cost are told apart by more rounds, one right after the other. */
async function measureMissedAgain(measured, judged) {
  for (const workload of measured.workloads) {
    const missed = judged.filter(({ id, held }) => id === workload.id && !held);
    if (missed.length === 0) continue;
    const rivals = missed.map(({ against }) => against);
    console.log(`${workload.id} misses against ${rivals.join(' and ')}: measured again`);
    await measured.again(workload, rivals);
  }
}

async function compareAll(values, generator, times) {
  const contenders = named(values.peers);
  const asked = contenders.map(({ name }) => name);
  const options = { ...times, rounds: positive(values, 'rounds'), onSample: showProgress };
  const measured = await measure(chosen(values.only), contenders, generator, options);
  const facts = environment(measured.rows, generator, options);
  const verdicts = () => judge(measured.workloads, measured.rows, asked);
  if (values.check) await measureMissedAgain(measured, verdicts());
  const judged = verdicts();
  const file = isWhole(measured.workloads, asked) ? 'latest.json' : 'partial.json';
  print(measured, facts, judged);
  save(file, measured, facts, judged);
  if (values.check && judged.some(({ held }) => !held)) process.exitCode = 1;
}

async function main() {
  const { values } = parseArgs({ options: OPTIONS });
  const times = { seconds: positive(values, 'seconds'), warmup: positive(values, 'warmup') };
  installPeers();
  buildSubject();
  const generator = prepareGenerator(values.generator);
  if (generator.note) console.log(`note: ${generator.note}`);
  if (values.profile) await profileOne(values, generator, times);
  else await compareAll(values, generator, times);
}

main().catch((error) => {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
});
