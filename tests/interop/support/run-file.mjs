/** A file that prints results, run as a process of its own. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * Hands each line on to `print`. A file that fails is run a second time, and the second run counts:
 * browsers and other people's programs fail now and then for reasons of their own. The first failure
 * is printed all the same.
 */
export async function runFile(file, name, print, options) {
  const first = await attempt(file, name, options);
  if (!first.some(isFailure)) return first.forEach(print);
  for (const line of first) print(isFailure(line) ? `once: ${line}` : `     ${line}`);
  print(`     ${name} failed, and is run again`);
  (await attempt(file, name, options)).forEach(print);
}

const isFailure = (line) => line.startsWith('FAIL ');

/** Resolves the lines of one run, and one more if the process ended without having told why. */
async function attempt(file, name, { timeout, env }) {
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
    timeout,
    killSignal: 'SIGKILL',
  });
  const exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  const code = await exit;
  if (code === null) lines.push(`FAIL ${name}: not done within ${timeout} ms`);
  else if (code !== 0 && !lines.some(isFailure)) lines.push(`FAIL ${name}: exited with ${code}`);
  return lines;
}
