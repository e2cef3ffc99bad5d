/**
 * Each rule is cited where it is held: the requirement tables (`tests/requirements`) and the comments of
 * `src` agree, both ways.
 */

import { expect, test } from '@jest/globals';
import { REQUIREMENTS } from '../requirements/index.js';
import { citedKeyword, type Requirement, symbolsOf } from '../requirements/requirement.js';
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

const KEYWORDS = RFCS.flatMap((rfc) =>
  (['MUST', 'SHOULD'] as const).map((one) => [rfc, one] as const),
);

test.each(KEYWORDS)('RFC %s: each symbol that holds a %s cites its section', (rfc, keyword) => {
  const cited = citations.filter((one) => one.rfc === rfc && one.keyword === keyword);
  const held = REQUIREMENTS[rfc].filter(
    (row) => row.outcome === 'held' && citedKeyword(row) === keyword,
  );
  const uncited = held.flatMap(({ id, section, at = [] }) =>
    at
      .filter((symbol) => !cited.some((one) => one.section === section && isAt(one, symbol)))
      .map((symbol) => `${id} ${symbol}`),
  );
  expect(uncited).toEqual([]);
});

test.each(KEYWORDS)(
  'RFC %s: each %s that src cites is in the table, at its symbol',
  (rfc, keyword) => {
    const rows = REQUIREMENTS[rfc].filter(
      (row) => citedKeyword(row) === keyword || (keyword === 'MUST' && row.level === 'must'),
    );
    const isListed = (citation: Citation): boolean =>
      rows.some(
        ({ section, at = [] }) =>
          section === citation.section && at.some((symbol) => isAt(citation, symbol)),
      );
    const cited = citations.filter((one) => one.rfc === rfc && one.keyword === keyword);
    expect(cited.filter((one) => !isListed(one)).map(show)).toEqual([]);
  },
);

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

test('src says MUST and SHOULD in the form of a citation only', () => {
  const form = /RFC \d+ §\d[\d.]*(, §\d[\d.]*)* (MUST|SHOULD)( NOT)?:/;
  const lines = sourceFiles.flatMap(
    (file) => readSource(file).match(/.*\b(MUST|SHOULD)\b.*/g) ?? [],
  );
  expect(lines.filter((line) => !form.test(line))).toEqual([]);
});
