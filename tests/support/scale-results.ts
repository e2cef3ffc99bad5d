/** What tests/bench/scale.mjs and tests/bench/fan-out.mjs have measured. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Measured {
  readonly title: string;
  /** Of what the figure is the cost. */
  readonly unit: string;
  /** Of rows about memory: the same for all numbers of connections. */
  readonly kind?: string;
  readonly load: { readonly conns: number };
  readonly rawRounds: { readonly figure: readonly number[]; readonly kernel?: readonly number[] };
}

export interface ScaleResults {
  readonly date: string;
  readonly node: string;
  readonly cpu: string;
  readonly system: string;
  readonly rounds: number;
  readonly openFiles: number;
  /** Of the machine, with the measured programs. */
  readonly loadAverage: number;
  readonly workloads: Readonly<Record<string, Measured>>;
}

interface FanOutCost {
  /** CPU µs of both servers per delivery. */
  readonly figure: number;
  readonly perSecond: number;
  /** CPU µs of the engine per delivery. */
  readonly engine: number;
}

interface FanOut {
  readonly title: string;
  readonly medians: Readonly<Record<string, FanOutCost>>;
  readonly ratios: Readonly<Record<string, { readonly median: number }>>;
}

export interface FanOutResults {
  readonly date: string;
  readonly rounds: number;
  readonly loadAverage: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly workloads: Readonly<Record<string, FanOut>>;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(__dirname, `../bench/results/${name}.json`), 'utf8'));
}

export const SCALE = read('scale') as ScaleResults;

export const FAN_OUT = read('fan-out') as FanOutResults;

/** The least of the rounds: what other programs do on the machine only adds to it. */
export function leastOf(id: string): number {
  const work = SCALE.workloads[id];
  if (work === undefined) throw new Error(`results/scale.json has no ${id}`);
  return Math.min(...work.rawRounds.figure);
}

/** Bytes of the kernel for one idle socket: the median of all rounds, which other programs may lower or raise. */
export function kernelBytes(): number {
  const all = Object.values(SCALE.workloads).flatMap((work) =>
    work.kind === 'memory' && work.load.conns >= 10_000 ? (work.rawRounds.kernel ?? []) : [],
  );
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** The rows about memory of one kind: connections, and bytes for each. */
export function memoryOf(kind: string): readonly (readonly [conns: number, bytes: number])[] {
  const rows = Object.entries(SCALE.workloads).filter(([, work]) => work.kind === kind);
  return rows.map(([id, { load }]) => [load.conns, leastOf(id)]);
}

/** Rows of the last whole run of the bench that tell what one process can do. */
const MESSAGES = [
  ['64Bx1', 'echo, 64 B, one at a time', 'message'],
  ['64Bx16', 'echo, 64 B, 16 at a time', 'message'],
  ['1KiBx1', 'echo, 1 KiB, one at a time', 'message'],
  ['1KiBx16', 'echo, 1 KiB, 16 at a time', 'message'],
  ['broadcast-x1', 'broadcast, 128 B, one at a time', 'delivery'],
  ['broadcast-x16', 'broadcast, 128 B, 16 at a time', 'delivery'],
  ['handshake', 'opening and closing handshake', 'handshake'],
] as const;

export interface Cost {
  readonly title: string;
  readonly unit: string;
  readonly us: number;
}

interface BenchResults {
  readonly date: string;
  readonly workloads: Readonly<
    Record<string, { readonly medians: { readonly ws6455: { readonly figure: number } } }>
  >;
}

export const BENCH = read('latest') as BenchResults;

/** Microseconds of CPU time by the last whole run of the bench. */
export function benchCost(id: (typeof MESSAGES)[number][0]): number {
  return BENCH.workloads[id]?.medians.ws6455.figure ?? Number.NaN;
}

/** What messages and handshakes cost, and the Pings of the heartbeat. */
export function costs(): readonly Cost[] {
  const messages = MESSAGES.map(([id, title, unit]) => ({ title, unit, us: benchCost(id) }));
  return [...messages, { title: 'Ping and Pong', unit: 'Ping', us: leastOf('heartbeat') }];
}

/** Two significant digits: more would claim what a shared machine cannot measure. */
export function rounded(value: number): string {
  if (value >= 100) {
    const step = 10 ** (Math.floor(Math.log10(value)) - 1);
    return (Math.round(value / step) * step).toLocaleString('en-US');
  }
  return String(Number(value.toPrecision(2)));
}
