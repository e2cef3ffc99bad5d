/** The product as npm ships it, and npm itself. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './temporary.mjs';

const INSTALL_TIMEOUT = 180_000;
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What is printed belongs to the results, so npm speaks on standard error. */
export function npm(cwd, ...parameters) {
  const options = { cwd, stdio: ['ignore', 2, 2], timeout: INSTALL_TIMEOUT };
  const { status } = spawnSync('npm', [...parameters, '--loglevel=error'], options);
  if (status !== 0) throw new Error(`npm ${parameters.join(' ')} failed in ${cwd}`);
}

/** The tarball, under a name that changes with its content: npm takes the same name for the same. */
export function tarball(folder) {
  const file = process.env.WS6455_TARBALL ? resolve(process.env.WS6455_TARBALL) : pack();
  const hash = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12);
  const copy = join(folder, `ws6455-${hash}.tgz`);
  copyFileSync(file, copy);
  return copy;
}

function pack() {
  npm(root, 'pack', '--pack-destination', temporaryFolder);
  const isTarball = (name) => name.endsWith('.tgz');
  return join(temporaryFolder, readdirSync(temporaryFolder).find(isTarball));
}
