/**
 * Draws the pictures of the inspector for the documents: `node tests/interop/screenshots.mjs [folder]`.
 * Needs a build and Chromium.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  encodeFrame,
  endBrowser,
  openFromPage,
  openRow,
  sendFromPage,
  WebSocket,
  withInspector,
} from './support/inspector.mjs';
import { shrink } from './support/png.mjs';

const FOLDER = process.argv[2] ?? fileURLToPath(new URL('../../docs/images', import.meta.url));

async function picture(page, name) {
  const png = shrink(await page.screenshot({ animations: 'disabled' }));
  writeFileSync(`${FOLDER}/${name}.png`, png);
  console.log(`${name}.png: ${png.length} bytes`);
}

/** A conversation with everything that the list can show. */
async function talk(page, inspector) {
  await openFromPage(page);
  await sendFromPage(page, 'Hello');
  const socket = new WebSocket(`${inspector.url.replace('http', 'ws')}chat`, {
    perMessageDeflate: true,
  });
  socket.on('error', () => {}); // the last frame breaks a rule
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send('in three ', { fin: false });
  socket.send('fragments, ', { fin: false });
  socket.ping('beat');
  socket.send('with a Ping between them');
  socket.send('compressed '.repeat(40));
  socket.send(Buffer.from('0001020304ff', 'hex'));
  await page.locator('.row.binary.server').waitFor();
  socket._socket.write(encodeFrame({ payload: 'nobody masked this' }));
  await page.locator('.row.end').nth(1).waitFor();
  await page.locator('#list').hover();
}

async function light({ page, inspector }) {
  await talk(page, inspector);
  await openRow(page, '.row.text.client');
  await page.locator('.figure').waitFor();
  await picture(page, 'inspector');
  await page.evaluate(() => document.documentElement.setAttribute('data-theme', 'dark'));
  await page.setViewportSize({ width: 1200, height: 800 });
  await openRow(page, '.row.close');
  await page.click('#ladder-tab');
  await page.locator('.legend').waitFor();
  await page.locator('#pane').evaluate((pane) => pane.scrollTo(0, pane.scrollHeight));
  await page.mouse.move(0, 0);
  await picture(page, 'inspector-dark');
}

async function rules({ page }) {
  const rule = page.locator('.rule', { hasText: 'MASK must be set' });
  await rule.locator('button').click();
  await page.locator('.rule.right').waitFor();
  await rule.evaluate((card) => card.scrollIntoView({ block: 'end' }));
  await page.locator('#break').evaluate((view) => view.scrollBy(0, 24));
  await page.mouse.move(0, 0);
  await picture(page, 'break-a-rule');
}

async function phone({ page }) {
  await openFromPage(page);
  await sendFromPage(page, 'Hello');
  await openRow(page, '.row.text.client');
  await page.locator('.masking').waitFor();
  await page.mouse.move(0, 0);
  await picture(page, 'inspector-phone');
}

await withInspector(light, { size: [1200, 900] });
await withInspector(rules, { path: '#break' });
await withInspector(phone, { size: [360, 720] });
await endBrowser();
