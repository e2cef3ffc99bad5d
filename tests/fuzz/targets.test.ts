/** Some seeds of every target of `npm run fuzz`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { SUBJECTS } from '../compat/subjects.js';
import { DIFFERENCES } from './differences.js';
import { REQUEST_DIFFERENCES } from './request-differences.js';
import { RESPONSE_DIFFERENCES } from './response-differences.js';
import { TIMEOUT, withSeeds } from './seeds.js';
import { TARGETS } from './targets/index.js';

jest.setTimeout(TIMEOUT);

const FROM_WS = readFileSync(join(__dirname, '../../docs/from-ws.md'), 'utf8');

/** `npm ci --prefix tests/compat` installs `ws`. */
const hasWs = SUBJECTS.length > 1;
const present = TARGETS.filter(({ name }) => !name.endsWith('against-ws') || hasWs);

describe.each(present)('fuzz target $name', ({ usual, run }) => {
  test('finds nothing', () => withSeeds(usual, run));
});

const differences = [...DIFFERENCES, ...REQUEST_DIFFERENCES, ...RESPONSE_DIFFERENCES];
const rows = new Set(differences.map(({ row }) => row));

test.each([...rows])('docs/from-ws.md has the row "%s"', (row) => {
  expect(FROM_WS).toContain(`\n| ${row} |`);
});
