/** Every point of the checklist is held by a row, or it is said why not. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { installed } from './subjects.js';
import type { Row } from './table.js';

const numbered = (letter: string, from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `${letter}${from + i}`);

/** The points of the checklist, by its own names; those without a name by chapter and subject. */
const POINTS = [
  ...numbered('P', 1, 9),
  ...numbered('E', 1, 2),
  ...numbered('S', 1, 21),
  ...numbered('S', 30, 37),
  ...numbered('S', 40, 44),
  ...[
    'method',
    'upgrade',
    'key',
    'version',
    'shouldHandle',
    'protocol',
    'extensions',
    'verifyClient',
    'closing',
    'plain',
    'order',
    'refusal',
    'success',
    'unknown-extension',
    'unchecked',
  ].map((condition) => `4.${condition}`),
  ...numbered('W', 1, 6),
  ...numbered('W', 10, 22),
  '5.2',
  ...numbered('W', 30, 37),
  ...numbered('W', 40, 51),
  ...numbered('W', 60, 67),
  ...[
    'WS_ERR_UNEXPECTED_RSV_2_3',
    'WS_ERR_UNEXPECTED_RSV_1',
    'WS_ERR_INVALID_OPCODE',
    'WS_ERR_EXPECTED_FIN',
    'WS_ERR_EXPECTED_MASK',
    'WS_ERR_UNEXPECTED_MASK',
    'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    'WS_ERR_INVALID_CLOSE_CODE',
    'WS_ERR_INVALID_UTF8',
    'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
    'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    'WS_ERR_TOO_MANY_BUFFERED_PARTS',
    'zlib',
    'order',
    '1006',
    'status-code',
    'close',
    'minimal',
    'early',
  ].map((subject) => `6.${subject}`),
  ...numbered('7.', 1, 8),
  ...numbered('D', 1, 7),
  ...['errors', 'inflate'].map((subject) => `8.${subject}`),
  ...['options', 'write', 'read', 'pause', 'end', 'close', 'destroy', 'connecting', 'pipe'].map(
    (subject) => `9.${subject}`,
  ),
  ...numbered('L', 1, 6),
  ...numbered('U', 1, 11),
  ...['2.0', '3.0', '4.0', '5.0', '6.0', '7.0', '7.1', '7.5'].map((version) => `12.${version}`),
  ...numbered('12.8.', 0, 9),
  ...numbered('12.8.', 11, 23),
  '14',
  ...numbered('eco.module-', 1, 4),
  ...numbered('eco.private-', 1, 6),
  ...numbered('eco.behaviour-', 1, 15),
  'proxies',
  'stand-ins',
];

/** Points without a row. */
const WITHOUT: Record<string, string> = {
  P2: 'needs a build: tests/package/entries.mjs imports the packed package',
  P4: 'needs a build: tests/package/entries.mjs',
  P5: 'a fact about ws (§15): our browser condition is the native WebSocket',
  P6: 'a fact about ws (§15): its add-ons and engines',
  P8: 'types: tests/types and tests/package',
  E1: 'a fact about ws (§15): there is no native add-on to leave out',
  E2: 'a fact about ws (§15)',
  D7: 'a fact about ws (§15): accepted without effect',
  '7.8': 'a fact about ws (§15): one write per tick here',
  '12.5.0': 'what is left of it is 5.2, W64 and S13',
  '12.6.0': 'what is left of it is S8, W17 and D5; the stub for browsers is P5',
  '12.8.8': 'the WS_NO_* variables: E1, E2',
  '12.8.12': 'buffer.isUtf8: a fact about ws',
  '12.8.21': 'limits: S9, S10',
  '12.8.23': 'pongs that wait: S11',
  '14': 'types: tests/types',
  'eco.module-3': 'needs a build: tests/package imports the packed package',
};

/** The files with tables; what is no table is no row. */
const TABLES = readdirSync(__dirname).filter(
  (name) =>
    name.endsWith('.test.ts') &&
    name !== 'accounting.test.ts' &&
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
const HELD = new Set(ROWS.flatMap(({ id }) => id.split(' ')));

test('every point of the checklist is held by a row, or it is said why not', () => {
  expect(POINTS.filter((point) => !HELD.has(point) && !(point in WITHOUT))).toEqual([]);
});

test('what is said to be without a row is without one, and a point', () => {
  const names = Object.keys(WITHOUT);
  expect(names.filter((point) => HELD.has(point) || !POINTS.includes(point))).toEqual([]);
});

test('every row names points that there are', () => {
  expect([...HELD].filter((id) => !POINTS.includes(id))).toEqual([]);
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
