/** Each MUST of RFC 6455 is cited where it is held: `musts.ts` and the comments of `src` agree. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { MUSTS } from './musts.js';

const SRC = join(__dirname, '../../src');

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.m?ts$/.test(file))
  .map((file) => file.replaceAll('\\', '/'));

const read = (file: string): string => readFileSync(join(SRC, file), 'utf8');

/** The form of a citation; several sections may hold the same rule. */
const CITATION = /RFC 6455 (§\d[\d.]*(?:, §\d[\d.]*)*) MUST(?: NOT)?: /g;

/** The citations of a file, as `file §section`: one for each section. */
function citationsOf(file: string): string[] {
  // A comment of several lines is read as one line.
  const text = read(file).replace(/\n\s*(?:\*|\/\/) /g, ' ');
  return Array.from(text.matchAll(CITATION)).flatMap(([, sections = '']) =>
    sections.split(', ').map((section) => `${file} ${section}`),
  );
}

const cited = files.flatMap(citationsOf).sort();
const listed = MUSTS.flatMap((must) => must.files.map((file) => `${file} §${must.section}`)).sort();

test('every MUST of the table is cited in its files, and every citation is in the table', () => {
  expect(cited).toEqual(listed);
});

test('a MUST that no file holds has a note', () => {
  expect(MUSTS.filter((must) => must.files.length === 0 && must.note === '')).toEqual([]);
});

test('the table has every MUST once, in the order of the RFC', () => {
  const lines = MUSTS.flatMap((must) => must.lines);
  expect(new Set(lines).size).toBe(lines.length);
  const first = MUSTS.map((must) => must.lines[0] ?? 0);
  expect(first).toEqual([...first].sort((a, b) => a - b));
});

test('src says MUST in the form of a citation only', () => {
  const form = /RFC \d+ §\d[\d.]*(, §\d[\d.]*)* MUST( NOT)?:/;
  const lines = files.flatMap((file) => read(file).match(/.*\bMUST\b.*/g) ?? []);
  expect(lines.filter((line) => !form.test(line))).toEqual([]);
});
