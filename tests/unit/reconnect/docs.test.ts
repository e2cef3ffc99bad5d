/** The tables of docs/reconnect.md are those of the code, and the numbers those of the simulation. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  CLOSE_CAUSES,
  CLOSE_CODES,
  ERROR_CODES,
  type NumberRow,
  STATUSES,
  type WordRow,
} from '../../../src/reconnect/verdict.js';
import {
  CRASH,
  type Outage,
  POLICIES,
  RESTARTS,
  type Storm,
  simulate,
} from '../../support/reconnect-storm.js';

const PATH = join(__dirname, '../../../docs/reconnect.md');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const [first, ...rest] = [head, ...rows].map((row) => `| ${row.join(' | ')} |`);
  return [first, `|${head.map(() => '---|').join('')}`, ...rest].join('\n');
}

function inWords(one: WordRow['of'][number] | NumberRow['of'][number]): string {
  if (typeof one === 'string') return `\`${one}\``;
  return typeof one === 'number' ? String(one) : one.join('–');
}

function verdicts(head: string, rows: readonly (NumberRow | WordRow)[]): string {
  const lines = rows.map(({ of, verdict, why }) => [of.map(inWords).join(', '), verdict, why]);
  return table([head, 'verdict', 'why'], lines);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function cell({ peak, ratio, attempts, half, all }: Storm): string {
  const counts = [peak, attempts].map((count) => count.toLocaleString('en')).join(' of ');
  return `${ratio.toFixed(1)}; ${counts}; ${seconds(half)}; ${seconds(all)}`;
}

function storms(): string {
  const cases: [string, readonly Outage[]][] = [
    ...Object.entries(RESTARTS),
    ['it fails again after 3 s', CRASH],
  ];
  const rows = cases.map(([name, outages]) => [
    name,
    ...Object.values(POLICIES).map((policy) => cell(simulate(policy, outages))),
  ]);
  const head = 'peak ÷ mean; peak of all attempts; half back; all back';
  return table([head, ...Object.keys(POLICIES)], rows);
}

// UPDATE_DOCS=1 npx jest tests/unit/reconnect/docs.test.ts writes the tables anew.
test.each<[string, () => string]>([
  ['close codes', () => verdicts('close code', CLOSE_CODES)],
  ['close causes', () => verdicts('`by` and `cause`', CLOSE_CAUSES)],
  ['statuses', () => verdicts('status', STATUSES)],
  ['error codes', () => verdicts('code', ERROR_CODES)],
  ['storm', storms],
])('%s: as in the code', (name, generate) => {
  const mark = new RegExp(`(<!-- ${name} -->\\n)[^]*?(<!-- end -->)`);
  const text = readFileSync(PATH, 'utf8');
  const table = generate();
  if (process.env['UPDATE_DOCS']) {
    writeFileSync(
      PATH,
      text.replace(mark, (_, a, b) => `${a}${table}\n${b}`),
    );
  }
  expect(mark.exec(readFileSync(PATH, 'utf8'))?.[0]).toContain(table);
});
