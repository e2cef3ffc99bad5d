/** What every server here has in common: its options, its first line, its end. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import process from 'node:process';

const COLLECT_MS = 500;

/** The options of the workload, as the bench gives them. */
export function options() {
  return JSON.parse(process.argv[2] ?? '{}');
}

/** The certificate for the workloads over TLS. */
export function certificate() {
  const read = (name) =>
    readFileSync(new URL(`../../support/tls/localhost-${name}.pem`, import.meta.url), 'utf8');
  return { cert: read('cert'), key: read('key') };
}

/** How many messages a client asks to be broadcast: its message is `B` and their number. */
export function copiesAsked(text) {
  return Number(text.slice(1));
}

const NUMBER = 8;

/** Gives what makes the next message of a broadcast: each has a number, so that no two are alike. */
export function numberedMessages() {
  const rest = readFileSync(options().payload, 'utf8').slice(NUMBER);
  let count = 0;
  return () => String(count++).padStart(NUMBER, '0') + rest;
}

/** Where memory is measured, what is garbage must not count. */
function collectGarbage() {
  if (typeof globalThis.gc !== 'function') return;
  globalThis.gc();
  setInterval(() => globalThis.gc(), COLLECT_MS);
}

/** Says where the server listens, and ends it when the bench (or its process) goes away. */
export function announcePort(port, version) {
  collectGarbage();
  process.stdin.on('end', () => process.exit(0)).resume();
  console.log(JSON.stringify({ port, version }));
}

export async function announce(server, version) {
  if (!server.address()) await once(server, 'listening');
  announcePort(server.address().port, version);
}
