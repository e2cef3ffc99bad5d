import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Scope } from './scope.js';

const ROOT = join(__dirname, '../..');

/** `npm ci` empties it. */
const CACHE = join(ROOT, 'node_modules/.cache/ws6455-tests');

/**
 * Turns every .ts of a folder into .js, without looking at the types: jest's own runs did. The page of
 * the inspector is copied.
 */
const TRANSPILE = `
  const [typescript, source, target] = process.argv.slice(1);
  const { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
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
  cpSync(join(source, 'inspect/page'), join(target, 'inspect/page'), { recursive: true });
`;

/** What the JavaScript depends on: the files of src, and how they are compiled. */
function hashOf(source: string): string {
  const hash = createHash('sha256').update(TRANSPILE);
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(source, file);
    if (/\.\w+$/.test(file)) hash.update(file).update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Compiles src, unless another test file did: the folder of the JavaScript. */
function compile(): string {
  const source = join(ROOT, 'src');
  const target = join(CACHE, hashOf(source));
  if (existsSync(target)) return target;
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'new-'));
  const typescript = require.resolve('typescript', { paths: [ROOT] });
  execFileSync(process.execPath, ['-e', TRANSPILE, '--', typescript, source, folder]);
  try {
    renameSync(folder, target);
  } catch (error) {
    rmSync(folder, { recursive: true }); // another worker was faster
    if (!existsSync(target)) throw error;
  }
  return target;
}

/** The product as JavaScript, for processes of their own. */
export class Compiled {
  readonly entry = process.env['WS6455_SUBJECT'] ?? join(compile(), 'index.js');

  private readonly env: Readonly<Record<string, string>>;

  /** @param env further variables of the environment */
  constructor(env: Readonly<Record<string, string>> = {}) {
    this.env = env;
  }

  /** Runs a program in which `WebSocket` is the product and `args` are these. */
  run(scope: Scope, program: string, ...args: (string | number)[]): Promise<Outcome> {
    const code = `const WebSocket = require(process.argv[1]); const args = process.argv.slice(2);`;
    const argv = ['-e', `${code}\n${program}`, '--', this.entry, ...args.map(String)];
    const env = { ...process.env, ...this.env };
    const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
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
