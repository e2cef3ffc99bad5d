/** Programs of docs/recipes.md in processes of their own, on free ports. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Compiled } from './child.js';
import { until } from './inbox.js';
import type { Scope } from './scope.js';

const PRELOAD = join(__dirname, '../interop/support/free-port.cjs');
const { entry } = new Compiled();

/** A program that runs in a process of its own. */
export interface RunningProcess {
  readonly child: ChildProcess;
  /** Its working directory. */
  readonly folder: string;
  /** What it has printed. */
  readonly output: { stdout: string; stderr: string };
  /** The exit code, as soon as it has ended and its output is complete. */
  readonly ended: () => Promise<number | null>;
  /** The port that it listens on. */
  readonly port: () => Promise<number>;
}

/** A folder in which `require('ws6455')` finds the library. */
function projectFolder(scope: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'ws6455-recipe-'));
  scope.later(() => rmSync(folder, { recursive: true }));
  const library = join(folder, 'node_modules/ws6455');
  mkdirSync(library, { recursive: true });
  writeFileSync(join(library, 'index.js'), `module.exports = require(${JSON.stringify(entry)});`);
  return folder;
}

/** What a process gets. */
export interface Launch {
  /** The content of each further file in its folder. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly args?: readonly string[];
}

/** Runs a program in a process of its own, in a folder of its own. */
export function runProcess(
  scope: Scope,
  program: string,
  { files = {}, args = [] }: Launch = {},
): RunningProcess {
  const folder = projectFolder(scope);
  for (const [name, content] of Object.entries({ ...files, 'recipe.js': program })) {
    writeFileSync(join(folder, name), content);
  }
  const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as const;
  const argv = ['--require', PRELOAD, 'recipe.js', ...args];
  const child = spawn(process.execPath, argv, { cwd: folder, stdio: [...stdio] });
  const output = { stdout: '', stderr: '' };
  let port: number | undefined;
  let exit: { code: number | null } | undefined;
  child.stdout?.on('data', (chunk: Buffer) => {
    output.stdout += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output.stderr += chunk;
  });
  child.on('message', (message) => {
    port ??= (message as { port: number }).port;
  });
  child.once('close', (code) => {
    exit = { code };
  });
  const ended = async () => {
    await until(
      () => exit !== undefined,
      () => `the end: ${JSON.stringify(output)}`,
      15_000,
    );
    return exit?.code ?? null;
  };
  scope.later(async () => {
    child.kill('SIGKILL');
    await ended();
  });
  const listening = async () => {
    await until(
      () => port !== undefined,
      () => `the port: ${JSON.stringify(output)}`,
      15_000,
    );
    return port as number; // it listens
  };
  return { child, folder, output, ended, port: listening };
}
