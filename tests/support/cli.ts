/** The command ws6455 as a process. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { Compiled } from './child.js';
import type { Scope } from './scope.js';

const MAIN = join(dirname(new Compiled().entry), 'cli/main.js');

/** How a command ended. */
export interface CliOutcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export class RunningCli {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<CliOutcome>;
  private hasEnded = false;
  private readonly waiting: (() => void)[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdin?.on('error', () => {}); // it may end before it has read all
    child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString('latin1');
      this.wake();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString('latin1');
      this.wake();
    });
    child.once('close', () => {
      this.hasEnded = true;
      this.wake();
    });
    this.ended = once(child, 'close').then(([status]) => ({
      status: status as number | null,
      stdout: Buffer.from(this.stdout, 'latin1').toString(),
      stderr: Buffer.from(this.stderr, 'latin1').toString(),
    }));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  /** Resolves when the output has this. */
  async waitFor(stream: 'stdout' | 'stderr', what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(this[stream]);
      if (found !== null) return found;
      if (this.hasEnded) throw new Error(`${what} is not in ${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

/** Starts a command. */
export function startCli(
  scope: Scope,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningCli {
  const { NO_COLOR: _, FORCE_COLOR: __, COLUMNS: ___, ...inherited } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...inherited, ...env } });
  scope.later(() => child.kill('SIGKILL'));
  return new RunningCli(child);
}

/** Runs a command until it ends. */
export function runCli(
  scope: Scope,
  args: readonly string[],
  input: string | Uint8Array = '',
  env: Readonly<Record<string, string>> = {},
): Promise<CliOutcome> {
  const running = startCli(scope, args, env);
  running.child.stdin?.end(input);
  return running.ended;
}

/** Starts `ws6455 serve` on a free port. */
export async function startServe(
  scope: Scope,
  ...args: string[]
): Promise<{ server: RunningCli; url: string }> {
  const server = startCli(scope, ['serve', '--port', '0', ...args]);
  const stream = args.includes('--json') ? 'stderr' : 'stdout';
  const [url] = await server.waitFor(stream, /wss?:\S+(?=\s)/);
  return { server, url };
}
