/** What `ws6455 connect` prints: on a terminal, to a pipe, or as JSON. */

import type { Buffer } from 'node:buffer';
import { formatRecord } from '../recording/read.js';
import { Recorder } from '../recording/recorder.js';
import type { Arguments } from './arguments.js';
import type { ClientSession, SessionListener } from './client-session.js';
import type { Io, Output } from './command.js';
import { Prompt } from './prompt.js';
import { type Style, styleFor } from './style.js';
import { describeCloseCode, escapeControls, hex, shorten, writeLine } from './text.js';
import { traceLines } from './trace.js';
import { SOFTWARE } from './version.js';

/** Prints what happens on a connection. */
export interface Display extends SessionListener {
  /** Gets what goes through the socket; undefined if nobody wants to see it. */
  readonly recorder: Recorder | undefined;
  /** Whether it reads standard input itself. */
  readonly readsInput: boolean;
  /** Called once the connection is open. */
  start(session: ClientSession): void;
}

/** Lines for messages on standard output; the trace on standard error. */
export class PipeDisplay implements Display {
  readonly recorder: Recorder | undefined;
  readonly readsInput = false;
  private readonly io: Io;
  private readonly isRaw: boolean;
  private readonly isTraced: boolean;
  private session: ClientSession | undefined;

  constructor(given: Arguments, io: Io) {
    this.io = io;
    this.isRaw = given.has('binary');
    this.isTraced = given.has('trace');
    const style = styleFor(given, io.stderr, io.env);
    if (this.isTraced) this.recorder = traceRecorder(style, (line) => writeLine(io.stderr, line));
  }

  start(session: ClientSession): void {
    this.session = session;
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    const { stdout } = this.io;
    const text = stdout.isTTY ? printable : String;
    const line = isBinary ? hex(data) : text(data);
    const hasRoom = stdout.write(this.isRaw ? data : `${line}\n`);
    if (!hasRoom && this.session !== undefined) pauseUntilDrained(this.session, stdout);
  }

  onControl(): void {}

  /** The close code of the server is the answer to why it ended; 1000 is none. */
  onClose(code: number, reason: string): void {
    if (code !== 1000 || reason !== '') {
      writeLine(this.io.stderr, `closed: ${describeCloseCode(code, reason)}`);
    }
  }
}

/** A recording on standard output. docs/recording.md */
export class JsonDisplay implements Display {
  readonly recorder: Recorder;
  readonly readsInput = false;
  private readonly stdout: Output;
  private session: ClientSession | undefined;

  constructor({ stdout }: Io) {
    this.stdout = stdout;
    this.recorder = new Recorder((record) => stdout.write(formatRecord(record)), {
      software: SOFTWARE,
    });
  }

  start(session: ClientSession): void {
    this.session = session;
  }

  onMessage(): void {
    const { session, stdout } = this;
    if (session !== undefined && stdout.writableNeedDrain) pauseUntilDrained(session, stdout);
  }

  onControl(): void {}
  onClose(): void {}
}

/** A prompt. */
export class InteractiveDisplay implements Display {
  readonly recorder: Recorder;
  readonly readsInput = true;
  private readonly io: Io;
  private readonly style: Style;
  private isTraced: boolean;
  private prompt: Prompt | undefined;

  constructor(given: Arguments, io: Io) {
    this.io = io;
    this.style = styleFor(given, io.stdout, io.env);
    this.isTraced = given.has('trace');
    this.recorder = traceRecorder(this.style, (line) => {
      if (this.isTraced) this.print(line);
    });
  }

  start(session: ClientSession): void {
    const { protocol, extensions } = session.socket;
    const agreed = [protocol && `subprotocol ${protocol}`, extensions].filter(Boolean).join(', ');
    const details = agreed === '' ? '' : ` (${agreed})`;
    this.print(`Connected to ${session.url}${details}. /help lists the commands.`);
    this.prompt = new Prompt(session, this.io, this.style, (isOn) => {
      this.isTraced = isOn;
    });
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    const { blue } = this.style;
    const text = isBinary ? `binary, ${data.length} bytes: ${hex(data, 64)}` : printable(data);
    this.print(`${blue('<')} ${text}`);
  }

  onControl(type: 'ping' | 'pong', payload: Buffer): void {
    if (this.isTraced) return; // the trace has it
    const text = payload.length === 0 ? '' : `: ${printable(payload)}`;
    this.print(this.style.dim(`< ${type}${text}`));
  }

  onClose(code: number, reason: string): void {
    this.prompt?.close();
    writeLine(this.io.stdout, `closed: ${describeCloseCode(code, reason)}`);
  }

  private print(line: string): void {
    if (this.prompt === undefined) writeLine(this.io.stdout, line);
    else this.prompt.print([line]);
  }
}

function traceRecorder(style: Style, print: (line: string) => void): Recorder {
  return new Recorder((record, frame) => {
    for (const line of traceLines(record, frame, style)) print(line);
  });
}

/** A server that sends faster than the output is read does not fill the memory. */
function pauseUntilDrained({ socket }: ClientSession, stdout: Output): void {
  if (socket.isPaused) return;
  socket.pause();
  stdout.once('drain', () => socket.resume());
}

/** So many characters of a message are shown on a terminal. */
const MAX_SHOWN = 65_536;

/** The text of a peer, for a terminal. */
function printable(data: Buffer): string {
  return escapeControls(shorten(data.toString(), MAX_SHOWN));
}
