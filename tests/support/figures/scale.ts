/** What one process can do, and what a delivery between processes costs: as measured. */

import { costs, FAN_OUT, memoryOf, rounded } from '../scale-results.js';
import { box, figure, text } from './svg.js';

const STYLE = `<style>
.one { fill: #0969da; stroke: #0969da; }
.two { fill: #bc4c00; stroke: #bc4c00; }
.three { fill: #8250df; stroke: #8250df; }
.other { fill: #8c959f; stroke: #8c959f; }
.curve { fill: none; stroke-width: 2.5; }
.grid { stroke: #d8dee4; }
@media (prefers-color-scheme: dark) {
.one { fill: #4493f8; stroke: #4493f8; }
.two { fill: #f0883e; stroke: #f0883e; }
.three { fill: #ab7df8; stroke: #ab7df8; }
.other { fill: #656c76; stroke: #656c76; }
.curve { fill: none; }
.grid { stroke: #2a3038; }
}</style>`;

const MEBI = 1024 * 1024;

/** The next of 1, 2, 5, 10… times a power of ten, so that there are at most `count` steps up to `end`. */
function stepOf(end: number, count: number): number {
  const power = 10 ** Math.floor(Math.log10(end / count));
  return power * ([1, 2, 5, 10].find((n) => n * power * count >= end) ?? 10);
}

const stepsTo = (end: number, step: number): number[] =>
  Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);

const grid = (x1: number, y1: number, x2: number, y2: number): string =>
  `<path class="grid" d="M${x1} ${y1}L${x2} ${y2}"/>`;

const LINES = [
  ['memory', 'one', 'without compression'],
  ['memory-deflate', 'two', 'with it, after a message each way'],
] as const;

/** Resident memory by the number of idle connections. */
export function memoryFigure(): string {
  const [left, top, width, height] = [80, 64, 480, 240];
  const lines = LINES.map(([kind, style, name]) => ({ style, name, points: memoryOf(kind) }));
  const all = lines.flatMap(({ points }) => points);
  const maxX = Math.max(...all.map(([conns]) => conns));
  const maxY = Math.max(...all.map(([conns, bytes]) => (conns * bytes) / MEBI));
  const x = (conns: number) => left + Math.round((conns / maxX) * width);
  const y = (mebi: number) => top + height - Math.round((mebi / maxY) * height);
  return figure(
    { width: 840, height: top + height + 56 },
    'Memory of one process by its idle connections',
    'Resident memory of the process beyond that of an empty server. Both lines are straight.',
    [
      STYLE,
      ...stepsTo(maxY, stepOf(maxY, 5)).flatMap((tick) => [
        grid(left, y(tick), left + width, y(tick)),
        text(left - 8, y(tick) + 4, `${tick} MiB`, 'quiet', 'end'),
      ]),
      ...stepsTo(maxX, 5_000).map((tick) =>
        text(x(tick), top + height + 20, tick.toLocaleString('en-US'), 'quiet', 'middle'),
      ),
      text(left + width / 2, top + height + 42, 'idle connections', 'quiet', 'middle'),
      ...lines.flatMap(({ style, name, points }) => {
        const at = points.map(([conns, bytes]) => [x(conns), y((conns * bytes) / MEBI)] as const);
        const [lastX = 0, lastY = 0] = at.at(-1) ?? [];
        const each = points.at(-1)?.[1] ?? 0;
        return [
          `<path class="${style} curve" d="M${at.map(([px, py]) => `${px} ${py}`).join('L')}"/>`,
          ...at.map(([px, py]) => `<circle class="${style}" cx="${px}" cy="${py}" r="3.5"/>`),
          text(lastX + 12, lastY - 2, name),
          text(lastX + 12, lastY + 14, `${rounded(each)} bytes each`, 'quiet'),
        ];
      }),
    ],
  );
}

interface Bar {
  readonly label: string;
  readonly style: string;
  readonly value: number;
  readonly note: string;
}

const [ROW, BAR_LEFT, BAR_WIDTH] = [24, 300, 430];

function bars(rows: readonly Bar[], top: number, end: number): string[] {
  return rows.flatMap(({ label, style, value, note }, i) => {
    const y = top + i * ROW;
    const width = Math.max(1, Math.round((value / end) * BAR_WIDTH));
    return [
      text(BAR_LEFT - 12, y + 12, label, '', 'end'),
      box(BAR_LEFT, y, width, 15, style, 2),
      text(BAR_LEFT + width + 8, y + 12, note, 'quiet'),
    ];
  });
}

/** How many of each a processor can do in a second. */
export function messagesFigure(): string {
  const rows = costs().map(({ title, unit, us }) => ({
    label: title,
    style: unit === 'delivery' ? 'two' : unit === 'message' ? 'one' : 'three',
    value: 1e6 / us,
    note: rounded(1e6 / us),
  }));
  const end = Math.max(...rows.map(({ value }) => value));
  return figure(
    { width: 840, height: 76 + rows.length * ROW },
    'What one process can do in a second, if it has a processor for itself',
    'A second, divided by the CPU time that was measured.',
    [STYLE, ...bars(rows, 58, end)],
  );
}

const styleOf = (name: string): string => {
  if (name.startsWith('ws6455')) return 'one';
  return name.startsWith('ceiling') ? 'other' : 'two';
};

/** The CPU time of a delivery between processes, beside socket.io. */
export function fanOutFigure(): string {
  const parts: string[] = [];
  let top = 56;
  for (const { title, medians } of Object.values(FAN_OUT.workloads)) {
    const rows = Object.entries(medians).map(([name, { figure: us }]) => ({
      label: name,
      style: styleOf(name),
      value: us,
      note: `${rounded(us)} µs`,
    }));
    const end = Math.max(...rows.map(({ value }) => value));
    parts.push(text(20, top + 8, title, 'strong'), ...bars(rows, top + 22, end));
    top += 22 + rows.length * ROW + 22;
  }
  return figure(
    { width: 840, height: top },
    'CPU time of two server processes for each delivery',
    'One process publishes, the clients of both receive. Each group has a scale of its own.',
    [STYLE, ...parts],
  );
}
