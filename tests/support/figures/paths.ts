/** The calls from the socket to the program and back, from the stacks of a running connection. */

import { box, figure, path, text } from './svg.js';

export interface Call {
  /** The folder of `src`. */
  readonly folder: string;
  readonly file: string;
  /** As in the stack: class and method. */
  readonly name: string;
}

/** The calls in `src` of a stack, the outermost first. */
export function callsOf(stack: string): Call[] {
  const found = stack.matchAll(
    /at (?:new |async )?([\w.$<>]+)(?: \[as [^\]]+\])? \([^)]*\/src\/([\w-]+)\/([\w-]+)\.ts/g,
  );
  return Array.from(found, ([, name = '', folder = '', file = '']) => ({
    name,
    folder,
    file,
  })).reverse();
}

const [TOP, WIDTH, HEIGHT, GAP, STEP] = [92, 210, 40, 26, 54];

/** @param lanes the folders, as columns from left to right */
export function pathsFigure(
  lanes: readonly string[],
  received: readonly Call[],
  sent: readonly Call[],
): string {
  const width = 40 + lanes.length * (WIDTH + GAP) - GAP;
  const parts = lanes.map((lane, i) =>
    text(20 + i * (WIDTH + GAP) + WIDTH / 2, TOP - 28, `src/${lane}`, 'code strong', 'middle'),
  );
  let y = TOP;
  for (const [title, calls, ends] of [
    ['A message is received: the socket emits ‘data’', received, 'the program gets ‘message’'],
    ['A message is sent: the program calls send', sent, 'socket.write'],
  ] as const) {
    parts.push(text(20, y, title, 'quiet'));
    y += 12;
    calls.forEach((call, i) => {
      parts.push(...callBox(call, lanes, y));
      const next = calls[i + 1];
      if (next !== undefined)
        parts.push(arrow(lanes.indexOf(call.folder), lanes.indexOf(next.folder), y));
      y += STEP;
    });
    parts.push(text(20, y + 2, `→ ${ends}`, 'quiet'));
    y += 40;
  }
  return figure(
    { width, height: y - 12 },
    'The two paths of a message, as the stacks of a running connection show them',
    'The functions that a received and a sent message pass, in the columns of their folders.',
    parts,
  );
}

function callBox({ folder, file, name }: Call, lanes: readonly string[], y: number): string[] {
  const x = 20 + lanes.indexOf(folder) * (WIDTH + GAP);
  return [
    box(x, y, WIDTH, HEIGHT),
    text(x + 10, y + 17, name, 'code strong'),
    text(x + 10, y + 33, `${file}.ts`, 'quiet'),
  ];
}

function arrow(from: number, to: number, y: number): string {
  const center = (lane: number) => 20 + lane * (WIDTH + GAP) + WIDTH / 2;
  const bottom = y + HEIGHT;
  if (from === to) return path(`M${center(from)} ${bottom} V${y + STEP}`, 'main');
  const middle = bottom + (STEP - HEIGHT) / 2;
  return path(`M${center(from)} ${bottom} V${middle} H${center(to)} V${y + STEP}`, 'main');
}
