/**
 * Each source file of the pure folders has a unit test of the same name. That test alone reaches
 * every statement, function and branch of its file. Run it with `npm run test:coverage`; names of
 * files (`protocol/mask`) as arguments limit it to these.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const JEST = join(ROOT, 'node_modules/jest/bin/jest.js');
const FOLDERS = ['protocol', 'handshake', 'permessage-deflate'];

/** What needs no test, and why: a file, or one `line` of it, as it is written there. */
const EXCEPTIONS = [
  { file: 'protocol/extension', reason: 'types only' },
  { file: 'protocol/wire', reason: 'types only' },
  {
    file: 'protocol/endpoint',
    line: 'if (error !== undefined) this.application.onFailure(error);',
    reason: "the action 'report' follows only an error; the check is for the compiler",
  },
  {
    file: 'protocol/endpoint',
    line: 'if (this.sent === undefined) return;',
    reason: "the action 'send' follows only a Close; the check is for the compiler",
  },
  {
    file: 'protocol/message-buffer',
    line: 'this.copyToTail(piece, 0, piece.length, keys[i] ?? 0);',
    reason: 'each piece has a key; the 0 is for the compiler',
  },
  {
    file: 'protocol/message-buffer',
    line: 'unmaskInto(joined, offset, piece, 0, piece.length, this.keys[i] ?? 0);',
    reason: 'each piece has a key; the 0 is for the compiler',
  },
  {
    file: 'permessage-deflate/inflate',
    line: "const isData = DATA_ERRORS.includes(codeOf(error) ?? '');",
    reason: 'errors of zlib and of Node have a code; the default is for the compiler',
  },
  {
    file: 'handshake/http-head',
    line: "const [startLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\\r\\n');",
    reason: 'split returns one element at least; the default is for the compiler',
  },
  {
    file: 'handshake/server',
    line: "const [beforeQuery = ''] = (target || '/').split('?', 1);",
    reason: 'split returns one element at least; the default is for the compiler',
  },
  {
    file: 'handshake/server',
    line: "const [name = '', value = ''] = [raw[i], raw[i + 1]];",
    reason: 'there is a name at each index of the loop; its default is for the compiler',
  },
];

const sourceOf = (file) => join(ROOT, 'src', `${file}.ts`);
const testOf = (file) => join(ROOT, 'tests/unit', `${file}.test.ts`);

/** Runs the unit tests of these files, all in one run. @returns what the reporter wrote */
function run(files) {
  const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
  const output = join(folder, 'by-test-file.json');
  const args = [
    '--coverage',
    '--coverageReporters=none',
    ...FOLDERS.map((name) => `--collectCoverageFrom=src/${name}/*.ts`),
    `--reporters=${join(ROOT, 'tests/coverage/reporter.mjs')}`,
    '--runTestsByPath',
    ...files.map(testOf),
  ];
  try {
    const env = { ...process.env, COVERAGE_FILE: output };
    spawnSync(process.execPath, [JEST, ...args], { cwd: ROOT, env, stdio: 'inherit' });
    return JSON.parse(readFileSync(output, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Where the compiled file has a statement, a function or a branch that was never executed. */
function unreached({ s, statementMap, f, fnMap, b, branchMap }) {
  const missed = (counts) => Object.keys(counts).filter((id) => counts[id] === 0);
  const branches = Object.keys(b).flatMap((id) => {
    const { loc, locations } = branchMap[id];
    // A missing `else` has no place of its own.
    const places = locations.map(({ start }) => (start.line === undefined ? loc.start : start));
    return places.filter((_place, i) => b[id][i] === 0);
  });
  const statements = missed(s).map((id) => statementMap[id].start);
  return [...statements, ...missed(f).map((id) => fnMap[id].loc.start), ...branches];
}

/** The lines of the source file that its test does not reach in full. */
function gapsOf(file, coverage) {
  const own = coverage[sourceOf(file)];
  if (own === undefined) return [`its test does not load src/${file}.ts`];
  const text = readFileSync(sourceOf(file), 'utf8').split('\n');
  const map = new SourceMap(own.inputSourceMap);
  const originalLine = ({ line, column }) => map.findEntry(line - 1, column).originalLine;
  const gaps = [...new Set(unreached(own).map(originalLine))]
    .sort((a, b) => a - b)
    .map((line) => ({ line: line + 1, code: text[line].trim() }));
  const excused = EXCEPTIONS.filter((one) => one.file === file).map(({ line }) => line);
  return [
    ...gaps
      .filter(({ code }) => !excused.includes(code))
      .map(({ line, code }) => `not all of src/${file}.ts:${line} is executed: ${code}`),
    ...excused
      .filter((line) => !gaps.some(({ code }) => code === line))
      .map((line) => `this exception is not needed: ${line}`),
  ];
}

function faultsOf(file, byTestFile) {
  if (!existsSync(testOf(file))) return [`tests/unit/${file}.test.ts is missing`];
  const { coverage, failure } = byTestFile[testOf(file)] ?? { failure: 'its test did not run' };
  return failure === null ? gapsOf(file, coverage) : [failure];
}

const chosen = process.argv.slice(2);
const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, 'src', folder)).map((name) => `${folder}/${name.replace(/\.ts$/, '')}`),
)
  .filter((file) => !EXCEPTIONS.some((one) => one.file === file && one.line === undefined))
  .filter((file) => chosen.length === 0 || chosen.includes(file));

const byTestFile = run(files.filter((file) => existsSync(testOf(file))));
let failed = 0;
for (const file of files) {
  const faults = faultsOf(file, byTestFile);
  if (faults.length > 0) failed++;
  console.log([`${faults.length > 0 ? 'not ok' : 'ok'} src/${file}.ts`, ...faults].join('\n  '));
}
console.log(`${files.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 && files.length > 0 ? 0 : 1;
