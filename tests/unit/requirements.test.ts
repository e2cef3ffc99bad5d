/**
 * The requirement tables are complete and true: every keyword of RFC 6455 and RFC 7692 has one row, and
 * every symbol and test that a row names exists.
 */

import { describe, expect, test } from '@jest/globals';
import { REQUIREMENTS } from '../requirements/index.js';
import { DEFINING_LINES, KEYWORD_LINES, KEYWORDS_7692 } from '../requirements/keyword-lines.js';
import { type Level, type Requirement, symbolsOf } from '../requirements/requirement.js';
import { declarationsOf, faultOfTest, sourceFiles } from '../requirements/source.js';

const all = [...REQUIREMENTS['6455'], ...REQUIREMENTS['7692']];
const isKeyword = (level: Level): boolean => !['must', 'item', 'text'].includes(level);

/** The rows for which this is true, as a reader finds them. */
function named(rows: readonly Requirement[], isOne: (row: Requirement) => boolean): string[] {
  return rows.filter(isOne).map(({ id, rule }) => `${id} ${rule}`);
}

describe('RFC 6455', () => {
  const rows = REQUIREMENTS['6455'];

  test('every keyword of every line is in exactly one row', () => {
    const expected = Object.entries(KEYWORD_LINES).flatMap(([keyword, lines]) =>
      lines.map((line) => `${line} ${keyword}`),
    );
    const found = rows.flatMap(({ lines = [], level }) =>
      isKeyword(level) ? lines.map((line) => `${line} ${level}`) : [],
    );
    expect(found.sort()).toEqual(expected.sort());
    const definitions = rows.filter(({ outcome }) => outcome === 'definition');
    expect(definitions.flatMap(({ lines = [] }) => lines)).toEqual(DEFINING_LINES);
  });

  test('there are 212 lines with a keyword, 138 of them with MUST or MUST NOT', () => {
    const count = (...lists: (readonly number[])[]) => new Set(lists.flat()).size;
    expect(count(...Object.values(KEYWORD_LINES), DEFINING_LINES)).toBe(212);
    const { MUST, 'MUST NOT': mustNot } = KEYWORD_LINES;
    expect(count(MUST, mustNot, [652, 659])).toBe(138);
  });

  test('the rows are in the order of the RFC', () => {
    const first = rows.flatMap(({ lines = [] }) => lines.slice(0, 1));
    expect(first).toEqual([...first].sort((a, b) => a - b));
  });
});

test('RFC 7692: the rows of each section have its keywords, in their order', () => {
  const found = Object.keys(KEYWORDS_7692).map((section) => {
    const rows = REQUIREMENTS['7692'].filter((one) => one.section === section);
    return [section, rows.map(({ level }) => level).filter(isKeyword)];
  });
  expect(Object.fromEntries(found)).toEqual(KEYWORDS_7692);
});

describe('each row', () => {
  test('names symbols that src declares', () => {
    const symbols = new Set(
      sourceFiles.flatMap((file) => declarationsOf(file).map(({ name }) => `${file}:${name}`)),
    );
    const missing = all.flatMap((row) =>
      symbolsOf(row)
        .filter((symbol) => !symbols.has(symbol))
        .map((symbol) => `${row.id} ${symbol}`),
    );
    expect(missing).toEqual([]);
  });

  test('names tests that exist, with their titles', () => {
    const missing = all.flatMap(({ id, tests = [] }) =>
      tests.filter((one) => faultOfTest(one) !== undefined).map((one) => `${id} ${one}`),
    );
    expect(missing).toEqual([]);
  });

  test('that the library holds has a symbol and a test', () => {
    const byUs = ['held', 'used', 'option'];
    const bare = ({ outcome, at = [], tests = [] }: Requirement): boolean =>
      byUs.includes(outcome) && (at.length === 0 || tests.length === 0);
    expect(named(all, bare)).toEqual([]);
  });

  test('that the library does not hold says why', () => {
    const needsNote = ['option', 'Node', 'application', 'extension', 'not used'];
    const unexplained = ({ outcome, note, differs }: Requirement): boolean =>
      outcome === 'not followed'
        ? differs === undefined
        : needsNote.includes(outcome) && note === undefined;
    expect(named(all, unexplained)).toEqual([]);
  });

  test('that is used or not used is a permission', () => {
    const permits = ({ level }: Requirement): boolean =>
      level === 'MAY' || level === 'OPTIONAL' || level === 'text';
    const isPermission = ({ outcome }: Requirement): boolean =>
      outcome === 'used' || outcome === 'not used';
    expect(named(all, (one) => isPermission(one) && !permits(one))).toEqual([]);
  });

  test('has a party for its outcome', () => {
    const parties = { browser: 'browser', intermediary: 'intermediary' } as const;
    const odd = ({ outcome, who }: Requirement): boolean => outcome in parties && outcome !== who;
    expect(named(all, odd)).toEqual([]);
  });

  test('is one sentence of its own', () => {
    expect(named(all, ({ rule }) => !/^["0-9A-Za-z].*\.$/.test(rule))).toEqual([]);
    const ids = all.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(250);
  });
});
