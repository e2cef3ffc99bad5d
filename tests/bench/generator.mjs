/**
 * The load generator: wsload.c where there is a C compiler, otherwise load.mjs; and load.mjs for what
 * wsload.c lacks (TLS, messages compressed in context).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, deflateRawSync } from 'node:zlib';
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

/** Beyond the measured window: opening, draining and closing; and for each connection. */
const GRACE_SECONDS = 75;
const GRACE_SECONDS_EACH = 0.01;

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

/** Which one loads this workload: some are for the Node one only. */
function generatorOf(generator, workload) {
  return workload.generator === 'node' ? NODE : generator;
}

/** Why a workload cannot be loaded; undefined where it can. */
export function unloadable(generator, { load, side, generator: wanted }) {
  if (side === 'client' || wanted === 'node' || generator !== NODE) return undefined;
  const { mode = 'echo', fragments, utf8 } = load;
  return mode !== 'echo' || fragments || utf8 ? 'needs the C generator' : undefined;
}

/** The generator's options are the workload's, by name. */
function flags(load) {
  return Object.entries(load).flatMap(([name, value]) => {
    if (value === true) return [`--${name}`];
    return [`--${name}`, String(value)];
  });
}

/** What zlib makes of the message, for a generator that has no zlib; RFC 7692 §7.2.1. */
function deflated(payload) {
  return deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** Writes the message of a workload to a file, for programs that must know it beforehand. */
export function payloadFile(generator, workload) {
  const { command, first } = generatorOf(generator, workload);
  const path = join(cache, `${workload.id}.payload`);
  const args = [...first, ...flags(workload.load), '--dump-payload'];
  const { status, stdout } = spawnSync(command, args, { maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`the generator cannot make the payload of ${workload.id}`);
  writeFileSync(path, stdout);
  if (workload.load.deflate) writeFileSync(`${path}.deflated`, deflated(stdout));
  return path;
}

/** What only wsload.c knows. With a processor of its own it does not sleep. */
function ownOptions({ mode, deflate }, payload) {
  return {
    ...(availableParallelism() > 1 && mode !== 'idle' && { poll: true }),
    ...(deflate && { zfile: `${payload}.deflated` }),
  };
}

/** One measurement; fails unless every reply was right. */
export function generate(generator, workload, server, { seconds, warmup, payload }) {
  const { command, first } = generatorOf(generator, workload);
  const { load } = workload;
  const own = command === binary ? ownOptions(load, payload) : {};
  const window = { port: server.port, pid: server.pid, seconds, warmup };
  const args = [...first, ...flags({ ...load, ...own, ...window })];
  return runJson(command, args, bound(seconds, warmup, load.conns));
}

/** A contender's own client, which measures itself. */
export function runClient({ command, flags: own, client, env }, workload, server, options) {
  const { seconds, warmup, payload, further = [] } = options;
  const told = {
    ...workload.load,
    ...workload.application,
    port: server.port,
    seconds,
    warmup,
    payload,
  };
  const args = [...own, ...further, client, JSON.stringify(told)];
  return runJson(command, args, bound(seconds, warmup), env);
}

function bound(seconds, warmup, conns = 0) {
  return (seconds + warmup + GRACE_SECONDS + GRACE_SECONDS_EACH * conns) * 1000;
}
