/**
 * Who is measured: one row per contender. Each server is a program of its own under servers/,
 * started afresh for every measurement; it prints one line of JSON (`port`, `version`) when it is
 * ready and ends when its standard input does.
 */
import { fileURLToPath } from 'node:url';

const node = (file) => ({
  command: process.execPath,
  script: fileURLToPath(new URL(`./servers/${file}`, import.meta.url)),
});

/** The contender that is being judged; the ratios are its figures over the others'. */
export const SUBJECT = 'ws6455';

export const CONTENDERS = [
  { name: SUBJECT, ...node('ws6455.mjs') },
  {
    name: 'ws',
    ...node('ws.mjs'),
    env: { WS_NO_BUFFER_UTIL: '1', WS_NO_UTF_8_VALIDATE: '1' },
  },
  /** Not a WebSocket server, but the most that one on `node:net` could reach. */
  { name: 'ceiling', ...node('ceiling.mjs') },
];
