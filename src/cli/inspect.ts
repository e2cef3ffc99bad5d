/** `ws6455 inspect`: a proxy in front of a server, and a page that shows its frames. */

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import {
  DEFAULT_PORT,
  type Inspector,
  type InspectorOptions,
  startInspector,
} from '../inspect/inspector.js';
import { formatRecord } from '../recording/read.js';
import type { Arguments } from './arguments.js';
import { type Command, type Io, interrupted } from './command.js';
import { Exit, Failure, UsageError } from './exit.js';
import { explain } from './explain.js';
import { isFile } from './files.js';
import { readRecords } from './input.js';
import { styleFor } from './style.js';
import { readTarget } from './target.js';
import { writeLine } from './text.js';
import { SOFTWARE } from './version.js';

export const inspect: Command = {
  synopsis: 'URL | FILE [options]',
  details: [
    'Clients connect to this program, and it connects to the server at URL. Bytes are forwarded unchanged, wrong ones too. A page shows both handshakes and every frame, holds frames, changes them, and breaks rules. Open the URL that is printed in a browser.',
    'FILE is a recording of this program or the HAR of a browser: the page shows it, and nothing is forwarded.',
  ],
  options: [
    {
      name: 'port',
      short: 'p',
      values: ['PORT'],
      description: `The port of clients and of the page; 0 for any free one. Default ${DEFAULT_PORT}.`,
    },
    {
      name: 'host',
      values: ['ADDRESS'],
      description:
        'The address to listen on; 0.0.0.0 or :: for all. Default 127.0.0.1. Whoever reaches it sees all frames.',
    },
    {
      name: 'insecure',
      short: 'k',
      description: 'Accept a certificate of the server that cannot be verified.',
    },
    {
      name: 'keep-host',
      description:
        'Send the field Host of the client. Default: that of URL, as a reverse proxy does.',
    },
    { name: 'json', description: 'Print each record, one JSON object a line.' },
    { name: 'record', values: ['FILE'], description: 'Write the recording to this file too.' },
  ],
  examples: [
    {
      command: 'ws6455 inspect ws://localhost:3000',
      meaning: 'connect your client to ws://localhost:8455, and open http://localhost:8455',
    },
    {
      command: 'ws6455 inspect wss://example.com/chat --record chat.jsonl',
      meaning: 'a server with TLS; the recording is for ws6455 replay',
    },
    { command: 'ws6455 inspect chat.jsonl', meaning: 'look at a recording' },
  ],
  maxPositionals: 1,
  run: runInspect,
};

async function runInspect(given: Arguments, io: Io): Promise<number> {
  const [subject] = given.positionals;
  if (subject === undefined) throw new UsageError('inspect needs the URL of a server, or a file');
  const isJson = given.has('json');
  const shown = await subjectOf(subject, io);
  const output = outputOf(given.text('record'));
  const inspector = await start({
    ...shown,
    ...optionsOf(given),
    onRecord: (record) => {
      if (isJson) writeLine(io.stdout, JSON.stringify(record));
      output?.add(formatRecord(record));
    },
  });
  await output?.open(io).catch(async (error) => {
    await inspector.close();
    throw error;
  });
  const style = styleFor(given, io.stdout, io.env);
  const purpose = shown.target === undefined ? '' : ', and connect clients to it';
  const line = `inspector on ${style.bold(inspector.url)}: open it in a browser${purpose}`;
  writeLine(isJson ? io.stderr : io.stdout, line);
  await interrupted(io);
  await inspector.close();
  await output?.end();
  return Exit.OK;
}

/** What is meant as a file, although the host `chat.jsonl` could be meant. */
const FILE_NAME = /^[./]|^[^:]*\.(?:har|json|jsonl)$/;

/** What is shown: the records of a file, or the connections to a server. */
async function subjectOf(
  subject: string,
  io: Io,
): Promise<Pick<InspectorOptions, 'target' | 'records'>> {
  if (isFile(subject) || FILE_NAME.test(subject)) {
    return { records: await readRecords(subject, io) };
  }
  return { target: readTarget(subject) };
}

function optionsOf(given: Arguments): InspectorOptions {
  return {
    port: given.integer('port', 0, 65_535) ?? DEFAULT_PORT,
    host: given.text('host'),
    insecure: given.has('insecure'),
    keepHost: given.has('keep-host'),
    software: SOFTWARE,
  };
}

/** Starts an inspector. @throws Failure if it cannot listen */
export async function start(options: InspectorOptions): Promise<Inspector> {
  try {
    return await startInspector(options);
  } catch (error) {
    throw new Failure(`cannot listen on port ${options.port}: ${explain(error)}`);
  }
}

/**
 * The file of --record. It is opened when nothing can fail any more: the file may have another recording,
 * or be the one that is shown.
 */
class RecordFile {
  private readonly path: string;
  private early: string[] = [];
  private stream: WriteStream | undefined;

  constructor(path: string) {
    this.path = path;
  }

  add(line: string): void {
    if (this.stream === undefined) this.early.push(line);
    else if (this.stream.writable) this.stream.write(line);
  }

  /** @throws Failure */
  async open(io: Io): Promise<void> {
    const stream = createWriteStream(this.path);
    const describe = (error: unknown): string => `cannot write ${this.path}: ${explain(error)}`;
    try {
      await once(stream, 'open');
    } catch (error) {
      throw new Failure(describe(error));
    }
    stream.on('error', (error) => writeLine(io.stderr, `ws6455: ${describe(error)}`));
    this.stream = stream;
    for (const line of this.early.splice(0)) stream.write(line);
  }

  /** Resolves when all is written. */
  async end(): Promise<void> {
    const { stream } = this;
    if (stream === undefined || stream.destroyed) return;
    stream.end();
    await once(stream, 'close');
  }
}

function outputOf(path: string | undefined): RecordFile | undefined {
  return path === undefined ? undefined : new RecordFile(path);
}
