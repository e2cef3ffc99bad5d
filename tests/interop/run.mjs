/**
 * Real peers, each in every role it has: `npm run test:interop [-- peer…]`.
 *
 * Prints one line per result and closes with their sum. What this machine lacks is skipped with the
 * reason, or fails where REQUIRE_ALL=1. WS6455_SUBJECT names another build of the product.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Tally } from './support/results.mjs';
import { runFile } from './support/run-file.mjs';

const PEERS = [
  ...['own', 'ws', 'node', 'undici', 'faye', 'websocket-node', 'bun', 'deno'],
  ...['python', 'autobahn', 'nginx', 'haproxy', 'chromium', 'shutdown', 'start-page', 'dashboard'],
  ...['chat-cluster'],
  ...['inspector', 'inspector-frames', 'tshark', 'proxies', 'curl', 'load-balancer'],
];
const TIMEOUT = 120_000;

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What is printed belongs to the results, so npm speaks on standard error. */
function npm(folder, ...parameters) {
  const { status } = spawnSync('npm', parameters, { cwd: at(folder), stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`npm ${parameters.join(' ')} failed in ${folder}`);
}

/** Some peers use a client for Redis, which tests/brokers has. */
function prepare() {
  for (const folder of ['.', '../brokers']) {
    if (!existsSync(at(`${folder}/node_modules`))) npm(folder, 'ci', '--no-audit', '--no-fund');
  }
  const ownBuild = process.env.WS6455_SUBJECT === undefined;
  if (ownBuild && !existsSync(at('../../dist/index.js'))) npm('../..', 'run', 'build');
}

prepare();
const tally = new Tally();
const chosen = process.argv.slice(2);
const print = (line) => {
  tally.add(line);
  console.log(line);
};
const options = { env: process.env, timeout: TIMEOUT };
for (const name of chosen.length === 0 ? PEERS : chosen) {
  await runFile(at(`peers/${name}.mjs`), name, print, options);
}
console.log(`${tally}`);
process.exitCode = tally.counts.FAIL === 0 ? 0 : 1;
