/** Ends a process, also one that is stopped, when this process is gone. */
import { spawn } from 'node:child_process';

/**
 * The pipe to the guard closes with this process, whatever ends that.
 * @param folder is removed then
 * @returns the guard, a process that has to be killed when it is not needed any more
 */
export function guard(pid, folder = '') {
  const script = 'trap "" INT TERM HUP; read _; kill -9 "$1" 2>/dev/null; rm -rf "$2"';
  const watcher = spawn('sh', ['-c', script, 'sh', String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.unref();
  watcher.stdin.unref();
  return watcher;
}
