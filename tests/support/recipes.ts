/** The programs of docs/recipes.md, word for word, and how to run them in the process of the test. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, Server, type Socket } from 'node:net';
import { join } from 'node:path';
import WebSocket from '../../src/index.js';
import { until } from './inbox.js';
import type { Scope } from './scope.js';

export const RECIPES = readFileSync(join(__dirname, '../../docs/recipes.md'), 'utf8');

const nodeRequire = createRequire(__filename);

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
