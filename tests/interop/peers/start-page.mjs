/** What a newcomer does first: `npm start`, open the page, connect, send, read the answer and its bits. */
import assert from 'node:assert/strict';
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

/** Resolves to the page's address once the server has printed it. */
async function printedAddress(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const [address] = line.match(/http:\/\/[^\s/]+:\d+\//) ?? [];
    if (address) return address;
  }
  throw new Error('npm start ended without printing its address');
}

/** npm, its shell and the server are one process group, which is ended together. */
async function withServer(use) {
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    detached: true,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    await use(await within(60_000, 'npm start', printedAddress(child)));
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
    await page.locator('body:not(.offline)').waitFor();
    await page.click('#open');
    await page.locator('.chip.open').waitFor();
    await page.fill('#message', 'Grüße 🌍');
    await page.click('#send');
    await page.locator('.row.text.server', { hasText: 'Grüße 🌍' }).waitFor();
  } finally {
    await context.close();
  }
}

/** Runs the demonstration on a port that somebody has: it must say so in one line, and leave. */
async function tryTakenPort() {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address();
  const child = spawn(process.execPath, ['dist/cli/main.js', 'demo'], {
    cwd: ROOT,
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  try {
    const [code] = await within(10_000, 'the server leaves', once(child, 'close'));
    assert.equal(code, 1);
    assert.match(said, new RegExp(`^[^\\n]*${port}[^\\n]*in use[^\\n]*\\n$`));
  } finally {
    child.kill();
    holder.close();
  }
}

if (lackingBrowser) skip(NAME, lackingBrowser);
else await result(`${NAME}: connects, sends and shows the answer`, () => withServer(tryPage));
await result('npm start with a taken port: one line, exit code 1', tryTakenPort);
