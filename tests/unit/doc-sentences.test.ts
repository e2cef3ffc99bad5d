/**
 * Each sentence of a doc comment stands in one place of `src`: a sentence that is copied is forgotten
 * when the other one changes. A member that implements a documented interface has no comment.
 *
 * Compared are the sentences of four words or more in all comments of the form `/** … *\/`. Each tag
 * (`@param`, `@returns`, …) begins a sentence. Case, line breaks and indentation do not matter. The
 * `.mts` files are left out: they export the same names as the `.ts` files beside them.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const SRC = join(__dirname, '../../src');
const MIN_WORDS = 4;

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

/** The text of each doc comment, on one line, with a full stop before each tag. */
function docComments(text: string): string[] {
  return Array.from(text.matchAll(/\/\*\*([\s\S]*?)\*\//g), ([, comment = '']) =>
    comment
      .replace(/^\s*\* ?/gm, '')
      .replace(/(?<!\{)@(param )?\w+/g, '. ')
      .replace(/\s+/g, ' '),
  );
}

function sentencesOf(comment: string): string[] {
  return comment
    .split(/[.!?] +(?=[A-Z0-9'`(.{])/)
    .map((sentence) => sentence.replace(/^[.\s]+|[.\s]+$/g, '').toLowerCase())
    .filter((sentence) => sentence.split(' ').length >= MIN_WORDS);
}

/** The files of each sentence: a file comes as often as the sentence does. */
function filesBySentence(): Map<string, string[]> {
  const places = new Map<string, string[]>();
  for (const file of files) {
    const comments = docComments(readFileSync(join(SRC, file), 'utf8'));
    for (const sentence of comments.flatMap(sentencesOf)) {
      places.set(sentence, [...(places.get(sentence) ?? []), file]);
    }
  }
  return places;
}

const places = filesBySentence();

test('the sentences are found', () => {
  expect(places.size).toBeGreaterThan(1000);
});

test('no sentence stands twice', () => {
  expect([...places].filter(([, found]) => found.length > 1)).toEqual([]);
});
