/** `ws6455 connect`: a client for terminals and pipes. */

import type { Arguments } from './arguments.js';
import { clientOptionsOf, recordingConnector, subprotocolsOf } from './client-options.js';
import { ClientSession } from './client-session.js';
import type { Command, Io } from './command.js';
import { type Display, InteractiveDisplay, JsonDisplay, PipeDisplay } from './display.js';
import { Failure, UsageError } from './exit.js';
import { explain } from './explain.js';
import { sendInput } from './send-input.js';
import { readTarget } from './target.js';

export const connect: Command = {
  synopsis: 'URL [options]',
  details: [
    'URL is a ws:, wss:, http: or https: URL; localhost:8080 and :8080 are ws://localhost:8080/.',
    'On a terminal each line is sent as a text message, and lines that begin with a slash are commands: /help lists them. Otherwise each line of standard input is sent as a text message, and each message that is received is printed as a line, binary ones in hexadecimal digits.',
    'The exit code is 0 if this end closed the connection, or the server did with 1000, 1001 or no code.',
  ],
  options: [
    {
      name: 'header',
      short: 'H',
      values: ["'NAME: VALUE'"],
      multiple: true,
      description: 'A header field for the request. May be repeated.',
    },
    {
      name: 'subprotocol',
      short: 's',
      values: ['NAME'],
      multiple: true,
      description: 'A subprotocol to ask for. May be repeated.',
    },
    { name: 'origin', short: 'o', values: ['ORIGIN'], description: 'The Origin of the request.' },
    {
      name: 'insecure',
      short: 'k',
      description: 'Accept any certificate, such as a self-signed one.',
    },
    { name: 'no-compress', description: 'Do not offer permessage-deflate.' },
    {
      name: 'timeout',
      values: ['SECONDS'],
      description: 'How long the opening handshake may take; 0 for ever. Default 30.',
    },
    {
      name: 'execute',
      short: 'x',
      values: ['TEXT'],
      multiple: true,
      description: 'Send this message in place of standard input. May be repeated.',
    },
    {
      name: 'binary',
      short: 'b',
      description:
        'Send standard input as one binary message, and print the bytes of messages as they are.',
    },
    {
      name: 'wait',
      short: 'w',
      values: ['SECONDS'],
      description:
        'At the end of input: close when no message has come for this time; "forever": leave that to the server. Default 0.5.',
    },
    {
      name: 'trace',
      short: 't',
      description: 'Print both handshakes and the header of each frame, on standard error.',
    },
    { name: 'json', description: 'Print a recording (JSON Lines) in place of messages.' },
  ],
  examples: [
    { command: 'ws6455 connect localhost:8080', meaning: 'type messages' },
    {
      command: 'echo hi | ws6455 connect ws://localhost:8080/',
      meaning: 'send one, print the answer',
    },
    {
      command: "ws6455 connect wss://example.com/ -H 'Cookie: id=7' -s chat --trace",
      meaning: 'see each frame',
    },
    {
      command: 'ws6455 connect :8080 -x hi --json | ws6455 decode -',
      meaning: 'explain each frame',
    },
  ],
  maxPositionals: 1,
  run: runConnect,
};

async function runConnect(given: Arguments, io: Io): Promise<number> {
  const [target] = given.positionals;
  if (target === undefined) {
    throw new UsageError('connect needs a URL, such as ws://localhost:8080/');
  }
  const url = readTarget(target);
  const options = clientOptionsOf(given);
  const subprotocols = subprotocolsOf(given);
  const input = sendInput(given, io);
  const display = displayFor(given, io);
  const { recorder } = display;
  const session = new ClientSession(
    url,
    subprotocols,
    {
      ...options,
      ...(recorder && { createConnection: recordingConnector(url, recorder) }),
    },
    display,
    io.signal,
  );
  await session.opened;
  display.start(session);
  if (!display.readsInput) {
    input(session).catch((error: unknown) => {
      session.fail(new Failure(`cannot read standard input: ${explain(error)}`));
    });
  }
  return session.closed;
}

function displayFor(given: Arguments, io: Io): Display {
  if (given.has('json')) return new JsonDisplay(io);
  const isInteractive =
    io.stdin.isTTY && io.stdout.isTTY && !given.has('execute') && !given.has('binary');
  return isInteractive ? new InteractiveDisplay(given, io) : new PipeDisplay(given, io);
}
