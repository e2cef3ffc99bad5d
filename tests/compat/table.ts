import { describe, expect, test } from '@jest/globals';
import { type Scope, useScope } from '../support/scope.js';
import { type Library, SUBJECTS } from './subjects.js';

/** One behaviour that programs may count on. */
export interface Row {
  /** Which points of CHECKLIST.md it holds, with blanks between. */
  id: string;
  /** in words */
  it: string;
  run: (library: Library, scope: Scope) => unknown;
  /** what `ws` makes of it */
  expected: unknown;
  /** what ws6455 makes of it, where that is to be another thing */
  differs?: { expected: unknown; why: string };
}

/** Asks every subject for every row. */
export function table(rows: readonly Row[]): void {
  const scope = useScope();
  describe.each(SUBJECTS)('%s', (subject, library) => {
    test.each(rows.map((row): [string, string, Row] => [row.id, row.it, row]))(
      '%s: %s',
      async (_id, _it, { run, expected, differs }) => {
        const due = subject === 'ws6455' && differs ? differs.expected : expected;
        expect(await run(library, scope())).toEqual(due);
      },
    );
  });
}
