/**
 * Published packages that run on `ws`, with the product in its place:
 * `node tests/interop/programs.mjs [--ws] [name…]`.
 *
 * `programs/package.json` lists the packages, with a lock. The product is packed (or WS6455_TARBALL
 * names a tarball), all is installed once in a scratch folder with `"overrides": { "ws": "$ws" }`,
 * where `$ws` is the tarball, and every copy of `ws` there is looked at. `--ws` leaves the real
 * `ws` where the lock has it, for when a program's own expectations are in doubt.
 * WS6455_PROGRAMS_FOLDER names a scratch folder to keep and to use again.
 *
 * A program is a file `programs/<name>.mjs`. It is copied to `<scratch>/programs/`, beside
 * `<scratch>/node_modules` and copies of `support/` and docs/recipes.md, and run there, alone, for
 * 60 s at most.
 * - It makes its package do its job and says so by `result`, `fail` and `skip` of
 *   `support/results.mjs`, each line beginning with its own name: `ok socket.io: rooms …`.
 * - It begins with `await runsOn('<name>', '<package>', …)` of `support/runs-on.mjs`, naming every
 *   package that requires `ws` for it.
 * - It closes what it opens, so that the process ends by itself, and is within loopback.
 * - Its environment has PROGRAMS_ON (the name of the package that stands under `ws`: `ws6455`, or
 *   `ws` by `--ws`) and PROGRAMS_WS (what npm installs as `ws`: a `file:` of the tarball, or a version).
 */
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tally } from './support/results.mjs';
import { runFile } from './support/run-file.mjs';
import { npm, tarball } from './support/tarball.mjs';
import { temporaryFolder } from './support/temporary.mjs';

const TIMEOUT = 60_000;

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const writeJson = (file, value) => writeFileSync(file, JSON.stringify(value, null, 2));

/** npm heeds an override only where the lock has not chosen already, so `ws` leaves the lock. */
function replaceWs(folder, spec) {
  const manifest = readJson(join(folder, 'package.json'));
  manifest.dependencies.ws = spec;
  manifest.overrides = { ws: '$ws' };
  writeJson(join(folder, 'package.json'), manifest);

  const lock = readJson(join(folder, 'package-lock.json'));
  for (const path of Object.keys(lock.packages)) {
    if (path.endsWith('node_modules/ws')) delete lock.packages[path];
  }
  writeJson(join(folder, 'package-lock.json'), lock);
}

/** Everything the programs need, in `folder`. Resolves what npm was given as `ws`. */
function install(folder, onWs) {
  for (const name of ['package.json', 'package-lock.json']) {
    copyFileSync(at(`programs/${name}`), join(folder, name));
  }
  const spec = onWs
    ? readJson(at('programs/package.json')).dependencies.ws
    : `file:${tarball(folder)}`;
  if (!onWs) replaceWs(folder, spec);
  npm(folder, 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline');
  cpSync(at('programs'), join(folder, 'programs'), {
    recursive: true,
    filter: (path) => !/node_modules|\.json$/.test(path),
  });
  cpSync(at('support'), join(folder, 'support'), { recursive: true });
  cpSync(at('../../docs/recipes.md'), join(folder, 'docs/recipes.md'));
  return spec;
}

/** The name of each package that is installed as `ws`, wherever in the tree. */
function namesUnderWs(folder) {
  return readdirSync(join(folder, 'node_modules'), { recursive: true })
    .filter((path) => /(^|node_modules[\\/])ws[\\/]package\.json$/.test(path))
    .map((path) => readJson(join(folder, 'node_modules', path)).name);
}

function checkTree(folder, expected, print) {
  const names = namesUnderWs(folder);
  const others = names.filter((name) => name !== expected);
  const said = `the tree: ${names.length} under the name ws`;
  if (names.length > 0 && others.length === 0) print(`ok ${said}, ${expected}`);
  else print(`FAIL ${said}, of which ${others.length} are not ${expected}`);
}

function allPrograms() {
  return readdirSync(at('programs'))
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => name.slice(0, -'.mjs'.length));
}

async function main(parameters) {
  const onWs = parameters.includes('--ws');
  const named = parameters.filter((parameter) => parameter !== '--ws');
  const folder = resolve(process.env.WS6455_PROGRAMS_FOLDER ?? join(temporaryFolder, 'scratch'));
  mkdirSync(folder, { recursive: true });
  const spec = install(folder, onWs);

  const tally = new Tally();
  const print = (line) => {
    tally.add(line);
    console.log(line);
  };
  const expected = onWs ? 'ws' : 'ws6455';
  checkTree(folder, expected, print);
  const env = { ...process.env, PROGRAMS_ON: expected, PROGRAMS_WS: spec };
  for (const name of named.length > 0 ? named : allPrograms()) {
    await runFile(join(folder, 'programs', `${name}.mjs`), name, print, { env, timeout: TIMEOUT });
  }
  console.log(`${tally}`);
  process.exitCode = tally.counts.FAIL === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
