/** A file that prints results, run as a process of its own. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Hands each line on to `print`, and one more if the process ends without having told why. */
export async function runFile(file, name, print, { timeout, env }) {
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
    timeout,
    killSignal: 'SIGKILL',
  });
  const exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  let failed = false;
  for await (const line of createInterface({ input: child.stdout })) {
    failed ||= line.startsWith('FAIL ');
    print(line);
  }
  const code = await exit;
  if (code === null) print(`FAIL ${name}: not done within ${timeout} ms`);
  else if (code !== 0 && !failed) print(`FAIL ${name}: exited with ${code}`);
}
