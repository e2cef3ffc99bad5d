/** Builds servers/gorilla, where there is a Go compiler and the package as Debian installs it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const GOPATH = process.env.GOPATH ?? '/usr/share/gocode';

export const GORILLA = join(here, 'node_modules', '.cache', 'gorilla');

/** Why there is none; undefined where it has been built. */
export function buildGorilla() {
  if (spawnSync('go', ['version']).status !== 0) return 'there is no go';
  const source = join(GOPATH, 'src', 'github.com', 'gorilla', 'websocket');
  if (!existsSync(source)) return 'golang-github-gorilla-websocket-dev is not installed';
  mkdirSync(dirname(GORILLA), { recursive: true });
  const { status } = spawnSync('go', ['build', '-o', GORILLA, './servers/gorilla'], {
    cwd: here,
    env: { ...process.env, GOPATH, GO111MODULE: 'off' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return status === 0 ? undefined : 'it could not be built';
}
