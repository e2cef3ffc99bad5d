/** The attempts of 10,000 clients after a restart of their server, as curves. */

import {
  CLIENTS,
  CRASH,
  type Outage,
  POLICIES,
  type Policy,
  RESTARTS,
  SLOT,
  type Storm,
  simulate,
} from '../reconnect-storm.js';
import { box, figure, text } from './svg.js';

const [LEFT, TOP, WIDTH, HEIGHT, STEP] = [60, 92, 640, 96, 146];
const [SECONDS, MAX_ATTEMPTS] = [20, 500];

/** The colors of the curves. */
const STYLE = `<style>
.ws { fill: none; stroke: #0969da; stroke-width: 2; }
.py { fill: none; stroke: #bc4c00; stroke-width: 1.5; }
.party { fill: none; stroke: #8250df; stroke-width: 1.5; stroke-dasharray: 5 3; }
.axis { fill: none; stroke: #8c959f; }
@media (prefers-color-scheme: dark) {
.ws { stroke: #4493f8; }
.py { stroke: #f0883e; }
.party { stroke: #ab7df8; }
.axis { stroke: #656c76; }
}</style>`;

const CURVES: readonly (readonly [name: keyof typeof POLICIES, style: string])[] = [
  ['partysocket', 'party'],
  ['python-websockets', 'py'],
  ['ws6455', 'ws'],
];

const xOf = (ms: number): number => LEFT + Math.round((ms / 1000 / SECONDS) * WIDTH);

/** What is above the panel ends at its border. */
function curve({ slots }: Storm, style: string, bottom: number): string {
  const points = slots.map((count, slot) => {
    const y = bottom - Math.round((Math.min(count, MAX_ATTEMPTS) / MAX_ATTEMPTS) * HEIGHT);
    return [xOf(slot * SLOT), y] as const;
  });
  const isTurn = (i: number) =>
    points[i - 1]?.[1] !== points[i]?.[1] || points[i + 1]?.[1] !== points[i]?.[1];
  const kept = points.filter((_, i) => i === 0 || isTurn(i)).map(([x, y]) => `${x} ${y}`);
  return `<path class="${style}" d="M${kept.join('L')}L${xOf(slots.length * SLOT)} ${bottom}"/>`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function facts(storm: Storm): string {
  return `peak ${storm.peak.toLocaleString('en')}, half back after ${seconds(storm.half)}, all ${seconds(storm.all)}`;
}

function axes(top: number): string[] {
  const bottom = top + HEIGHT;
  const ticks = [0, 5, 10, 15, SECONDS];
  return [
    `<path class="axis" d="M${LEFT} ${top}V${bottom}H${LEFT + WIDTH}"/>`,
    text(LEFT - 8, top + 9, String(MAX_ATTEMPTS), 'tiny', 'end'),
    text(LEFT - 8, bottom, '0', 'tiny', 'end'),
    ...ticks.map((tick) => text(xOf(tick * 1000), bottom + 14, `${tick} s`, 'tiny', 'middle')),
  ];
}

function panel(title: string, outages: readonly Outage[], top: number): string[] {
  const bottom = top + HEIGHT;
  const downs = outages.map(({ from, to }) => box(xOf(from), top, xOf(to) - xOf(from), HEIGHT));
  const parts = [text(LEFT, top - 8, title, 'strong'), ...downs, ...axes(top)];
  CURVES.forEach(([name, style], i) => {
    const storm = simulate(POLICIES[name] as Policy, outages);
    const y = top + 14 + (CURVES.length - 1 - i) * 34;
    parts.push(
      curve(storm, style, bottom),
      `<path class="${style}" d="M${LEFT + WIDTH + 24} ${y - 4}h24"/>`,
      text(LEFT + WIDTH + 56, y, name),
      text(LEFT + WIDTH + 56, y + 15, facts(storm), 'tiny'),
    );
  });
  return parts;
}

export function stormFigure(): string {
  const cases = [...Object.entries(RESTARTS), ['it fails again after 3 s', CRASH] as const];
  return figure(
    { width: 980, height: TOP + cases.length * STEP - 14 },
    `Attempts per ${SLOT} ms of ${CLIENTS.toLocaleString('en')} clients that lost their server at 0 s`,
    'A simulation of three policies. Grey: there is no server. partysocket: all attempts at once.',
    [
      STYLE,
      text(
        20,
        50,
        'Grey: there is no server, and attempts fail at once. Peaks above 500 are cut off.',
        'quiet',
      ),
      ...cases.flatMap(([title, outages], i) => panel(title, outages, TOP + i * STEP)),
    ],
  );
}
