import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from './scope.js';

const ROOT = join(__dirname, '../..');

/** Turns every .ts of a folder into .js, without looking at the types: jest's own runs did. */
const TRANSPILE = `
  const [typescript, source, target] = process.argv.slice(1);
  const { mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
  const { dirname, join } = require('node:path');
  const ts = require(typescript);
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
  for (const file of readdirSync(source, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(source, file), 'utf8'), { compilerOptions });
    const path = join(target, file.replace(/ts$/, 'js'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, outputText);
  }
`;

/** The product as JavaScript, for processes of their own: made once per test file. */
export class Compiled {
  readonly entry: string;
  readonly #folder: string | undefined;

  constructor() {
    const subject = process.env['WS6455_SUBJECT'];
    if (subject !== undefined) {
      this.entry = subject;
      return;
    }
    this.#folder = mkdtempSync(join(tmpdir(), 'ws6455-'));
    const typescript = require.resolve('typescript', { paths: [ROOT] });
    const source = join(ROOT, 'src');
    execFileSync(process.execPath, ['-e', TRANSPILE, '--', typescript, source, this.#folder]);
    this.entry = join(this.#folder, 'index.js');
  }

  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true });
  }

  /** Runs a program in which `WebSocket` is the product and `args` are these. */
  run(scope: Scope, program: string, ...args: (string | number)[]): Promise<Outcome> {
    const code = `const WebSocket = require(process.argv[1]); const args = process.argv.slice(2);`;
    const argv = ['-e', `${code}\n${program}`, '--', this.entry, ...args.map(String)];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    scope.later(() => child.kill('SIGKILL'));
    return outcomeOf(child);
  }
}

/** How a process ended. */
export interface Outcome {
  status: number | null;
  /** the lines of its standard output */
  lines: string[];
  errors: string;
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const texts = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    texts.stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    texts.stderr += chunk.toString();
  });
  const status = await new Promise<number | null>((done) => child.once('close', done));
  return { status, lines: texts.stdout.split('\n').filter(Boolean), errors: texts.stderr };
}
