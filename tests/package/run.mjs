/**
 * The package as npm would publish it: `node tests/package/run.mjs [tarball]` (packs one if none is
 * named). Prints one line per result and closes with their sum.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { tally } from '../interop/support/results.mjs';
import { checkPack } from './check-pack.mjs';
import { at, run } from './commands.mjs';
import { checkConsumers } from './consumers.mjs';
import { checkEditors } from './editors.mjs';
import { checkEntries } from './entries.mjs';
import { checkLinters } from './linters.mjs';

function npm(cwd, ...parameters) {
  run('npm', parameters, { cwd });
}

/** Packs into `folder`, which builds first. */
function pack(folder) {
  npm(at('../..'), 'pack', '--pack-destination', folder);
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')),
  );
}

/** A program's folder with the tarball installed in it. */
function install(tarball, folder) {
  const consumer = join(folder, 'consumer');
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), '{ "private": true }');
  npm(consumer, 'install', '--no-audit', '--no-fund', tarball);
  return consumer;
}

async function main(named) {
  const folder = mkdtempSync(join(tmpdir(), 'ws6455-package-'));
  try {
    if (!existsSync(at('node_modules'))) npm(at('.'), 'ci', '--no-audit', '--no-fund');
    const tarball = named ? resolve(named) : pack(folder);
    await checkPack(tarball);
    await checkLinters(tarball);
    const consumer = install(tarball, folder);
    await checkEntries(consumer);
    await checkConsumers(consumer);
    await checkEditors(consumer);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${tally}`);
}

await main(process.argv[2]);
