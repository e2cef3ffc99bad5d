/** What a newcomer does first: `npm start`, open the page, connect, send, read the answer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
    await use(await within(40_000, 'npm start', printedAddress(child)));
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
