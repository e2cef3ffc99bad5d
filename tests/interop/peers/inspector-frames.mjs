/** The inspector's page in a browser: frames are held and changed, rules are broken, peers are gone. */
import assert from 'node:assert/strict';
import { lackingBrowser } from '../support/browser.mjs';
import {
  endBrowser,
  openFromPage,
  openRow,
  sendFromPage,
  startEchoServer,
  withInspector,
} from '../support/inspector.mjs';
import { result, skip } from '../support/results.mjs';

const NAME = "the inspector's page in Chromium";

/** Sends a text while frames of the client are held. */
async function holdOne(page, text) {
  await openFromPage(page);
  await page.selectOption('#hold', 'client');
  await page.fill('#message', text);
  await page.click('#send');
  await page.locator('.held .result').waitFor();
}

const rule = (page) => page.locator('.verdict').innerText();

async function releaseAndDrop({ page }) {
  await holdOne(page, 'wait');
  assert.equal(await page.locator('#held-count').innerText(), '1');
  assert.equal(await page.locator('.row.text').count(), 0);
  await page.getByRole('button', { name: 'Release', exact: true }).click();
  await page.locator('.row.text.server', { hasText: 'wait' }).waitFor();
  await page.fill('#message', 'never');
  await page.click('#send');
  await page.locator('.held').waitFor();
  await page.getByRole('button', { name: 'Drop' }).click();
  await page.locator('.held').waitFor({ state: 'detached' });
  for (const text of ['first', 'second']) {
    await page.fill('#message', text);
    await page.click('#send');
  }
  await page.locator('#release-all').click();
  await page.locator('.row.text.server', { hasText: 'second' }).waitFor();
  assert.equal(await page.locator('.row.text', { hasText: 'never' }).count(), 0);
}

/** Another payload, opcode, key and length form: the bytes are shown before they are sent. */
async function changeFrame({ page }) {
  await holdOne(page, 'Hello');
  const bytes = page.locator('.held .result');
  await page.getByLabel('Masking key').fill('37 fa 21 3d');
  assert.equal(await bytes.innerText(), '81 85 37 fa 21 3d 7f 9f 4d 51 58'); // RFC 6455 §5.7
  await page.getByLabel('Masking key').fill('37 fa');
  assert.equal(await page.getByRole('button', { name: 'Release changed' }).isEnabled(), false);
  await page.getByLabel('Masking key').fill('00000000');
  await page.locator('.editor').getByLabel('Payload', { exact: true }).fill('Bye');
  await page.getByLabel('Opcode').selectOption('2');
  assert.equal(await bytes.innerText(), '82 83 00 00 00 00 42 79 65');
  assert.equal(await rule(page), 'The header breaks no rule.');
  await page.getByLabel('Length form').selectOption('16');
  assert.equal(await bytes.innerText(), '82 fe 00 03 00 00 00 00 42 79 65');
  assert.match(await rule(page), /not in its shortest form: close code 1002\. RFC 6455 §5\.2/);
  await page.getByLabel('Length form').selectOption('7');
  await page.getByRole('button', { name: 'Release changed' }).click();
  await page.locator('.row.binary.server', { hasText: '42 79 65' }).waitFor();
  await openRow(page, '.row.binary.client');
  await page.locator('.facts', { hasText: 'the sender sent 81 85' }).waitFor();
}

/** A reserved bit ends the connection. */
async function breakHeldFrame({ page }) {
  await holdOne(page, 'Hello');
  await page.getByLabel('RSV2').check();
  assert.match(await rule(page), /RSV2 and RSV3 must be clear: close code 1002/);
  await page.getByRole('button', { name: 'Release changed' }).click();
  await page.locator('.row.close.server', { hasText: '1002 protocol error' }).waitFor();
  await page.locator('.row.text.client.bad').waitFor();
  await page.selectOption('#hold', 'none'); // the browser's answer was held too
  await page.locator('.row.end').nth(1).waitFor();
  await openRow(page, '.row.text.client.bad');
  await page.click('#ladder-tab');
  await page.locator('.state.FAILED').first().waitFor();
  const summary = await page.locator('.summary').innerText();
  assert.match(summary, /^The server failed the connection with 1002 \(protocol error\): .*RSV2/);
  await page.click('#detail-tab');
  await page.locator('.violation', { hasText: 'WS_ERR_UNEXPECTED_RSV_2_3' }).waitFor();
}

async function breakAllRules({ page }) {
  const impossible = await page.locator('.rule:not(:has(button))').count();
  const all = await page.locator('.rule').count();
  assert.ok(all - impossible > 30, `${all - impossible} rules have a button`);
  await page.click('#break-all');
  await page.locator('#break-all:enabled').waitFor({ timeout: 60_000 });
  assert.deepEqual(await page.locator('.rule.wrong').allInnerTexts(), []);
  const summary = await page.locator('#break-summary').innerText();
  assert.equal(summary, `${all - impossible} of ${all - impossible} as expected`);
  const unmasked = await page.locator('#rule-EXPECTED_MASK .outcome').textContent();
  assert.match(unmasked, /81 05 48 65 6c 6c 6f/);
  assert.match(unmasked, /1002/);
}

/** The target is a server of ours: it refuses what our own server refuses. */
async function breakRuleAtTarget({ page }) {
  await page.selectOption('#break-at', 'target');
  await page.locator('#rule-EXPECTED_MASK button').click();
  await page.locator('#rule-EXPECTED_MASK.right').waitFor();
  assert.equal(await page.locator('#rule-UNEXPECTED_MASK button').isEnabled(), false);
}

