/** Finds the command of a command line and runs it. */

import { types } from 'node:util';
import { Arguments } from './arguments.js';
import type { Io } from './command.js';
import { COMMANDS, type CommandEntry } from './commands.js';
import { Exit, Failure, UsageError } from './exit.js';
import { commandHelp, programHelp } from './help.js';
import { nearest } from './nearest.js';
import { parseArguments } from './parse-arguments.js';
import { styleFor } from './style.js';
import { VERSION } from './version.js';

/**
 * Runs the program. It does not reject.
 * @param args the command line without the name of the program
 * @returns the exit code
 */
export async function runProgram(args: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    io.stderr.write(`ws6455: ${describe(error, args[0])}\n`);
    return error instanceof UsageError ? Exit.USAGE : Exit.FAILED;
  }
}

/** One line, but for errors that are bugs. */
function describe(error: unknown, name: string | undefined): string {
  if (error instanceof UsageError) return `${error.message} (${helpFor(name)})`;
  if (error instanceof Failure) return error.message;
  return `internal error: ${types.isNativeError(error) ? error.stack : error}`;
}

function helpFor(name: string | undefined): string {
  const isCommand = COMMANDS.some((entry) => entry.name === name);
  return `see ws6455 ${isCommand ? `${name} ` : ''}--help`;
}

async function dispatch(args: readonly string[], io: Io): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') return showHelp(rest, io, args);
  if (name === '--version' || name === '-V') {
    io.stdout.write(`${VERSION}\n`);
    return Exit.OK;
  }
  const entry = findCommand(name);
  const command = entry.load();
  const given = parseArguments(command, rest);
  if (!given.has('help')) return command.run(given, io);
  io.stdout.write(commandHelp(entry, command, styleFor(given, io.stdout, io.env)));
  return Exit.OK;
}

/** Without any argument the help goes to standard error: a script that forgot the command fails. */
function showHelp(rest: readonly string[], io: Io, args: readonly string[]): number {
  const output = args.length === 0 ? io.stderr : io.stdout;
  const colors = rest.includes('--no-color') ? new Map([['no-color', []]]) : new Map();
  const style = styleFor(new Arguments([], colors), output, io.env);
  const [topic] = rest.filter((argument) => !argument.startsWith('-'));
  const entry = topic === undefined ? undefined : findCommand(topic);
  output.write(entry ? commandHelp(entry, entry.load(), style) : programHelp(COMMANDS, style));
  return args.length === 0 ? Exit.USAGE : Exit.OK;
}

/** @throws UsageError with the command that was meant */
function findCommand(name: string): CommandEntry {
  const entry = COMMANDS.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const names = COMMANDS.map((candidate) => candidate.name);
  if (name.startsWith('-')) throw new UsageError(`unknown option ${name}`);
  if (/^(wss?|https?):/i.test(name)) {
    throw new UsageError(`the command is missing: did you mean ws6455 connect ${name}?`);
  }
  const close = nearest(name, names);
  const hint =
    close === undefined ? `the commands are ${names.join(', ')}` : `did you mean ${close}?`;
  throw new UsageError(`unknown command ${JSON.stringify(name)}: ${hint}`);
}
