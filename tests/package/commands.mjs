/** Other programs, run to their end. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What it printed; an error that shows all of it if it failed. */
export function run(command, parameters, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, parameters, {
    encoding: 'utf8',
    timeout: 120_000,
    maxBuffer: 2 ** 26,
    ...options,
  });
  if (error) throw error;
  if (status === 0) return stdout;
  throw new Error(`${command} ${parameters.join(' ')} exited with ${status}\n${stdout}${stderr}`);
}

/** Node itself, with a script of this folder's packages or code given by `-e`. */
export function node(parameters, options) {
  return run(process.execPath, parameters, options);
}
