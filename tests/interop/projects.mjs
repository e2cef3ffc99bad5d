/**
 * Projects that have the package installed and run it in surroundings of their own (Jest, vm
 * contexts, bundlers, processes that end): `node tests/interop/projects.mjs [--ws] [name…]`.
 *
 * A project is a folder `projects/<name>/`. Its `package.json` lists what it needs beside the
 * product, with a lock. It is copied to `<scratch>/projects/<name>/`, beside a copy of `support/`;
 * the product is packed (or WS6455_TARBALL names a tarball) and installed there as `ws6455`; then
 * `run.mjs` is run there. `--ws` installs `ws` under that name instead, for when a project's own
 * expectations are in doubt. WS6455_PROJECTS_FOLDER names a scratch folder to keep and to use again.
 *
 * `run.mjs` prints its results by `support/results.mjs`, each beginning with the project's name, and
 * ends by itself within 3 minutes.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tally } from './support/results.mjs';
import { runFile } from './support/run-file.mjs';
import { npm, tarball } from './support/tarball.mjs';
import { temporaryFolder } from './support/temporary.mjs';

const TIMEOUT = 180_000;

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** The project as it is in the repository, with the product beside what its lock names. */
function install(folder, spec) {
  const manifest = readJson(join(folder, 'package.json'));
  manifest.dependencies = { ...manifest.dependencies, ws6455: spec };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  npm(folder, 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline');
}

function copy(name, scratch) {
  const folder = join(scratch, 'projects', name);
  const isOurs = (path) => !path.includes('node_modules');
  cpSync(at(`projects/${name}`), folder, { recursive: true, filter: isOurs });
  return folder;
}

async function main(parameters) {
  const onWs = parameters.includes('--ws');
  const named = parameters.filter((parameter) => parameter !== '--ws');
  const scratch = resolve(process.env.WS6455_PROJECTS_FOLDER ?? join(temporaryFolder, 'scratch'));
  mkdirSync(scratch, { recursive: true });
  cpSync(at('support'), join(scratch, 'support'), { recursive: true });
  const { ws } = readJson(at('package.json')).dependencies;
  const spec = onWs ? `npm:ws@${ws}` : `file:${tarball(scratch)}`;

  const tally = new Tally();
  const print = (line) => {
    tally.add(line);
    console.log(line);
  };
  for (const name of named.length > 0 ? named : readdirSync(at('projects'))) {
    if (!existsSync(at(`projects/${name}/run.mjs`))) throw new Error(`no project ${name}`);
    const folder = copy(name, scratch);
    install(folder, spec);
    await runFile(join(folder, 'run.mjs'), name, print, { env: process.env, timeout: TIMEOUT });
  }
  console.log(`${tally}`);
  process.exitCode = tally.counts.FAIL === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
