/** Sees to it that the peers are installed and our own build is up to date. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

function run(args, cwd) {
  execFileSync(npm, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 });
}

/** Whether what is installed is what package.json names; its platforms' packages may be missing. */
function installed() {
  const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  return Object.entries(dependencies).every(([name, version]) => {
    const file = join(here, 'node_modules', name, 'package.json');
    return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).version === version;
  });
}

export function installPeers() {
  if (installed()) return;
  console.log('installing the peers …');
  run(['ci', '--no-audit', '--no-fund', '--ignore-scripts'], here);
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
