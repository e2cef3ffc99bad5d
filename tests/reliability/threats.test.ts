/** The ids in the names of tests are those of THREATS.md. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const TESTS = join(__dirname, '..');

/** The tests of the folder compat have the ids of their own list. */
const OTHERS = ['compat', 'node_modules'];

/** An id, or several, at the start of a string: `H2, H3: version of HTTP and Host`. */
const NAMED = /['"`]((?:[HCFDR]\d{1,2}(?:, )?)+): /g;

function testFilesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return OTHERS.includes(entry.name) ? [] : testFilesBelow(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

const idsIn = (path: string): string[] =>
  Array.from(readFileSync(path, 'utf8').matchAll(NAMED), ([, ids = '']) => ids.split(', ')).flat();

const listed = Array.from(
  readFileSync(join(__dirname, 'THREATS.md'), 'utf8').matchAll(/^\| ([A-Z]\d+) \|/gm),
  ([, id = '']) => id,
);

test('each threat has a test, and each id in the name of a test is a threat', () => {
  const named = new Set(testFilesBelow(TESTS).flatMap(idsIn));
  expect([...named].sort()).toEqual([...listed].sort());
  expect(new Set(listed).size).toBe(listed.length);
});
