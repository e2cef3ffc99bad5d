/** puppeteer, which drives Chromium over its DevTools protocol: JSON in texts of any size. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import puppeteer from 'puppeteer-core';
import { lackingBrowser } from '../support/chromium.mjs';
import { within } from '../support/deadline.mjs';
import { withBrowser } from '../support/puppeteer.mjs';
import { result, skip } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

/** Every pixel by chance, so that a screenshot of it cannot be small. */
const paintNoise = () => {
  const canvas = document.createElement('canvas');
  document.body.replaceChildren(canvas);
  document.body.style.margin = '0';
  const { width, height } = Object.assign(canvas, { width: 1200, height: 900 });
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  for (let at = 0; at < image.data.length; at += 65_536) {
    crypto.getRandomValues(image.data.subarray(at, at + 65_536));
  }
  context.putImageData(image, 0, 0);
};

async function evaluates(browser) {
  const page = await browser.newPage();
  await page.setContent('<title>Grüße 🌍</title><p id="a">text</p>');
  assert.equal(await page.title(), 'Grüße 🌍');
  assert.equal(await page.$eval('#a', ({ textContent }) => textContent), 'text');
  await assert.rejects(
    page.evaluate(() => Promise.reject(new Error('as asked'))),
    /as asked/,
  );
  await page.close();
}

async function many(browser) {
  const pages = await Promise.all([browser.newPage(), browser.newPage()]);
  const numbers = Array.from({ length: 500 }, (_, at) => at);
  const doubled = await Promise.all(
    numbers.map((number) => pages[number % 2].evaluate((n) => 2 * n, number)),
  );
  assert.deepEqual(
    doubled,
    numbers.map((number) => 2 * number),
  );
  await Promise.all(pages.map((page) => page.close()));
}

async function large(browser) {
  const page = await browser.newPage();
  const text = randomBytes(3_000_000).toString('base64');
  assert.ok((await page.evaluate((given) => given, text)) === text);
  await page.close();
}

async function screenshot(browser) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1200, height: 900 });
  await page.evaluate(paintNoise);
  const bytes = Buffer.from(await page.screenshot({ type: 'png' }));
  assert.deepEqual(bytes.subarray(0, PNG.length), PNG);
  assert.ok(bytes.length > 1_000_000, `a screenshot of ${bytes.length} bytes`);
  await page.close();
}

/** Events of the network and the console, and requests that wait for our word. */
async function intercepts(browser) {
  const server = createServer((_, response) => response.end('<title>not this one</title>'));
  server.listen(0);
  await once(server, 'listening');
  const page = await browser.newPage();
  try {
    await page.setRequestInterception(true);
    page.on('request', (request) =>
      request.respond({ contentType: 'text/html', body: '<script>console.log("ran")</script>' }),
    );
    const said = new Promise((resolve) => page.once('console', resolve));
    await page.goto(`http://localhost:${server.address().port}/`);
    assert.equal((await within(5_000, 'a line on the console', said)).text(), 'ran');
  } finally {
    await page.close();
    server.closeAllConnections();
    server.close();
  }
}

async function connects(browser) {
  const second = await puppeteer.connect({ browserWSEndpoint: browser.wsEndpoint() });
  const page = await second.newPage();
  assert.equal(await page.evaluate(() => 6 * 7), 42);
  await page.close();
  const disconnected = new Promise((resolve) => second.once('disconnected', resolve));
  await second.disconnect();
  await within(5_000, 'disconnected', disconnected);
  assert.equal(second.connected, false);
  assert.equal(browser.connected, true);
}

async function refused() {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  const browserWSEndpoint = `ws://localhost:${port}/devtools/browser/none`;
  await assert.rejects(puppeteer.connect({ browserWSEndpoint }));
}

async function main() {
  await runsOn('puppeteer', 'puppeteer-core');
  await withBrowser(async (browser) => {
    const named = (title) => `puppeteer, ${title}`;
    const name = await browser.version();
    await result(named(`${name}: a page is filled and evaluated`), () => evaluates(browser));
    await result(named(`${name}: 500 evaluations at once, of two pages`), () => many(browser));
    await result(named(`${name}: 4 MB of text there and back`), () => large(browser));
    await result(named(`${name}: a screenshot of noise`), () => screenshot(browser));
    await result(named(`${name}: a request answered by us`), () => intercepts(browser));
    await result(named(`${name}: a second connection, which leaves`), () => connects(browser));
  });
  await result('puppeteer: connect() where nobody listens rejects', refused);
}

if (lackingBrowser) skip('puppeteer', lackingBrowser);
else await main();
