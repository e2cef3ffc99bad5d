#!/usr/bin/env node
/** The program `ws6455`: signals, streams and the exit code of the process. docs/cli.md describes it. */

import { Exit } from './exit.js';
import { explain } from './explain.js';
import { runProgram } from './program.js';

const stop = new AbortController();

/** The first Ctrl-C closes connections properly; the second one ends the program at once. */
function onSignal(name: 'SIGINT' | 'SIGTERM'): void {
  if (stop.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
  stop.abort(name);
}
process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);

// The reader of a pipe has gone, as in `ws6455 decode FILE | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') failToWrite(error);
  stop.abort('EPIPE');
});
process.stderr.on('error', () => {});

/** The output is not complete, as with a disk that is full. */
function failToWrite(error: Error): never {
  process.stderr.write(`ws6455: cannot write to standard output: ${explain(error)}\n`);
  process.exit(Exit.FAILED);
}

const { stdin, stdout, stderr, env } = process;

const io = {
  ...{ stdin, stdout, stderr, env },
  signal: stop.signal,
  interrupt: () => onSignal('SIGINT'),
};

runProgram(process.argv.slice(2), io).then((status) => {
  const { errored } = stdout;
  if (errored && (errored as NodeJS.ErrnoException).code !== 'EPIPE') failToWrite(errored);
  process.exitCode = status;
  // Exiting would lose what a pipe has not taken yet; standard input would keep the process alive.
  if (stdout.writable) stdout.write('', () => process.exit());
  else process.exit();
});
