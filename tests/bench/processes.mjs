/** Child processes, each bounded in time and ended by its own handle. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const START_MS = 30_000;
const STOP_MS = 5_000;

function within(ms, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing after ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What a program said last, without the places in its stack. */
function reasonIn(errors) {
  const lines = errors.trim().split('\n');
  return lines.find((line) => /^\w*(Error|load): /.test(line)) ?? (lines.at(-1) || undefined);
}

/** Runs a program to its end and gives its last line, read as JSON. */
export async function runJson(command, args, ms, env = {}) {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  try {
    const [code] = await within(ms, once(child, 'close'), command);
    if (code !== 0) throw new Error(reasonIn(errors) ?? `${command} ended with ${code}`);
  } finally {
    child.kill('SIGKILL');
  }
  return JSON.parse(output.trim().split('\n').at(-1));
}

function firstLine(child) {
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the server ended with ${code} before it was ready`);
  });
  ended.catch(() => {});
  return Promise.race([once(lines, 'line').then(([line]) => JSON.parse(line)), ended]);
}

async function stop(child, exited) {
  child.stdin.end();
  await within(STOP_MS, exited, 'stopping a server').catch(() => child.kill('SIGKILL'));
}

/** Starts a contender's server; `stop` waits for its end. */
export async function startServer(contender, options, further = []) {
  const { command, flags, server, env } = contender;
  const script = server ? [server] : [];
  const child = spawn(command, [...flags, ...further, ...script, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const exited = once(child, 'exit');
  try {
    const { port, version } = await within(START_MS, firstLine(child), contender.name);
    return { port, version, pid: child.pid, child, stop: () => stop(child, exited) };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}
