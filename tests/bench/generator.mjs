/** The load generator: wsload.c where there is a C compiler, otherwise load.mjs. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runJson } from './processes.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = join(here, 'node_modules', '.cache');
const source = join(here, 'wsload.c');
const binary = join(cache, 'wsload');
const NODE = {
  name: 'load.mjs (Node)',
  command: process.execPath,
  first: [join(here, 'load.mjs')],
};
const C = { name: 'wsload (C)', command: binary, first: [] };

/** Beyond the measured window: opening, draining and closing. */
const GRACE_SECONDS = 45;

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function compiled() {
  if (modified(binary) > modified(source)) return true;
  const args = ['-O2', '-o', binary, source];
  return spawnSync(process.env.CC ?? 'cc', args, { stdio: 'ignore' }).status === 0;
}

/** `wanted` is `c`, `node`, or undefined for whichever there is. */
export function prepareGenerator(wanted) {
  mkdirSync(cache, { recursive: true });
  if (wanted === 'node') return NODE;
  if (compiled()) return C;
  if (wanted === 'c') throw new Error('wsload.c could not be compiled: is there a C compiler?');
  return { ...NODE, note: 'no C compiler: the Node generator takes part in what is measured' };
}

/** The generator's options are the workload's, by name. */
function flags(load) {
  return Object.entries(load).flatMap(([name, value]) => {
    if (value === true) return [`--${name}`];
    return [`--${name}`, String(value)];
  });
}

/** Writes the message of a workload to a file, for servers that must know it beforehand. */
export function payloadFile(generator, { id, load }) {
  const path = join(cache, `${id}.payload`);
  const args = [...generator.first, ...flags(load), '--dump-payload'];
  const { status, stdout } = spawnSync(generator.command, args, { maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`the generator cannot make the payload of ${id}`);
  writeFileSync(path, stdout);
  return path;
}

/** One measurement; fails unless every reply was right. */
export function generate(generator, workload, server, { seconds, warmup }) {
  const args = [
    ...generator.first,
    ...flags({ ...workload.load, port: server.port, pid: server.pid, seconds, warmup }),
  ];
  return runJson(generator.command, args, (seconds + warmup + GRACE_SECONDS) * 1000);
}
