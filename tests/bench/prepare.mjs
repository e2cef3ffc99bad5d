/** Sees to it that the peers are installed and our own build is up to date. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

function run(args, cwd) {
  execFileSync(npm, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 });
}

export function installPeers() {
  if (existsSync(join(here, 'node_modules', 'ws'))) return;
  console.log('installing the peers …');
  run(['ci', '--no-audit', '--no-fund'], here);
}

function newest(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Math.max(...files.map((file) => statSync(join(file.parentPath, file.name)).mtimeMs));
}

export function buildSubject() {
  if (process.env.WS6455_SUBJECT) return;
  const built = statSync(join(root, 'dist', 'index.js'), { throwIfNoEntry: false });
  if (built && built.mtimeMs >= newest(join(root, 'src'))) return;
  console.log('building …');
  run(['run', '--silent', 'build'], root);
}
