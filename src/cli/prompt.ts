/** The prompt of `ws6455 connect`: carries out what is typed. */

import { promises } from 'node:fs';
import type { ClientSession } from './client-session.js';
import type { Io } from './command.js';
import { explain } from './explain.js';
import { type Action, parseLine, SLASH_COMMANDS } from './slash-commands.js';
import type { Style } from './style.js';
import { Terminal } from './terminal.js';

/** Reads lines and sends. */
export class Prompt {
  private readonly session: ClientSession;
  private readonly style: Style;
  private readonly terminal: Terminal;
  private readonly setTrace: (isOn: boolean) => void;

  constructor(session: ClientSession, io: Io, style: Style, setTrace: (isOn: boolean) => void) {
    this.session = session;
    this.style = style;
    this.setTrace = setTrace;
    this.terminal = new Terminal(io, '> ');
    this.terminal.read(
      (line) => {
        if (line !== '') void this.carryOut(parseLine(line));
      },
      () => session.socket.close(1000),
    );
  }

  /** Prints lines above the line that is being typed. */
  print(lines: readonly string[]): void {
    this.terminal.print(lines);
  }

  close(): void {
    this.terminal.close();
  }

  private async carryOut(action: Action): Promise<void> {
    const { session } = this;
    const { socket } = session;
    switch (action.type) {
      case 'text':
        return session.send(action.data, { binary: false });
      case 'binary':
        return session.send(action.data, { binary: true });
      case 'file':
        return this.sendFile(action.path);
      case 'ping':
      case 'pong':
        return socket[action.type](action.payload);
      case 'close':
        return socket.close(action.code, action.reason);
      case 'trace':
        return this.setTrace(action.isOn);
      case 'help':
        return this.print(
          SLASH_COMMANDS.map(([usage, meaning]) => `  ${usage.padEnd(24)}${meaning}`),
        );
      case 'wrong':
        return this.print([this.style.red(action.message)]);
    }
  }

  private async sendFile(path: string): Promise<void> {
    try {
      await this.session.send(await promises.readFile(path), { binary: true });
    } catch (error) {
      this.print([this.style.red(`cannot read ${path}: ${explain(error)}`)]);
    }
  }
}
