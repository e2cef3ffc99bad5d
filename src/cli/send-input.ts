/** What `ws6455 connect` sends without a terminal: --execute, or standard input. */

import { Buffer } from 'node:buffer';
import { createInterface } from 'node:readline';
import type { Arguments } from './arguments.js';
import type { ClientSession } from './client-session.js';
import type { Input, Io } from './command.js';

const DEFAULT_WAIT = 0.5;

const MAX_WAIT = 86_400;

/** Returns what sends the input on a connection. @throws UsageError for a wrong --wait */
export function sendInput(
  given: Arguments,
  { stdin }: Io,
): (session: ClientSession) => Promise<void> {
  const wait = waitOf(given);
  const texts = given.all('execute');
  const isBinary = given.has('binary');
  return async (session) => {
    if (given.has('execute')) await sendTexts(session, texts);
    else if (isBinary) await sendBytes(session, stdin);
    else
      await sendTexts(
        session,
        createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY }),
      );
    if (session.isOpen && wait !== 'forever') await session.closeWhenQuiet(wait * 1000);
  };
}

function waitOf(given: Arguments): number | 'forever' {
  if (given.text('wait') === 'forever') return 'forever';
  return given.number('wait', 0, MAX_WAIT) ?? DEFAULT_WAIT;
}

/** Waits for each write, so that a fast input does not fill the memory. */
async function sendTexts(
  session: ClientSession,
  texts: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  for await (const text of texts) {
    if (!session.isOpen) return;
    await session.send(text, { binary: false });
  }
}

/** RFC 6455 §5.4: all input is one message; it is fragmented if it comes in several chunks. */
async function sendBytes(session: ClientSession, stdin: Input): Promise<void> {
  let last: Buffer | undefined;
  for await (const chunk of stdin) {
    if (!session.isOpen) return;
    if (last !== undefined) await session.send(last, { binary: true, fin: false });
    last = chunk as Buffer; // no encoding is set
  }
  await session.send(last ?? Buffer.alloc(0), { binary: true });
}
