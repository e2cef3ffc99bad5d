/** The lines of `decode --json` have the properties that docs/cli.md lists. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { SLASH_COMMANDS } from '../../../src/cli/slash-commands.js';
import { runCli, startServe } from '../../support/cli.js';
import { useScope } from '../../support/scope.js';

const DOCUMENT = join(__dirname, '../../../docs/cli.md');
const document = readFileSync(DOCUMENT, 'utf8');

const scope = useScope();

/** The properties of each type of line, as the table has them. */
function documented(type: string): Set<string> {
  const rows = document.matchAll(/^\| (`[^|]+`) \| ([^|]+) \| [^|]+ \|$/gm);
  const found = [...rows].filter(([, , of = '']) => isOf(of, type));
  return new Set(found.flatMap(([, names = '']) => names.match(/\w+/g) ?? []));
}

function isOf(of: string, type: string): boolean {
  if (of === 'all') return true;
  const named = of.includes(`\`${type}\``);
  return of.startsWith('all but') ? !named : named;
}

function checkLines(text: string): Set<string> {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });
  for (const line of lines) {
    const unknown = Object.keys(line).filter((key) => !documented(line.type).has(key));
    expect({ type: line.type, unknown }).toEqual({ type: line.type, unknown: [] });
  }
  return new Set(lines.map(({ type }) => type));
}

test('frames, a compressed one, a wrong one, and the beginning of one', async () => {
  const bytes = '818537fa213d7f9f4d5158 c107f248cdc9c90700 8203010203 880203e8 8300 8105';
  const { status, stdout } = await runCli(scope(), ['decode', '--json', bytes]);
  expect(status).toBe(1);
  expect(checkLines(stdout)).toEqual(new Set(['frame', 'bytes']));
  const [hello = '{}', compressed = '{}', binary = '{}', close = '{}'] = stdout.split('\n');
  expect(JSON.parse(hello)).toMatchObject({
    type: 'frame',
    from: 'client',
    bytes: '818537fa213d7f9f4d5158',
    maskingKey: '37fa213d',
    payload: '48656c6c6f',
    text: 'Hello',
  });
  expect(JSON.parse(compressed)).toMatchObject({ rsv1: true, text: 'Hello' });
  expect(JSON.parse(binary)).toMatchObject({ data: '010203' });
  expect(JSON.parse(close)).toMatchObject({ close: { code: 1000, reason: '' } });
});

test('a recording', async () => {
  const { url } = await startServe(scope(), '-q');
  const args = ['connect', url, '--json', '-w', '0', '-x', 'hi'];
  const { stdout: recording } = await runCli(scope(), args);
  const { status, stdout } = await runCli(scope(), ['decode', '--json', '-'], recording);
  expect(status).toBe(0);
  expect(checkLines(stdout)).toEqual(
    new Set(['recording', 'connection', 'handshake', 'frame', 'end']),
  );
});

test('the commands of the prompt are those of docs/cli.md', () => {
  const rows = SLASH_COMMANDS.map(([usage, meaning]) => {
    return `| \`${usage.replaceAll('|', '\\|')}\` | ${meaning} |\n`;
  });
  const block = /(<!-- prompt -->\n.*\n.*\n)([\s\S]*?)(<!-- end -->)/;
  if (process.env['UPDATE_DOCS']) {
    const text = readFileSync(DOCUMENT, 'utf8');
    writeFileSync(
      DOCUMENT,
      text.replace(block, (_, a, __, b) => a + rows.join('') + b),
    );
  } else expect(block.exec(document)?.[2]).toBe(rows.join(''));
});
