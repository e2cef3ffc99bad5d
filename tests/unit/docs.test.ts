import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { REFUSALS } from '../../src/handshake/errors.js';
import WebSocket from '../../src/index.js';
import { CLOSING_TABLE, type ClosingStep } from '../../src/protocol/close.js';
import { VIOLATIONS } from '../../src/protocol/errors.js';

const ROOT = join(__dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [row(...head), `|${head.map(() => '---|').join('')}`, ...rows].join('\n');
}

function violations(): string {
  const rows = Object.values(VIOLATIONS).map((one) =>
    row(`\`${one.code}\``, one.closeCode, one.sentence.replace('%', '*N*'), one.rfc),
  );
  return table(['code', 'close code', 'message and close reason', 'rule'], rows);
}

function refusals(): string {
  const rows = Object.values(REFUSALS).map((one) =>
    row(`\`${one.code}\``, one.status || '–', one.sentence.replace('%', '*N*'), one.rfc),
  );
  return table(['code', 'HTTP status', 'message', 'rule'], rows);
}

function cell(step: ClosingStep | undefined): string {
  if (step === undefined) return '–';
  return [`**${step.to}**`, step.actions.join(', ')].filter(Boolean).join(': ');
}

function closing(): string {
  const inputs = [...new Set(Object.values(CLOSING_TABLE).flatMap((one) => Object.keys(one)))];
  const rows = Object.entries(CLOSING_TABLE).map(([state, steps]) => {
    const cells = inputs.map((input) => {
      const step = steps[input as keyof typeof steps];
      if (step === undefined || 'to' in step) return cell(step);
      return `server ${cell(step.server)}; client ${cell(step.client)}`;
    });
    return row(state, ...cells);
  });
  return table(['state \\ input', ...inputs], rows);
}

/** What stands between the two marks of a generated part. */
const between = (name: string) => new RegExp(`(<!-- ${name} -->\\n)[^]*?(<!-- end -->)`);

describe.each([
  ['docs/errors.md', 'violations', violations],
  ['docs/errors.md', 'refusals', refusals],
  ['docs/closing.md', 'closing table', closing],
])('%s', (path, name, generate) => {
  // UPDATE_DOCS=1 npx jest tests/unit/docs.test.ts writes the tables anew.
  test(`${name}: as in the code`, () => {
    const mark = between(name);
    if (process.env['UPDATE_DOCS']) {
      const text = read(path).replace(mark, (_, a, b) => `${a}${generate()}\n${b}`);
      writeFileSync(join(ROOT, path), text);
    }
    expect(mark.exec(read(path))?.[0]).toContain(generate());
  });
});

describe('docs/api.md', () => {
  const api = read('docs/api.md');

  const membersOf = (of: object) =>
    Object.getOwnPropertyNames(of).filter((name) => !['constructor', 'length'].includes(name));

  test.each([
    ['WebSocket', membersOf(WebSocket.prototype)],
    ['WebSocketServer', membersOf(WebSocket.WebSocketServer.prototype)],
    ['the package', Object.keys(WebSocket)],
    [
      'the server options',
      Object.keys(new WebSocket.WebSocketServer({ noServer: true }).options as object),
    ],
  ])('names every member of %s', (_of, names) => {
    const own = names.filter((name) => !name.startsWith('_')); // those are in from-ws.md
    const missing = own.filter((name) => !new RegExp(`\`[^\`]*\\b${name}\\b[^\`]*\``).test(api));
    expect(missing).toEqual([]);
  });
});

function markdown(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return markdown(`${folder}/${entry.name}`);
    return entry.name.endsWith('.md') ? [`${folder}/${entry.name}`] : [];
  });
}

const IN_THE_ROOT = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];

describe.each([...IN_THE_ROOT, ...markdown('docs')])('%s', (path) => {
  test('its links to files lead somewhere', () => {
    const folder = path.includes('/') ? path.replace(/\/[^/]*$/, '') : '.';
    const links = Array.from(read(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g), ([, to]) => to);
    const dead = links.filter((to) => {
      try {
        readFileSync(join(ROOT, folder, to ?? ''));
        return false;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code !== 'EISDIR';
      }
    });
    expect(dead).toEqual([]);
  });

  test('the files of src and tests that it names are there', () => {
    const names = Array.from(
      read(path).matchAll(/`((?:src|tests|docs)\/[\w./-]+\.(?:ts|mts|mjs|js|md|http|json))`/g),
      ([, name]) => name ?? '',
    );
    const missing = names.filter((name) => {
      try {
        return read(name) === undefined;
      } catch {
        return true;
      }
    });
    expect(missing).toEqual([]);
  });
});

test('the README shows the two commands, the changelog the version', () => {
  const readme = read('README.md');
  expect(readme).toContain('npm ci && npm start');
  expect(readme).toContain('npm ci && npm test');
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(read('CHANGELOG.md')).toContain(`## ${version}`);
});

test('docs/performance.md and its charts are what the results of the bench make of them', () => {
  const args = [join(ROOT, 'tests/bench/document.mjs'), '--check'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
