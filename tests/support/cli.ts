/** The command ws6455: in this process, where it starts at once, or as a process of its own. */

import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { runProgram } from '../../src/cli/program.js';
import { Compiled } from './child.js';
import type { Scope } from './scope.js';

/** How a command ended. */
export interface CliOutcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The streams of a command, and what the keyboard does. */
export interface CliParts {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves to the exit code, when all output was read. */
  readonly status: Promise<number | null>;
  /** Does what Ctrl-C does. */
  interrupt(): void;
}

/** A command that runs. */
export class RunningCli {
  readonly parts: CliParts;
  /** One Latin-1 character for each byte. */
  stdout = '';
  stderr = '';
  readonly ended: Promise<CliOutcome>;
  private hasEnded = false;
  private readonly waiting: (() => void)[] = [];

  constructor(parts: CliParts) {
    this.parts = parts;
    parts.stdin.on('error', () => {}); // it may end before it has read all
    this.collect('stdout');
    this.collect('stderr');
    this.ended = parts.status.then((status) => {
      this.hasEnded = true;
      this.wake();
      return {
        status,
        stdout: Buffer.from(this.stdout, 'latin1').toString(),
        stderr: Buffer.from(this.stderr, 'latin1').toString(),
      };
    });
  }

  private collect(stream: 'stdout' | 'stderr'): void {
    this.parts[stream].on('data', (chunk: Buffer) => {
      this[stream] += chunk.toString('latin1');
      this.wake();
    });
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

  /** Types Ctrl-C. Resolves when the command has ended. */
  interrupt(): Promise<CliOutcome> {
    this.parts.interrupt();
    return this.ended;
  }
}

/** Starts a program as a process. */
export function spawnCli(
  scope: Scope,
  [file, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
): RunningCli {
  const child = spawn(file, args, { env });
  scope.later(() => child.kill('SIGKILL'));
  const status = new Promise<number | null>((resolve) => child.once('close', resolve));
  const { stdin, stdout, stderr } = child;
  return new RunningCli({ stdin, stdout, stderr, status, interrupt: () => child.kill('SIGINT') });
}

/** The compiled file that is the program. It is compiled here: within a test it would be too slow. */
export const MAIN = join(dirname(new Compiled().entry), 'cli/main.js');

/** Starts a command as a process. */
export function startProcess(
  scope: Scope,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningCli {
  const { NO_COLOR: _, FORCE_COLOR: __, COLUMNS: ___, ...inherited } = process.env;
  return spawnCli(scope, [process.execPath, MAIN, ...args], { ...inherited, ...env });
}

/** Starts a command in this process. */
export function startCli(
  scope: Scope,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningCli {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  const io = { stdin, stdout, stderr, env, signal: stop.signal, interrupt };
  const status = runProgram(args, io).then(async (code) => {
    const isRead = [stdout, stderr].map((output) => {
      return new Promise((resolve) => output.once('end', resolve));
    });
    stdout.end();
    stderr.end();
    await Promise.all(isRead);
    return code;
  });
  const running = new RunningCli({ stdin, stdout, stderr, status, interrupt });
  scope.later(() => running.interrupt());
  return running;
}

/** Runs a command in this process until it ends. */
export function runCli(
  scope: Scope,
  args: readonly string[],
  input: string | Uint8Array = '',
  env: Readonly<Record<string, string>> = {},
): Promise<CliOutcome> {
  const running = startCli(scope, args, env);
  running.parts.stdin.end(input);
  return running.ended;
}

/** Waits for the URL that `ws6455 serve` prints. */
export async function urlOfServer(server: RunningCli, args: readonly string[]): Promise<string> {
  const stream = args.includes('--json') ? 'stderr' : 'stdout';
  const [url] = await server.waitFor(stream, /wss?:\S+(?=\s)/);
  return url;
}

/** Starts `ws6455 serve` on a free port. */
export async function startServe(
  scope: Scope,
  ...args: string[]
): Promise<{ server: RunningCli; url: string }> {
  const server = startCli(scope, ['serve', '--port', '0', ...args]);
  return { server, url: await urlOfServer(server, args) };
}
