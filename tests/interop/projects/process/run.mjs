/** Runs each case of `cases.mjs` in a process of its own, as client and as server of a raw peer. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { within } from '../../support/deadline.mjs';
import { result } from '../../support/results.mjs';
import { CASES } from './cases.mjs';
import { connectRaw, listenRaw } from './peer.mjs';

const TIMEOUT = 10_000;

function start(setting) {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('child.mjs', import.meta.url)), JSON.stringify(setting)],
    // Several cases end by an error, whose stack is no result.
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return { child, exit: once(child, 'exit') };
}

/** The process is a client of the raw peer: `{ child, exit, peer }`. */
async function asClient(title) {
  const server = await listenRaw();
  const started = start({ title, role: 'client', port: server.port });
  const close = () => server.close();
  return { ...started, close, peer: server.peer };
}

async function asServer(title) {
  const started = start({ title, role: 'server' });
  const [port] = await once(createInterface({ input: started.child.stdout }), 'line');
  return { ...started, close: () => {}, peer: connectRaw(Number(port)) };
}

/** What arrived, once the process is done with it. */
async function framesOf({ peer, exit }, { all, goesOn }) {
  const raw = await peer;
  raw.go();
  if (goesOn) await raw.arrived(all.length);
  else await Promise.all([raw.ended.promise, exit]);
  return raw.frames();
}

async function check(open, title) {
  const { all, sent = all, surely = sent.length } = CASES[title];
  const started = await open(title);
  try {
    const frames = await within(TIMEOUT, title, framesOf(started, CASES[title]));
    assert.deepEqual(frames, sent.slice(0, Math.max(frames.length, surely)));
  } finally {
    started.child.kill('SIGKILL');
    started.close();
  }
}

for (const title of Object.keys(CASES)) {
  await result(`process: client: ${title}`, () => check(asClient, title));
  await result(`process: server: ${title}`, () => check(asServer, title));
}
