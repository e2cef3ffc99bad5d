/** The commands. A command is loaded when it is used. */

import type { Command } from './command.js';

/** A command before it is loaded. */
export interface CommandEntry {
  readonly name: string;
  /** What it does, in one line. */
  readonly summary: string;
  load(): Command;
}

/** In the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'serve',
    summary: 'Starts an echo or chat server.',
    load: () => (require('./serve.js') as typeof import('./serve.js')).serve,
  },
  {
    name: 'connect',
    summary: 'Connects to a server: on a terminal with a prompt, or with pipes.',
    load: () => (require('./connect.js') as typeof import('./connect.js')).connect,
  },
  {
    name: 'decode',
    summary: 'Explains frames bit by bit.',
    load: () => (require('./decode.js') as typeof import('./decode.js')).decode,
  },
  {
    name: 'inspect',
    summary: 'Shows, holds and changes the frames between clients and a server.',
    load: () => (require('./inspect.js') as typeof import('./inspect.js')).inspect,
  },
  {
    name: 'replay',
    summary: 'Sends one end of a recorded connection again, and compares the answers.',
    load: () => (require('./replay.js') as typeof import('./replay.js')).replay,
  },
  {
    name: 'demo',
    summary: 'Starts a server with the inspector in front of it, and a tour.',
    load: () => (require('./demo.js') as typeof import('./demo.js')).demo,
  },
];
