/** A prompt on a terminal: what is printed meanwhile goes above the line that is being typed. */

import {
  clearScreenDown,
  createInterface,
  cursorTo,
  type Interface,
  moveCursor,
} from 'node:readline';
import type { Io } from './command.js';
import { SLASH_NAMES } from './slash-commands.js';

/** The number of lines that the up key reaches. They are kept in memory only. */
const HISTORY_SIZE = 1000;

/** Reads lines with history and completion. */
export class Terminal {
  private readonly io: Io;
  private readonly reader: Interface;
  private isOpen = true;

  /** @param prompt such as '> ' */
  constructor(io: Io, prompt: string) {
    this.io = io;
    this.reader = createInterface({
      input: io.stdin,
      output: io.stdout,
      terminal: true,
      historySize: HISTORY_SIZE,
      removeHistoryDuplicates: true,
      prompt,
      completer: (line: string) => [SLASH_NAMES.filter((name) => name.startsWith(line)), line],
    });
    this.reader.on('SIGINT', () => io.interrupt());
    this.reader.on('close', () => {
      this.isOpen = false;
    });
  }

  /** Calls back with each line, and at the end of input (Ctrl-D). */
  read(onLine: (line: string) => void, onEnd: () => void): void {
    this.reader.on('line', (line) => {
      onLine(line);
      if (this.isOpen) this.reader.prompt();
    });
    this.reader.on('close', onEnd);
    this.reader.prompt();
  }

  /** Prints lines above the prompt; the line that is being typed and its cursor stay. */
  print(lines: readonly string[]): void {
    const { stdout } = this.io;
    if (this.isOpen) {
      const { rows } = this.reader.getCursorPos();
      moveCursor(stdout, 0, -rows);
      cursorTo(stdout, 0);
      clearScreenDown(stdout);
    }
    for (const line of lines) stdout.write(`${line}\n`);
    if (this.isOpen) this.reader.prompt(true);
  }

  close(): void {
    if (this.isOpen) {
      cursorTo(this.io.stdout, 0);
      clearScreenDown(this.io.stdout);
    }
    this.reader.close();
  }
}
