/**
 * docs/comparison.md: the table in the README is the same, and what it says of ws6455 exists. The figures of speed in
 * the README are those of docs/performance.md.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const read = (path: string) => readFileSync(join(__dirname, '../..', path), 'utf8');

const PAGE = read('docs/comparison.md');
const README = read('README.md');
const API = read('docs/api.md');
const MAX_WORDS = 6;

/** What stands between two marks; undefined if a page has none. */
function sectionOf(page: string, mark: string): string | undefined {
  return new RegExp(`^<!-- ${mark} -->\n(.*?)^<!-- end -->$`, 'ms').exec(page)?.[1];
}

const TABLE = sectionOf(PAGE, 'comparison') ?? '';

/** The cells of each line of the table, without the line below the titles. */
function rowsOf(table: string): string[][] {
  const lines = table.trimEnd().split('\n');
  const rows = lines.map((line) => line.split('|').slice(1, -1));
  return rows.filter((_, index) => index !== 1).map((row) => row.map((cell) => cell.trim()));
}

const [, ...rows] = rowsOf(TABLE);

test('the README has this table or none', () => {
  expect(sectionOf(README, 'comparison') ?? TABLE).toBe(TABLE);
});

test('the README has no figure of speed that the measurements have not', () => {
  const figures = sectionOf(README, 'speed')?.match(/\b\d+[.,]\d+(?:[.,]\d+)?\b/g) ?? [];
  const measured = new Set(read('docs/performance.md').match(/\b\d+[.,]\d+(?:[.,]\d+)?\b/g));
  expect(figures.filter((figure) => !measured.has(figure))).toEqual([]);
});

test('the table has rows, and no cell is long', () => {
  expect(rows.length).toBeGreaterThan(10);
  const words = (cell: string) => cell.split(/\s+/).length;
  expect(rows.flatMap(([, ...cells]) => cells).filter((cell) => words(cell) > MAX_WORDS)).toEqual(
    [],
  );
});

/** Whether docs/api.md has an option, a method, a class or an entry point of this name. */
function isInApi(name: string): boolean {
  const escaped = name.replace(/\W/g, '\\$&');
  return new RegExp(`\`(?:new )?${escaped}[\`(]`).test(API);
}

/** Whether the README's map of the code names the command. */
function isCommand(name: string): boolean {
  const [, list = ''] = /the command `ws6455`: ([\w, ]+)/.exec(README) ?? [];
  return list.split(', ').includes(name);
}

describe('a name in a cell of ws6455', () => {
  const names = rows.flatMap(([, cell = '']) =>
    Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = '']) => name.replace(/\(\)$/, '')),
  );

  test.each(names)('%s is documented', (name) => {
    const [program, command] = name.split(' ');
    expect(command === undefined ? isInApi(name) : isCommand(command)).toBe(true);
    expect(command === undefined || program === 'ws6455').toBe(true);
  });
});

describe('how each cell was checked', () => {
  const sections = new Map(
    PAGE.split(/^### /m)
      .slice(1)
      .map((section) => {
        const [title = '', ...lines] = section.split('\n');
        return [title, lines.filter((line) => line.startsWith('- '))];
      }),
  );
  const PRODUCTS = ['ws6455', '`ws`', 'uWebSockets.js', 'socket.io', 'Bun'];

  test('every row has its section, in the order of the table', () => {
    expect([...sections.keys()]).toEqual(rows.map(([title]) => title));
  });

  test.each([...sections])('%s: a line for each product', (_, lines) => {
    expect(lines.map((line) => line.slice(2, line.indexOf(':')))).toEqual(PRODUCTS);
  });
});
