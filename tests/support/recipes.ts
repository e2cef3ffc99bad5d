/** The programs of docs/recipes.md, word for word: run on free ports, here or in a process of their own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from '../../src/index.js';
import { Compiled } from './child.js';
import { until } from './inbox.js';
import type { Scope } from './scope.js';

export const RECIPES = readFileSync(join(__dirname, '../../docs/recipes.md'), 'utf8');

const nodeRequire = createRequire(__filename);
const PRELOAD = join(__dirname, '../interop/support/free-port.cjs');

export interface Recipe {
  readonly heading: string;
  readonly language: string;
  readonly program: string;
}

/** All programs of the page, in its order. */
export const recipes: readonly Recipe[] = RECIPES.split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const [heading = ''] = section.split('\n', 1);
    const blocks = section.matchAll(/^```(\w+)\n(.*?)^```$/gms);
    return Array.from(blocks, ([, language = '', program = '']) => ({
      heading,
      language,
      program,
    }));
  });

/** The nth program below a heading. */
export function programOf(heading: string, index = 0): string {
  const found = recipes.filter((recipe) => recipe.heading === heading && isProgram(recipe))[index];
  if (found === undefined) throw new Error(`docs/recipes.md has no program ${index} of ${heading}`);
  return found.program;
}

export function isProgram({ language }: Recipe): boolean {
  return language === 'js' || language === 'ts';
}

/** A program that connects to a port of the page, on another port. */
export function toPort(program: string, port: number): string {
  const changed = program.replace(/localhost:(8080|8443)\b/g, `localhost:${port}`);
  if (changed === program) throw new Error('the program connects to no port');
  return changed;
}

/** A program that runs in the process of the test. */
export interface RunningHere {
  /** What it has printed, each line as a text. */
  readonly printed: string[];
  /** What its last expression is, if `result` was given. */
  readonly result: unknown;
}

/** What a program gets in place of Node's globals, and of the library. */
export interface Surroundings {
  readonly globals?: Readonly<Record<string, unknown>>;
  readonly library?: unknown;
  /** Other modules, by the name that `require` is called with. */
  readonly modules?: Readonly<Record<string, unknown>>;
  /** An expression over the names of the program. */
  readonly result?: string;
}

/** Runs a program in the process of the test. */
export function runHere(program: string, surroundings: Surroundings = {}): RunningHere {
  const { globals = {}, library = WebSocket, modules = {}, result = 'undefined' } = surroundings;
  const replaced: Record<string, unknown> = { ...modules, ws6455: library };
  const printed: string[] = [];
  const print = (...values: unknown[]) => printed.push(values.map(String).join(' '));
  const names = {
    require: (name: string) => replaced[name] ?? nodeRequire(name),
    console: { log: print, error: print },
    ...globals,
  };
  const run = new Function(...Object.keys(names), `${program}\nreturn ${result};`);
  return { printed, result: run(...Object.values(names)) as unknown };
}

/** Runs a server in the process of the test. It is closed, with its connections, after the test. */
export async function serveHere(
  scope: Scope,
  program: string,
  surroundings?: Surroundings,
): Promise<RunningHere & { port: number }> {
  const ports: number[] = [];
  const { listen } = Server.prototype;
  Server.prototype.listen = function listenOnFreePort(this: Server, ...args: unknown[]): Server {
    const sockets = new Set<Socket>();
    this.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    scope.later(async () => {
      for (const socket of sockets) socket.destroy();
      if (this.listening) await new Promise((done) => this.close(done));
    });
    this.once('listening', () => ports.push((this.address() as AddressInfo).port));
    const callback = args.find((argument) => typeof argument === 'function');
    if (callback !== undefined) this.once('listening', callback as () => void);
    return listen.call(this, { port: 0, host: '127.0.0.1' });
  } as typeof listen;
  let running: RunningHere;
  try {
    running = runHere(program, surroundings);
  } finally {
    Server.prototype.listen = listen;
  }
  await until(() => ports.length > 0, 'the program to listen');
  return { ...running, port: ports[0] as number }; // it listens
}

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
  const { entry } = new Compiled();
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
