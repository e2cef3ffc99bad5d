/** Short files and short functions: a reader sees one job at a time. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as ts from 'typescript';

const SRC = join(__dirname, '../../src');
const MAX_FILE_LINES = 330;
const MAX_FUNCTION_LINES = 40;

const names = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.m?ts$/.test(name))
  .sort();
const files = names.map((name) => {
  const text = readFileSync(join(SRC, name), 'utf8');
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
});

function linesOf(node: ts.Node, file: ts.SourceFile): number {
  const line = (position: number) => file.getLineAndCharacterOfPosition(position).line;
  return line(node.end) - line(node.getStart()) + 1;
}

function longFunctions(file: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const length = ts.isFunctionLike(node) ? linesOf(node, file) : 0;
    if (length > MAX_FUNCTION_LINES) {
      found.push(`${file.fileName}: ${node.getText().split('\n')[0]} (${length})`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

test(`no file of src has more than ${MAX_FILE_LINES} lines`, () => {
  const long = files.filter(({ text }) => text.trimEnd().split('\n').length > MAX_FILE_LINES);
  expect(long.map(({ fileName }) => fileName)).toEqual([]);
});

test(`no function of src has more than ${MAX_FUNCTION_LINES} lines`, () => {
  expect(files.flatMap(longFunctions)).toEqual([]);
});
