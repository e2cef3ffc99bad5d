/** The dashboard of docs/examples, opened in a browser while clients come, go and read slowly. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { lackingBrowser, startBrowser } from '../support/browser.mjs';
import { within } from '../support/deadline.mjs';
import { result, skip } from '../support/results.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NAME = 'the dashboard in Chromium';
/** Where a picture of the page is written: `SCREENSHOT=docs/images/dashboard.png`. */
const { SCREENSHOT } = process.env;
/** The page plots two minutes. */
const SECONDS_OF_PICTURE = 75;

async function printedAddress(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const [address] = line.match(/http:\/\/[^\s/]+:\d+\//) ?? [];
    if (address) return address;
  }
  throw new Error('the program ended without printing its address');
}

async function withDashboard(use) {
  const child = spawn(process.execPath, ['docs/examples/dashboard/server.js', '--demo'], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    await use(await within(20_000, 'the dashboard starts', printedAddress(child)));
  } finally {
    child.kill();
    await within(3_000, 'the dashboard ends', exited);
  }
}

/** The numbers of the legends, by the title of their chart. */
function readLegends() {
  const sections = [...document.querySelectorAll('main section')];
  return Object.fromEntries(
    sections.map((section) => {
      const [, ...texts] = section.querySelector('p').textContent.split('● ');
      return [section.querySelector('h2').textContent, texts.map((text) => text.trim())];
    }),
  );
}

/** Whether each chart has a line that is not flat at the bottom. */
function hasLines() {
  return [...document.querySelectorAll('svg')].every((chart) =>
    [...chart.querySelectorAll('polyline')].some((line) => {
      const points = (line.getAttribute('points') ?? '').split(' ');
      return points.length >= 3 && points.some((point) => Number(point.split(',')[1]) < 90);
    }),
  );
}

async function openPage(address) {
  const context = await startBrowser();
  try {
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error));
    page.setDefaultTimeout(30_000);
    await page.setViewportSize({ width: 1100, height: 850 });
    await page.goto(address);
    await page.locator('#state', { hasText: 'live' }).waitFor();
    await page.waitForFunction(hasLines);
    const legends = await page.evaluate(readLegends);
    assert.match(legends.Connections[0], /^open [1-9]\d*$/);
    for (const text of legends['Messages per second']) assert.match(text, /^(received|sent) [1-9]/);
    assert.match(legends['Round-trip time'][0], /^median \d[\d.]* ms$/);
    assert.match(legends['Bytes that wait for slow peers'][0], /^all [1-9][\d.]* ?[kM]? B$/);
    assert.equal(await page.locator('#connections tr').count(), 10);
    if (SCREENSHOT) {
      await page.waitForTimeout(SECONDS_OF_PICTURE * 1000);
      await page.screenshot({ path: SCREENSHOT });
    }
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
  }
}

if (lackingBrowser) skip(NAME, lackingBrowser);
else await result(`${NAME}: plots live figures`, () => withDashboard(openPage));
