/** The folders of `src` and what each imports. */

import { box, dot, figure, text } from './svg.js';

export interface Floor {
  readonly name: string;
  /** What it is, in a few words. */
  readonly content: string;
  /** The folders that it imports. */
  readonly imports: readonly string[];
}

const [LEFT, TOP, ROW, COLUMN, MATRIX] = [20, 150, 34, 26, 735];

/** @param floors the lowest first */
export function floorsFigure(floors: readonly Floor[]): string {
  const columns = floors.map(({ name }) => name);
  const ordered = [...floors].reverse();
  const parts = columns.map((name, i) => {
    const x = MATRIX + i * COLUMN + COLUMN / 2 + 4;
    return `<g transform="rotate(-60 ${x} ${TOP - 10})">${text(x, TOP - 10, title(name), 'quiet code')}</g>`;
  });
  ordered.forEach((floor, i) => {
    const y = TOP + i * ROW;
    parts.push(...floorRow(floor, y), ...dots(floor, columns, y));
  });
  return figure(
    { width: MATRIX + columns.length * COLUMN + 60, height: TOP + ordered.length * ROW + 18 },
    'The folders of src, highest first, and what each imports',
    'Each folder imports only folders below it.',
    parts,
  );
}

const title = (name: string): string => (name === '.' ? 'entry points' : name);

function floorRow({ name, content }: Floor, y: number): string[] {
  return [
    box(LEFT, y, MATRIX - LEFT - 14, ROW - 6, name === '.' ? 'key' : 'box'),
    text(LEFT + 10, y + 19, title(name), 'code strong'),
    text(LEFT + 170, y + 19, content, 'quiet'),
  ];
}

function dots({ imports }: Floor, columns: readonly string[], y: number): string[] {
  return columns.map((name, i) => {
    const x = MATRIX + i * COLUMN + COLUMN / 2;
    return imports.includes(name) ? dot(x, y + 14) : text(x, y + 18, '·', 'quiet', 'middle');
  });
}
