/**
 * Each rule is cited where it is held: the requirement tables (`tests/requirements`) and the comments of
 * `src` agree, both ways.
 */

import { expect, test } from '@jest/globals';
import { REQUIREMENTS } from '../requirements/index.js';
import { isMust, type Requirement, symbolsOf } from '../requirements/requirement.js';
import {
  type Citation,
  citationsOf,
  type Declaration,
  declarationsOf,
  readSource,
  sourceFiles,
} from '../requirements/source.js';

const citations = sourceFiles.flatMap(citationsOf);
const declarations = new Map(sourceFiles.map((file) => [file, declarationsOf(file)]));
const RFCS = ['6455', '7692'] as const;

/** The declarations of a symbol; overloads and accessors have several. */
function find(symbol: string): Declaration[] {
  const [file = '', name = ''] = symbol.split(':');
  return (declarations.get(file) ?? []).filter((one) => one.name === name);
}

const isAt = ({ file, position }: Citation, symbol: string): boolean =>
  symbol.startsWith(`${file}:`) &&
  find(symbol).some(({ start, end }) => start <= position && position < end);

/** A citation as a reader finds it. */
function show({ file, position, rfc, section }: Citation): string {
  const line = readSource(file).slice(0, position).split('\n').length;
  return `src/${file}:${line} RFC ${rfc} §${section}`;
}

/** The MUSTs that a symbol holds; those that Node or others hold are not cited. */
function heldMusts(rfc: Citation['rfc']): Requirement[] {
  return REQUIREMENTS[rfc].filter((one) => isMust(one) && one.outcome === 'held');
}

test.each(RFCS)('RFC %s: each symbol that holds a MUST cites its section', (rfc) => {
  const musts = citations.filter((one) => one.rfc === rfc && one.isMust);
  const uncited = heldMusts(rfc).flatMap(({ id, section, at = [] }) =>
    at
      .filter((symbol) => !musts.some((one) => one.section === section && isAt(one, symbol)))
      .map((symbol) => `${id} ${symbol}`),
  );
  expect(uncited).toEqual([]);
});

test.each(RFCS)('RFC %s: each MUST that src cites is in the table, at this symbol', (rfc) => {
  const held = REQUIREMENTS[rfc].filter((one) => isMust(one) || one.level === 'must');
  const unlisted = citations
    .filter((one) => one.rfc === rfc && one.isMust)
    .filter(
      (one) =>
        !held.some(
          ({ section, at = [] }) =>
            section === one.section && at.some((symbol) => isAt(one, symbol)),
        ),
    );
  expect(unlisted.map(show)).toEqual([]);
});

/** Whether a row belongs to a section or to one of its parts: 5.2 and 5.2.1, but not 5.20. */
const isIn = (row: Requirement, section: string): boolean =>
  `${row.section}.`.startsWith(`${section}.`);

/** The tools show the protocol; they hold no rule of it. */
const isTool = ({ file }: Citation): boolean => /^(cli|inspect|recording)\//.test(file);

test('each rule that src cites is in the table, with its file', () => {
  const unlisted = citations
    .filter((one) => one.hasRule && !isTool(one))
    .filter(({ rfc, section, file }) => {
      const rows = REQUIREMENTS[rfc].filter((row) => isIn(row, section));
      return !rows.some((row) => symbolsOf(row).some((symbol) => symbol.startsWith(`${file}:`)));
    });
  expect(unlisted.map(show)).toEqual([]);
});

test('each section that src names is in the table', () => {
  const unlisted = citations.filter(
    ({ rfc, section }) => !REQUIREMENTS[rfc].some((row) => isIn(row, section)),
  );
  expect(unlisted.map(show)).toEqual([]);
});

test('src says MUST in the form of a citation only', () => {
  const form = /RFC \d+ §\d[\d.]*(, §\d[\d.]*)* MUST( NOT)?:/;
  const lines = sourceFiles.flatMap((file) => readSource(file).match(/.*\bMUST\b.*/g) ?? []);
  expect(lines.filter((line) => !form.test(line))).toEqual([]);
});
