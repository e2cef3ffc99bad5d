/** `ws6455 replay`: sends one end of a recorded connection again. */

import { writeFileSync } from 'node:fs';
import { formatRecord } from '../recording/read.js';
import { type ReplayOptions, replay as replayRecords } from '../recording/replay.js';
import type { ReplayDifference, ReplayResult } from '../recording/replay-comparison.js';
import type { Arguments } from './arguments.js';
import { readCertificate } from './certificate.js';
import type { Command, Io } from './command.js';
import { Exit, Failure, UsageError } from './exit.js';
import { explain } from './explain.js';
import { readRecords } from './input.js';
import { type Style, styleFor } from './style.js';
import { readTarget } from './target.js';
import { count, escapeControls, writeLine } from './text.js';

const DEFAULT_TIMEOUT = 5;

export const replay: Command = {
  synopsis: 'FILE URL [options]',
  details: [
    'FILE is a recording of this program or the HAR of a browser; - is standard input. The frames of one end are sent byte for byte, also wrong ones, and what the other end answers is compared with the recording: messages, Pongs, the Close and the handshake.',
    'The exit code is 1 if the answers differ.',
  ],
  options: [
    {
      name: 'as',
      values: ['END'],
      description:
        'The end to play: client connects to URL, server listens there for one connection. Default client.',
    },
    {
      name: 'timing',
      short: 't',
      values: ['WHEN'],
      description:
        'wait: send when the other end has sent as much as in the recording. original: after the time of the recording. asap: at once. Default wait.',
    },
    {
      name: 'connection',
      values: ['N'],
      description: 'The number of the connection in the recording. Default: the first one.',
    },
    {
      name: 'timeout',
      values: ['SECONDS'],
      description: `How long to wait for the other end. Default ${DEFAULT_TIMEOUT}.`,
    },
    { name: 'record', values: ['FILE'], description: 'Write a recording of the replay.' },
    { name: 'insecure', short: 'k', description: 'Accept any certificate.' },
    {
      name: 'tls',
      values: ['CERT', 'KEY'],
      description: 'As a server for wss: the certificate and the key of these PEM files.',
    },
    { name: 'json', description: 'A JSON object for each difference and the result, one a line.' },
  ],
  examples: [
    {
      command: 'ws6455 replay session.jsonl ws://localhost:8080/',
      meaning: 'play the client against another server',
    },
    {
      command: 'ws6455 replay session.har :9000 --as server',
      meaning: 'play the server that a browser talked to, on port 9000',
    },
  ],
  maxPositionals: 2,
  run: runReplay,
};

async function runReplay(given: Arguments, io: Io): Promise<number> {
  const [file, url] = given.positionals;
  if (file === undefined || url === undefined) throw new UsageError('replay needs FILE and URL');
  const report = given.has('json') ? new JsonReport(io) : new TextReport(io, given);
  const lines: string[] = [];
  const options = optionsOf(given, url, io, report);
  const output = given.text('record');
  if (output !== undefined) options.onRecord = (record) => lines.push(formatRecord(record));
  const records = await readRecords(file, io);
  try {
    const result = await replayRecords(records, options);
    report.end(result);
    return result.equal ? Exit.OK : Exit.FAILED;
  } catch (error) {
    if (io.signal.aborted) return Exit.FAILED;
    throw new Failure(`cannot replay ${file} at ${url}: ${explain(error)}`);
  } finally {
    if (output !== undefined && lines.length > 0) writeRecording(output, lines);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function optionsOf(given: Arguments, url: string, io: Io, report: Report): Mutable<ReplayOptions> {
  const seconds = given.number('timeout', 0, 86_400) ?? DEFAULT_TIMEOUT;
  return {
    url: readTarget(url),
    as: given.word('as', ['client', 'server']),
    timing: given.word('timing', ['original', 'asap', 'wait']),
    connection: given.integer('connection', 1, Number.MAX_SAFE_INTEGER),
    timeout: seconds * 1000,
    tls: { rejectUnauthorized: !given.has('insecure'), ...readCertificate(given) },
    signal: io.signal,
    onListening: (listening) => report.listening(listening),
  };
}

function writeRecording(file: string, lines: readonly string[]): void {
  try {
    writeFileSync(file, lines.join(''));
  } catch (error) {
    throw new Failure(`cannot write ${file}: ${explain(error)}`);
  }
}

/** What is printed. */
interface Report {
  listening(url: string): void;
  end(result: ReplayResult): void;
}

class JsonReport implements Report {
  private readonly io: Io;

  constructor(io: Io) {
    this.io = io;
  }

  listening(url: string): void {
    this.write({ type: 'listening', url });
  }

  end({ differences, ...result }: ReplayResult): void {
    for (const difference of differences) this.write({ type: 'difference', ...difference });
    this.write({ type: 'result', ...result, differences: differences.length });
  }

  private write(value: object): void {
    writeLine(this.io.stdout, JSON.stringify(value));
  }
}

class TextReport implements Report {
  private readonly io: Io;
  private readonly style: Style;

  constructor(io: Io, given: Arguments) {
    this.io = io;
    this.style = styleFor(given, io.stdout, io.env);
  }

  listening(url: string): void {
    writeLine(this.io.stdout, `listening on ${this.style.bold(url)}`);
  }

  end({ equal, differences, sent, planned, messages }: ReplayResult): void {
    const { style, io } = this;
    for (const difference of differences) {
      for (const line of this.describe(difference)) writeLine(io.stdout, line);
    }
    const verdict = equal
      ? style.green('equal')
      : style.red(count(differences.length, 'difference'));
    const parts = `${sent} of ${count(planned, 'part')} sent`;
    writeLine(io.stdout, `${verdict}: ${parts}, ${count(messages, 'message')} received`);
  }

  private describe({ kind, index, expected, received, timedOut }: ReplayDifference): string[] {
    const { style } = this;
    const name = kind === 'handshake' || kind === 'end' ? kind : `${kind} ${index + 1}`;
    const nothing = timedOut ? 'nothing in time' : 'nothing';
    return [
      style.bold(name),
      `  recorded  ${style.green(escapeControls(expected ?? 'nothing'))}`,
      `  received  ${style.red(escapeControls(received ?? nothing))}`,
    ];
  }
}
