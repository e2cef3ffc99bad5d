/** The help of each command is that of docs/cli.md. UPDATE_DOCS=1 writes it there. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../../src/cli/commands.js';
import { VERSION } from '../../../src/cli/version.js';
import { runCli, startProcess } from '../../support/cli.js';
import { useScope } from '../../support/scope.js';

const ROOT = join(__dirname, '../../..');
const DOCUMENT = join(ROOT, 'docs/cli.md');
const names = COMMANDS.map(({ name }) => name);

const scope = useScope();

function checkDocument(name: string, help: string): void {
  const text = readFileSync(DOCUMENT, 'utf8');
  const block = new RegExp(
    `(<!-- help: ${name} -->\n\`\`\`text\n)([\\s\\S]*?)(\`\`\`\n<!-- end -->)`,
  );
  const found = block.exec(text);
  if (process.env['UPDATE_DOCS'] && found !== null) {
    writeFileSync(
      DOCUMENT,
      text.replace(block, (_, before, __, after) => before + help + after),
    );
  } else if (process.env['UPDATE_DOCS']) {
    const added = `<!-- help: ${name} -->\n\`\`\`text\n${help}\`\`\`\n<!-- end -->\n`;
    writeFileSync(DOCUMENT, `${text}\n## ws6455 ${name}\n\n${added}`);
  } else expect(found?.[2]).toBe(help);
}

test('ws6455 --help', async () => {
  const { status, stdout, stderr } = await runCli(scope(), ['--help']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  checkDocument('ws6455', stdout);
});

test.each(names)('ws6455 %s --help', async (name) => {
  const { status, stdout, stderr } = await runCli(scope(), [name, '--help']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  checkDocument(name, stdout);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('-h and help are the same as --help', async () => {
  const [first] = names as [string];
  const outcomes = await Promise.all([
    runCli(scope(), [first, '-h']),
    runCli(scope(), ['help', first]),
    runCli(scope(), [first, '--help']),
  ]);
  expect(new Set(outcomes.map(({ stdout }) => stdout)).size).toBe(1);
});

test('without a command the help goes to standard error, and the exit code is 2', async () => {
  const { status, stdout, stderr } = await runCli(scope(), []);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('Usage:');
});

test('--version is that of package.json', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(VERSION).toBe(version);
  const outcome = await startProcess(scope(), ['--version']).ended;
  expect(outcome).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});

describe('a wrong command line is one line on standard error, and the exit code 2', () => {
  test.each<[string, string[], string]>([
    ['an unknown command', ['srever'], 'unknown command "srever": did you mean serve?'],
    ['a URL in its place', ['ws://localhost'], 'did you mean ws6455 connect ws://localhost?'],
    ['an unknown option', ['serve', '--prot', '1'], 'unknown option --prot: did you mean --port?'],
    ['a missing value', ['serve', '--port'], '--port needs PORT'],
    ['an option as a value', ['serve', '--port', '--echo'], '--port needs PORT'],
    ['a wrong number', ['serve', '--port', '99999'], '--port is a number from 0 to 65535'],
    ['one of two values', ['serve', '--tls', 'a'], 'KEY is missing'],
    ['a value for a switch', ['serve', '--echo=yes'], '--echo takes no value'],
    ['an argument too many', ['serve', 'x'], 'the argument "x" is one too many'],
    ['two that exclude each other', ['serve', '--echo', '--chat'], '--echo or --chat, not both'],
    ['no URL', ['connect'], 'connect needs a URL'],
    ['a wrong URL', ['connect', 'foo bar'], 'Invalid URL'],
    ['a wrong header', ['connect', ':1', '-H', 'x'], '--header is \'Name: value\', not "x"'],
    ['a wrong word', ['decode', '--from', 'me', '81'], '--from is client or server, not "me"'],
    ['half a byte', ['decode', '810'], 'half a byte'],
  ])('%s', async (_, args, message) => {
    const { status, stdout, stderr } = await runCli(scope(), args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^ws6455: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });
});

describe('colours', () => {
  const ESCAPE = '\x1b[';
  test.each<[string, Record<string, string>, string[], boolean]>([
    ['no terminal', {}, [], false],
    ['FORCE_COLOR', { FORCE_COLOR: '1' }, [], true],
    ['FORCE_COLOR=0', { FORCE_COLOR: '0' }, [], false],
    ['NO_COLOR wins over FORCE_COLOR', { FORCE_COLOR: '1', NO_COLOR: '1' }, [], false],
    ['--no-color', { FORCE_COLOR: '1' }, ['--no-color'], false],
  ])('%s', async (_, env, args, isColored) => {
    const { stdout } = await runCli(scope(), ['decode', '8100', ...args], '', env);
    expect(stdout.includes(ESCAPE)).toBe(isColored);
  });
});
