/** The tables of docs/scale.md are those of tests/bench/results. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { TABLES } from '../support/scale-tables.js';

const PATH = join(__dirname, '../../docs/scale.md');

// UPDATE_DOCS=1 npx jest tests/unit/scale.test.ts writes the tables anew.
test.each(Object.entries(TABLES))('docs/scale.md has what was measured: %s', (mark, write) => {
  const page = readFileSync(PATH, 'utf8');
  const section = new RegExp(`(?<=^<!-- measured: ${mark} -->\n).*?(?=^<!-- end -->$)`, 'ms');
  const written = `${write()}\n`;
  if (process.env['UPDATE_DOCS'])
    writeFileSync(
      PATH,
      page.replace(section, () => written),
    );
  expect(section.exec(readFileSync(PATH, 'utf8'))?.[0]).toBe(written);
});
