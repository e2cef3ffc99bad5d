/** Some seeds of every target of `npm run fuzz`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { SUBJECTS } from '../compat/subjects.js';
import { DIFFERENCES } from './differences.js';
import { TIMEOUT, withSeeds } from './seeds.js';
import { TARGETS } from './targets/index.js';

jest.setTimeout(TIMEOUT);

const FROM_WS = readFileSync(join(__dirname, '../../docs/from-ws.md'), 'utf8');

/** `npm ci --prefix tests/compat` installs `ws`. */
const hasWs = SUBJECTS.length > 1;
const present = TARGETS.filter(({ name }) => name !== 'against-ws' || hasWs);

describe.each(present)('fuzz target $name', ({ usual, run }) => {
  test('finds nothing', () => withSeeds(usual, run));
});

test.each(DIFFERENCES)('docs/from-ws.md has the row "$row"', ({ row }) => {
  expect(FROM_WS).toContain(`\n| ${row} |`);
});
