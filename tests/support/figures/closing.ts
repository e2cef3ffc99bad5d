/** The closing table of `src/protocol/close.ts` as a state diagram. */

import { CLOSING_TABLE, type ClosingState, type ClosingStep } from '../../../src/protocol/close.js';
import { box, figure, path, text } from './svg.js';

interface Edge {
  readonly from: ClosingState;
  readonly to: ClosingState;
  readonly inputs: string[];
}

const [WIDTH, HEIGHT] = [128, 40];

/** The center of each state. */
const PLACES: Readonly<Record<ClosingState, readonly [x: number, y: number]>> = {
  OPEN: [100, 190],
  CLOSE_QUEUED: [360, 100],
  CLOSE_SENT: [620, 100],
  PEER_CLOSED: [360, 300],
  DONE: [960, 100],
  ENDED: [960, 300],
  FAILED: [360, 430],
  CLOSED: [960, 430],
};

/** The steps of the table, one edge for all inputs that lead from one state to another. */
export function edgesOf(): Edge[] {
  const edges = new Map<string, Edge>();
  const add = (from: ClosingState, input: string, { to }: ClosingStep) => {
    const key = `${from} ${to}`;
    const edge = edges.get(key) ?? { from, to, inputs: [] };
    edge.inputs.push(input);
    edges.set(key, edge);
  };
  for (const [from, row] of Object.entries(CLOSING_TABLE) as [ClosingState, object][]) {
    for (const [input, cell] of Object.entries(row) as [string, ClosingStep | Roles][]) {
      if ('to' in cell) add(from, input, cell);
      else {
        add(from, `${input}, server`, cell.server);
        add(from, `${input}, client`, cell.client);
      }
    }
  }
  return [...edges.values()];
}

interface Roles {
  readonly server: ClosingStep;
  readonly client: ClosingStep;
}

/** The edges on which a connection closes as it should; the others lead to the end at once. */
const isNormal = ({ to, from }: Edge): boolean =>
  (to !== 'FAILED' && to !== 'CLOSED') || (to === 'CLOSED' && from === 'ENDED');

/** The point on the border of a state in the direction of another point. */
function border(state: ClosingState, towards: readonly [number, number]): [number, number] {
  const [x, y] = PLACES[state];
  const [dx, dy] = [towards[0] - x, towards[1] - y];
  const scale = Math.min(WIDTH / 2 / Math.abs(dx || 1e-9), HEIGHT / 2 / Math.abs(dy || 1e-9));
  return [Math.round(x + dx * scale), Math.round(y + dy * scale)];
}

/** The two ends of an edge. */
function endsOf({ from, to }: Edge): [start: [number, number], end: [number, number]] {
  return [border(from, PLACES[to]), border(to, PLACES[from])];
}

function lineOf(edge: Edge): string {
  const [start, end] = endsOf(edge);
  return path(`M${start.join(' ')} L${end.join(' ')}`, 'main');
}

function labelsOf(edge: Edge): string[] {
  const [start, end] = endsOf(edge);
  const isUpright = start[0] === end[0];
  const isLevel = start[1] === end[1];
  // Edges that cross have their labels near their beginning.
  const share = isUpright || isLevel ? 0.5 : 0.3;
  const x = Math.round(start[0] + (end[0] - start[0]) * share);
  const y = Math.round(start[1] + (end[1] - start[1]) * share) + (isLevel ? -8 : 4);
  return edge.inputs.map((input, i) =>
    isUpright
      ? text(x + 10, y + i * 15, input, 'quiet halo')
      : text(x, y, input, 'quiet halo', 'middle'),
  );
}

/** Which states go to FAILED or CLOSED by which inputs, as lines of text. */
function ends(edges: readonly Edge[]): string[] {
  const byTarget = (target: ClosingState) =>
    edges.filter((edge) => edge.to === target && edge.from !== target && !isNormal(edge));
  const lines = [byTarget('FAILED'), byTarget('CLOSED')].flatMap((group) => {
    const byInput = new Map<string, string[]>();
    for (const { from, inputs } of group) {
      for (const input of inputs) byInput.set(input, [...(byInput.get(input) ?? []), from]);
    }
    const [{ to } = { to: '' }] = group;
    return [...byInput].map(([input, from]) => `${input} → ${to}: in ${from.join(', ')}`);
  });
  return lines.map((line, i) => text(20, 502 + i * 20, line, 'quiet'));
}

export function closingFigure(): string {
  const edges = edgesOf();
  const states = (Object.entries(PLACES) as [ClosingState, [number, number]][]).flatMap(
    ([state, [x, y]]) => {
      const style =
        state === 'OPEN' ? 'key' : state === 'CLOSED' || state === 'FAILED' ? 'end' : 'box';
      return [
        box(x - WIDTH / 2, y - HEIGHT / 2, WIDTH, HEIGHT, style),
        text(x, y + 5, state, 'code strong', 'middle'),
      ];
    },
  );
  const normal = edges.filter(isNormal);
  const others = ends(edges);
  return figure(
    { width: 1080, height: 512 + others.length * 20 },
    'The closing handshake of one endpoint: RFC 6455 §7',
    'The states and the inputs that lead from one to the next, from CLOSING_TABLE.',
    [...normal.map(lineOf), ...states, ...normal.flatMap(labelsOf), ...others],
  );
}
