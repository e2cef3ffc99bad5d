/** What a command of the program is, and what it gets. */

import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { Arguments } from './arguments.js';

/** Standard input, which may be a terminal. */
export type Input = Readable & {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
};

/** Standard output or standard error, which may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** The streams, the environment and the signals of a command. */
export interface Io {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Aborted by SIGINT and SIGTERM, and when the reader of standard output has gone: the command closes
   * its connections properly and returns. A second signal ends the process.
   */
  readonly signal: AbortSignal;
  /** Does what SIGINT does: in raw mode a terminal sends no signal for Ctrl-C. */
  interrupt(): void;
}

/** Resolves when the program should end. */
export async function interrupted({ signal }: Io): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** An option of a command. */
export interface Option {
  /** Without the dashes. */
  readonly name: string;
  /** The one letter of its short form. */
  readonly short?: string;
  /** The names of its values, as the help shows them; none for a switch. */
  readonly values?: readonly string[];
  /** Whether it may be given more than once. */
  readonly multiple?: boolean;
  /** One sentence or two, with the default. */
  readonly description: string;
}

/** An example of the help. */
export interface Example {
  readonly command: string;
  readonly meaning: string;
}

/** A command of the program. */
export interface Command {
  /** What follows the name, such as 'URL [options]'. */
  readonly synopsis: string;
  /** Further paragraphs for its help. */
  readonly details?: readonly string[];
  readonly options: readonly Option[];
  readonly examples: readonly Example[];
  /** The maximum number of arguments that are not options. */
  readonly maxPositionals: number;
  /**
   * Runs it.
   * @returns the exit code
   * @throws UsageError for wrong arguments, Failure if it cannot do what it should
   */
  run(given: Arguments, io: Io): Promise<number> | number;
}
