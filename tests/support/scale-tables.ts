/** The tables of docs/scale.md, from what was measured. */

import {
  BENCH,
  benchCost,
  costs,
  FAN_OUT,
  kernelBytes,
  leastOf,
  memoryOf,
  rounded,
  SCALE,
} from './scale-results.js';

const MILLION = 1_000_000;
const GIBI = 1024 ** 3;
/** Of Linux, by default: 32768 to 60999. */
const EPHEMERAL_PORTS = 28_232;
/** The interval of `heartbeat`, in seconds. */
const INTERVAL = 30;
/** Of connections of one process: `maxConnections` of the preset. */
const PER_PROCESS = 50_000;
/** `handshakeRate` of the preset. */
const RATE = 500;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** How far the figures may be trusted. */
const busy = (load: number): string =>
  `The load average of the machine was ${rounded(load)}: on an idle one everything costs less.`;

const machine = (): string => {
  const { date, node, cpu, system, rounds, openFiles, loadAverage } = SCALE;
  const files = openFiles.toLocaleString('en-US');
  return (
    `Measured on ${date.slice(0, 10)}: Node ${node}, ${cpu}, ${system}, ${files} open files for a process. ` +
    `${busy(loadAverage)} The least of ${rounds} rounds, because other programs only add.`
  );
};

const cpu = (): string => {
  const date = BENCH.date.slice(0, 10);
  const measured = `Messages and handshakes as measured on ${date} for [performance.md](performance.md).`;
  return `${measured}\n\n${cpuTable()}`;
};

const cpuTable = (): string =>
  table(
    ['', 'CPU time of each', 'in a second'],
    costs().map(({ title, unit, us }) => [
      title,
      `${rounded(us)} µs`,
      `${rounded(1e6 / us)} ${plural(unit)}`,
    ]),
  );

const plural = (unit: string): string =>
  unit === 'delivery' ? 'deliveries' : unit === 'Ping' ? 'Pings' : `${unit}s`;

const last = (kind: string): readonly [conns: number, bytes: number] =>
  memoryOf(kind).at(-1) ?? [0, Number.NaN];

const memory = (): string =>
  table(
    ['', 'connections', 'bytes of each', 'all of them'],
    (['memory', 'memory-deflate'] as const).map((kind) => {
      const [conns, bytes] = last(kind);
      const title =
        Object.values(SCALE.workloads).find((work) => work.kind === kind)?.title ?? kind;
      const mebi = (conns * bytes) / 1024 ** 2;
      return [title, conns.toLocaleString('en-US'), rounded(bytes), `${rounded(mebi)} MiB`];
    }),
  );

const gibi = (bytes: number): string => `${rounded((bytes * MILLION) / GIBI)} GiB`;

/** What a million connections need: the need, how it is reckoned, and the result. */
const million = (): string => {
  const [, bytes] = last('memory');
  const [, deflated] = last('memory-deflate');
  const kernel = kernelBytes();
  const [handshake, ping] = [benchCost('handshake'), leastOf('heartbeat')];
  const [one, sixteen] = [benchCost('broadcast-x1'), benchCost('broadcast-x16')];
  const processes = MILLION / PER_PROCESS;
  const pings = MILLION / INTERVAL;
  const each = (us: number) => `${rounded(us)} µs`;
  const cores = (us: number) => `${rounded(us / 1e6)} processors`;
  const rows = [
    ['memory of the processes', `${rounded(bytes)} bytes each`, gibi(bytes)],
    ['… with compression', `${rounded(deflated)} bytes each`, gibi(deflated)],
    ['memory of the kernel, idle', `${rounded(kernel)} bytes each`, gibi(kernel)],
    [
      'processes',
      `${PER_PROCESS.toLocaleString('en-US')} each, as in \`hardened\``,
      `${processes}`,
    ],
    ['open files of the servers', '1 each', '1,000,000'],
    ['open files of the load balancer', '2 each', '2,000,000'],
    [
      'ports of the load balancer',
      `${EPHEMERAL_PORTS.toLocaleString('en-US')} for each pair of its address and a server's port`,
      `${Math.ceil(MILLION / EPHEMERAL_PORTS)} pairs`,
    ],
    ['heartbeat', `${rounded(pings)} Pings a second, ${each(ping)} each`, cores(pings * ping)],
    [
      'a message to everybody',
      `${each(one)} each`,
      `${rounded((one * MILLION) / 1e6)} s of CPU time`,
    ],
    [
      '… 16 together',
      `${each(sixteen)} each`,
      `${rounded((16 * sixteen * MILLION) / 1e6)} s for all 16`,
    ],
    [
      'everybody reconnects',
      `${each(handshake)} each`,
      `${rounded((handshake * MILLION) / 1e6)} s of CPU time`,
    ],
    [
      '… at the rate of `hardened`',
      `${RATE} a second in each of ${processes} processes`,
      `${rounded(MILLION / (RATE * processes))} s; ${cores(RATE * processes * handshake)}`,
    ],
  ];
  return table(['', 'reckoned with', 'for a million'], rows);
};

const fanOut = (): string => {
  const { date, rounds, versions, loadAverage } = FAN_OUT;
  const ours = Object.keys(versions)[0] ?? '';
  const rows = Object.values(FAN_OUT.workloads).flatMap(({ title, medians, ratios }) =>
    Object.entries(medians).map(([name, cost], i) => [
      i === 0 ? title : '',
      name,
      `${rounded(cost.figure)} µs`,
      name in ratios ? `${rounded(ratios[name]?.median ?? Number.NaN)}×` : '',
      rounded(cost.perSecond),
      `${rounded(cost.engine)} µs`,
    ]),
  );
  const peer = Object.entries(versions).find(([name]) => name.startsWith('socket.io'))?.[1];
  const head = ['', '', 'CPU of both servers', 'ours / this', 'deliveries/s', 'CPU of the engine'];
  return (
    `Measured on ${date.slice(0, 10)}, medians of ${rounds} rounds; ws6455 ${versions[ours]}, socket.io ${peer}. ` +
    `Ours is ${ours}. ${busy(loadAverage)}\n\n${table(head, rows)}`
  );
};

/** By the mark in docs/scale.md. */
export const TABLES: Readonly<Record<string, () => string>> = {
  machine,
  memory,
  cpu,
  'fan-out': fanOut,
  million,
};