async function loseTarget({ page, server }) {
  await openFromPage(page);
  await page.locator('#status.reachable', { hasText: '1 connection open' }).waitFor();
  await server.end();
  await page.locator('.chip.closed').waitFor();
  await page.click('#open');
  await page.locator('#status.unreachable', { hasText: 'ECONNREFUSED' }).waitFor();
  const again = await startEchoServer(server.port);
  await openFromPage(page);
  await page.locator('#status.reachable').waitFor();
  await sendFromPage(page, 'back');
  await again.end();
}

/** The page says that the inspector is gone, and begins anew when it is back. */
async function loseInspector({ page, inspector, restart }) {
  await openFromPage(page);
  await sendFromPage(page, 'before');
  await inspector.close();
  await page.locator('#offline').waitFor();
  await page.locator('.row', { hasText: 'before' }).first().waitFor(); // can still be read
  await restart();
  await page.locator('#offline').waitFor({ state: 'hidden' });
  await page.locator('.row', { hasText: 'before' }).first().waitFor({ state: 'hidden' });
  await openFromPage(page);
  await sendFromPage(page, 'after');
}

const COUNT = 100_000;

/** Runs in the page: scrolls through the whole list, and measures each animation frame. */
async function scrollThrough() {
  const list = document.getElementById('list');
  const steps = 120;
  let longest = 0;
  let last = performance.now();
  for (let step = 0; step <= steps; step += 1) {
    list.scrollTop = (list.scrollHeight * step) / steps;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return { longest: Math.round(longest), rows: document.querySelectorAll('.row').length };
}

/** Runs in the page: collects the tasks of more than 50 ms. */
function observeLongTasks() {
  window.longTasks = [];
  new PerformanceObserver((entries) => {
    for (const { duration } of entries.getEntries()) window.longTasks.push(Math.round(duration));
  }).observe({ type: 'longtask' });
}

const longestTask = async (page) =>
  Math.max(0, ...(await page.evaluate('window.longTasks.splice(0)')));

async function showManyFrames({ page }) {
  page.setDefaultTimeout(60_000);
  await page.evaluate(observeLongTasks);
  await openFromPage(page, '/flood');
  await page.fill('#message', String(COUNT));
  await page.click('#send');
  await page.locator('#count', { hasText: `${COUNT + 4} of` }).waitFor();
  const arriving = await longestTask(page);
  await page.locator('.row', { hasText: `message ${COUNT - 1}` }).waitFor();
  const { longest, rows } = await page.evaluate(scrollThrough);
  const scrolling = await longestTask(page);
  await page.fill('#search', '9999');
  await page.locator('#count', { hasText: /^19 of/ }).waitFor();
  const filtering = await longestTask(page);
  await page.fill('#search', '');
  await page.locator('#count', { hasText: `${COUNT + 4} of` }).waitFor();
  await page.focus('#list');
  await page.keyboard.press('Home');
  await page.locator('.row[aria-selected=true]', { hasText: 'TCP' }).waitFor();
  assert.equal(await page.getAttribute('#follow', 'aria-pressed'), 'false');
  await page.click('#ladder-tab');
  await page.locator('.gap').waitFor();
  const figures =
    `${rows} rows are elements; longest task ${arriving} ms while they arrive, ${scrolling} ms ` +
    `while scrolling, ${filtering} ms while filtering; longest animation frame ${longest} ms`;
  console.log(figures);
  assert.ok(rows < 100, `${rows} rows are elements`);
  assert.ok(scrolling < 250 && filtering < 250, figures);
}

/** Who scrolls up stays there, whatever arrives. */
async function stayInPlace({ page }) {
  await openFromPage(page, '/flood');
  await page.fill('#message', '500');
  await page.click('#send');
  await page.locator('.row', { hasText: 'message 499' }).waitFor();
  await page.locator('#list').hover();
  await page.mouse.wheel(0, -3000);
  await page.locator('#follow[aria-pressed=false]').waitFor();
  const before = await page.evaluate(() => document.getElementById('list').scrollTop);
  await openFromPage(page);
  await page.locator('#count', { hasText: '507' }).waitFor();
  assert.equal(await page.evaluate(() => document.getElementById('list').scrollTop), before);
  await page.locator('#list').hover();
  await page.mouse.wheel(0, 100_000);
  await page.locator('#follow[aria-pressed=true]').waitFor();
}

const CASES = [
  ['holds frames, releases and drops them', releaseAndDrop],
  ['changes a held frame', changeFrame],
  ['breaks a rule with a held frame', breakHeldFrame],
  ['breaks each rule at the own server', breakAllRules, { path: '#break' }],
  ['breaks a rule at the target', breakRuleAtTarget, { path: '#break' }],
  ['shows that the target is gone, and back', loseTarget],
  ['outlives the inspector', loseInspector],
  ['stays where the user has scrolled to', stayInPlace],
  [`is smooth at ${COUNT} frames`, showManyFrames],
];

if (lackingBrowser) skip(NAME, lackingBrowser);
else {
  const chosen = process.argv[2] ?? '';
  for (const [name, use, options] of CASES.filter(([title]) => title.includes(chosen))) {
    await result(`${NAME}: ${name}`, () => withInspector(use, options));
  }
  await endBrowser();
}
