/** The ids of rows are those of CHECKLIST.md. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { installed } from './subjects.js';
import type { Row } from './table.js';

interface Point {
  readonly id: string;
  /** the check that holds it in place of a row, or nothing */
  readonly heldBy: string;
}

/** The points of CHECKLIST.md. */
const POINTS: Point[] = Array.from(
  readFileSync(join(__dirname, 'CHECKLIST.md'), 'utf8').matchAll(/^\| (\S+) \|.*\| (\S*) ?\|$/gm),
  ([, id = '', heldBy = '']) => ({ id, heldBy }),
).filter(({ id }) => id !== 'id' && !id.startsWith('-'));

/** The files with tables; what is no table is no row. */
const TABLES = readdirSync(__dirname).filter(
  (name) =>
    name.endsWith('.test.ts') &&
    name !== 'checklist.test.ts' &&
    /^import .*'\.\/table\.js'/m.test(readFileSync(join(__dirname, name), 'utf8')),
);

/** Every row of every table. */
function allRows(): Row[] {
  const rows: Row[] = [];
  jest.doMock('./table.js', () => ({ table: (some: Row[]) => rows.push(...some) }));
  for (const name of TABLES) require(join(__dirname, name));
  return rows;
}

const ROWS = allRows();
const ROW_IDS = new Set(ROWS.flatMap(({ id }) => id.split(' ')));

test('each point of the checklist has a row or another check, not both', () => {
  const wrong = POINTS.filter(({ id, heldBy }) => ROW_IDS.has(id) === (heldBy !== ''));
  expect(wrong).toEqual([]);
});

test('each id of a row is a point of the checklist', () => {
  const ids = POINTS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ROW_IDS].filter((id) => !ids.includes(id))).toEqual([]);
});

test('the other checks are there', () => {
  const paths = POINTS.flatMap(({ heldBy }) => (heldBy === '' ? [] : heldBy));
  expect(paths.filter((path) => !existsSync(join(__dirname, '../..', path)))).toEqual([]);
});

test('where ws6455 differs the reason is given, and the expectation is another one', () => {
  const empty = ROWS.filter(
    ({ differs, expected }) =>
      differs !== undefined &&
      (differs.why === '' || JSON.stringify(differs.expected ?? null) === JSON.stringify(expected)),
  );
  expect(empty.map(({ id, it }) => `${id}: ${it}`)).toEqual([]);
});

if (installed) {
  test('ws is the version that the checklist is about', () => {
    expect(require('./node_modules/ws/package.json').version).toBe('8.23.0');
  });
} else if (process.env['REQUIRE_ALL'] === '1') {
  test('ws is installed: npm ci in tests/compat', () => {
    expect(installed).toBe(true);
  });
} else {
  test('only ws6455 was asked, because ws is not installed; CI asks both', () => {
    expect(readFileSync(join(__dirname, '../../.ci/run'), 'utf8')).toContain(
      'REQUIRE_ALL=1 npx jest tests/compat',
    );
  });
}
