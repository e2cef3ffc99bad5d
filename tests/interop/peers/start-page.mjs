/** What a newcomer does first: `npm start`, open the page, connect, send, read the answer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { lackingBrowser, startBrowser } from '../support/browser.mjs';
import { within } from '../support/deadline.mjs';
import { result, skip } from '../support/results.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NAME = "npm start's page in Chromium";

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return `${port}`;
}

/** Resolves to the server's address once it has printed it. */
async function printedAddress(child, port) {
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes(`:${port}`)) return `http://127.0.0.1:${port}/`;
  }
  throw new Error('npm start ended without printing its address');
}

/** npm, its shell and the server are one process group, which is ended together. */
async function withServer(use) {
  const port = await freePort();
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    detached: true,
    env: { ...process.env, PORT: port },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    await use(await within(40_000, 'npm start', printedAddress(child, port)));
  } finally {
    if (child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    await within(3_000, 'npm start ends', exited);
  }
}

async function tryPage(address) {
  const context = await startBrowser();
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    await page.goto(address);
    await page.click('#connect');
    await page.fill('#text', 'Grüße 🌍');
    await page.click('#send:enabled');
    await page.locator('#log', { hasText: 'ECHO: Grüße 🌍' }).waitFor();
  } finally {
    await context.close();
  }
}

if (lackingBrowser) skip(NAME, lackingBrowser);
else await result(`${NAME}: connects, sends and shows the answer`, () => withServer(tryPage));
