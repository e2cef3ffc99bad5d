/**
 * Topics over real engines: `npm run test:brokers [-- word…]`, for the engines whose names have one of
 * the words. SEED decides what is random; by default it is 1.
 *
 * Prints one line per result and closes with their sum. What this machine lacks is skipped with the
 * reason, or fails where REQUIRE_ALL=1.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Tally } from '../interop/support/results.mjs';

/** Most of the time an engine waits for the end of a fault. */
const SIDE_BY_SIDE = 3;
const TIMEOUT = 600_000;

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

function npm(folder, ...parameters) {
  const { status } = spawnSync('npm', parameters, { cwd: at(folder), stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`npm ${parameters.join(' ')} failed in ${folder}`);
}

if (!existsSync(at('node_modules'))) npm('.', 'ci', '--no-audit', '--no-fund');
if (!existsSync(at('../../dist/index.js'))) npm('../..', 'run', 'build');
const { BACKENDS } = await import('./matrix/backends.mjs');

/** Processes that have to end with this one. */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const tally = new Tally();
function print(line) {
  tally.add(line);
  console.log(line);
}

/** Hands the lines of a process to `onLine`, and one more if it ended without having told why. */
async function run(name, args, onLine) {
  const child = spawn(process.execPath, args, {
    cwd: at('.'),
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: TIMEOUT,
    killSignal: 'SIGKILL',
  });
  running.add(child);
  const ended = new Promise((resolve) => child.once('close', resolve));
  ended.then(() => running.delete(child));
  const failures = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const said = onLine(line);
    if (said === undefined) continue;
    if (said.startsWith('FAIL ')) failures.push(said);
    print(said);
  }
  const code = await ended;
  if (code !== 0 && failures.length === 0) {
    print(
      `FAIL ${name}: ${code === null ? `not done within ${TIMEOUT} ms` : `exited with ${code}`}`,
    );
  }
}

/** A line of TAP as one of ours. Tests within tests are indented, and belong to their test. */
function fromTap(file, line) {
  const [, failed, title, reason] = /^(not )?ok \d+ - (.*?)(?: # SKIP ?(.*))?$/.exec(line) ?? [];
  if (title === undefined)
    return /^ +(error|code|stack|\S.*\.mjs:\d)/.test(line) ? line : undefined;
  const name = `${file}: ${title}`;
  if (failed) return `FAIL ${name}`;
  if (reason === undefined) return `ok ${name}`;
  return process.env.REQUIRE_ALL === '1'
    ? `FAIL ${name}: required here, but ${reason}`
    : `skip ${name} (${reason})`;
}

const words = process.argv.slice(2);
const isChosen = (name) => words.length === 0 || words.some((word) => name.includes(word));

const engines = BACKENDS.filter(({ name }) => isChosen(name)).map(({ name }) => ({
  name,
  run: () => run(name, ['engine-run.mjs', name], (line) => line),
}));
const files = readdirSync(at('.'))
  .filter((file) => file.endsWith('.test.mjs') && isChosen(file))
  .map((file) => ({
    name: file,
    run: () => run(file, ['--test-reporter=tap', file], (line) => fromTap(file, line)),
  }));

const types = {
  name: 'types',
  async run() {
    const tsc = at('../../node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', at('.')], {
      encoding: 'utf8',
    });
    const name = 'types: the clients of the packages fit';
    print(status === 0 ? `ok ${name}` : `FAIL ${name}\n${stdout}`);
  },
};

const waiting = [...engines, ...files, ...(isChosen(types.name) ? [types] : [])];
async function work() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next.run();
}
await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
console.log(`${tally}`);
process.exitCode = tally.counts.FAIL === 0 ? 0 : 1;
