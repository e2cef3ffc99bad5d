/** docs/recipes.md as a document: its contents, the length of its programs, their tests and types. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isProgram, programOf, RECIPES, type Recipe, recipes } from '../../support/recipes.js';

const ROOT = join(__dirname, '../../..');
const MAX_LINES = 15;
/** What may be longer. */
const WHOLE = ['A chat that loses nothing', 'A chat server with cookies and two endpoints'];

const programs = recipes.filter(isProgram);

/** The anchor of a heading, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

test('the contents lead to every recipe', () => {
  const [contents = ''] = RECIPES.split(/^## /m, 1);
  const links = Array.from(contents.matchAll(/\]\(#([^)]+)\)/g), ([, anchor]) => anchor);
  const headings = Array.from(RECIPES.matchAll(/^## (.*)$/gm), ([, heading = '']) => heading);
  expect(links.sort()).toEqual(headings.map(anchorOf).sort());
});

test('a recipe has at most fifteen lines, and only the whole program has more', () => {
  const linesOf = ({ program }: Recipe) => program.split('\n').filter((line) => line.trim() !== '');
  const long = programs.filter((recipe) => linesOf(recipe).length > MAX_LINES);
  expect([...new Set(long.map(({ heading }) => heading))]).toEqual(WHOLE);
});

/** Every WebSocket may fail: a program without a listener would end. Tests of a handler are to fail. */
test('every program listens to errors', () => {
  const silent = programs.filter(
    ({ heading, program }) => !/'error'|\.catch\(/.test(program) && !heading.startsWith('Test '),
  );
  expect(silent).toEqual([]);
});

test('every program has a test', () => {
  const interop = join(ROOT, 'tests/interop/programs/recipes.mjs');
  const files = readdirSync(__dirname).map((name) => join(__dirname, name));
  const tests = [...files, interop].map((file) => readFileSync(file, 'utf8')).join('\n');
  const missing = programs.filter(({ heading }) => !tests.includes(`'${heading}'`));
  expect(missing.map(({ heading }) => heading)).toEqual([]);
});

/** `npm run typecheck` compiles the copy, with `strict`. */
test('the TypeScript program is the one whose types are checked', () => {
  const copy = readFileSync(join(ROOT, 'tests/types/recipe.mts'), 'utf8');
  expect(programOf('TypeScript')).toBe(copy);
});
