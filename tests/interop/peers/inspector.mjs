/** The inspector's page in a browser: what somebody does who wants to see what is on the wire. */
import assert from 'node:assert/strict';
import { lackingBrowser } from '../support/browser.mjs';
import { lowContrast } from '../support/contrast.mjs';
import {
  endBrowser,
  openFromPage,
  openRow,
  sendFromPage,
  WebSocket,
  waitForInspector,
  withInspector,
} from '../support/inspector.mjs';
import { result, skip } from '../support/results.mjs';

const NAME = "the inspector's page in Chromium";

const texts = (page, selector) => page.locator(selector).allInnerTexts();
const visibleRows = (page) => page.locator('.row:not([hidden])');

/** Waits until exactly so many rows are shown. */
const waitForRows = (page, count) =>
  page.waitForFunction(
    (wanted) => document.querySelectorAll('.row:not([hidden])').length === wanted,
    count,
  );

async function talkOfHello(page) {
  await openFromPage(page);
  await sendFromPage(page, 'Hello');
}

const bitsOf = (page, field) =>
  page
    .locator(`.cell[data-field="${field}"] .bits`)
    .evaluateAll((cells) => cells.map((cell) => cell.textContent).join(''));

async function readHello({ page }) {
  await talkOfHello(page);
  await openRow(page, '.row.text.client');
  await page.locator('.figure').waitFor();
  const bytes = (await texts(page, '.byte')).join('');
  assert.match(bytes, /^8185[\da-f]{18}$/);
  assert.equal(await bitsOf(page, 'FIN'), '1');
  assert.equal(await bitsOf(page, 'opcode'), '0001');
  assert.equal(await bitsOf(page, 'MASK'), '1');
  assert.equal(await bitsOf(page, 'Payload len'), '0000101');
  const key = Number.parseInt(bytes.slice(4, 12), 16).toString(2).padStart(32, '0');
  assert.equal(await bitsOf(page, 'Masking-key'), key);
  assert.equal((await texts(page, '.masking .character')).join(''), 'Hello');
  assert.equal((await texts(page, '.masking .plain')).join(''), '48656c6c6f');
  assert.equal(await page.locator('.message').innerText(), 'Hello');
  await openRow(page, '.row.text.server');
  await page.waitForFunction(() => document.querySelectorAll('.byte').length === 7);
  assert.equal((await texts(page, '.byte')).join(' '), '81 05 48 65 6c 6c 6f');
  assert.equal(await page.locator('.masking').count(), 0);
}

async function lightFields({ page }) {
  await talkOfHello(page);
  await openRow(page, '.row.text.client');
  await page.hover('.fields tr[data-field="Masking-key"]');
  await page.locator('.byte.lit').nth(3).waitFor();
  assert.equal(await page.locator('.byte.lit').count(), 4);
  assert.equal(await page.locator('.cell.lit').count(), 2);
  await page.focus('.fields tr[data-field="FIN"]');
  await page.locator('.cell.lit.field-fin').waitFor();
  assert.equal((await texts(page, '.byte.lit')).join(), '81');
}

async function readHandshake({ page }) {
  await openFromPage(page);
  await openRow(page, '.row.handshake.client');
  const request = await page.locator('.lines').innerText();
  assert.match(request, /GET \/echo HTTP\/1\.1/);
  const key = /Sec-WebSocket-Key: (\S+)/.exec(request)?.[1];
  await openRow(page, '.row.handshake.server');
  const formula = await page.locator('.formula').innerText();
  assert.ok(formula.includes(key) && formula.includes('258EAFA5-E914-47DA-95CA-C5AB0DC85B11'));
  const accept = /Sec-WebSocket-Accept: (\S+)/.exec(await page.locator('.lines').innerText())?.[1];
  assert.ok(accept && formula.endsWith(accept), `${formula} gives ${accept}`);
}

async function readLadder({ page }) {
  await talkOfHello(page);
  await page.fill('#close-code', '4321');
  await page.fill('#close-reason', 'seen enough');
  await page.click('#close');
  await page.locator('.row.end').nth(1).waitFor();
  await openRow(page, '.row.close');
  await page.click('#ladder-tab');
  const summary = await page.locator('.summary').innerText();
  assert.match(summary, /^The client began the closing handshake with 4321/);
  assert.match(summary, /The server ended TCP first/);
  assert.deepEqual(await texts(page, '.state.of-client:not(.same)'), [
    ...['OPEN', 'CLOSE_SENT', 'DONE', 'ENDED', 'CLOSED'],
  ]);
  assert.deepEqual(await texts(page, '.state.of-server:not(.same)'), [
    ...['OPEN', 'PEER_CLOSED', 'ENDED', 'CLOSED'],
  ]);
}

async function seeFragments({ page, inspector }) {
  const socket = new WebSocket(`${inspector.url.replace('http', 'ws')}chat`);
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send('one ', { fin: false });
  socket.ping('between');
  socket.send('two', { fin: true });
  socket.send('repeat '.repeat(50));
  await page.locator('.row.pong.server').waitFor();
  await page.locator('.row.text.server').nth(1).waitFor();
  socket.terminate();
  const places = await page
    .locator('.row.client:is(.text, .ping, .continuation) .lanes .client')
    .evaluateAll((lanes) => lanes.map(({ className }) => className.replace('client', '').trim()));
  assert.deepEqual(places.sort(), ['', 'first', 'last', 'through']);
  assert.match(
    await page.locator('.row.pong.server .remark').innerText(),
    /^round trip [\d.]+ ms$/,
  );
  const compressed = page.locator('.row.text.client:has(.RSV1)').last();
  assert.match(await compressed.locator('.size').innerText(), /^\d+ ⇒ 350 B$/);
  await compressed.click();
  await page.locator('.message', { hasText: 'repeat repeat' }).waitFor();
  assert.match(await page.locator('.facts').innerText(), /350 B, inflated: \d+ % saved/);
}

async function filterRecords({ page }) {
  await talkOfHello(page);
  await sendFromPage(page, 'second');
  await waitForRows(page, 7);
  const expectRows = async (query, count) => {
    await page.fill('#search', query);
    await waitForRows(page, count);
  };
  await expectRows('hello', 2);
  await expectRows('hex:81 hex:48656c6c6f', 1);
  await expectRows('-type:text', 3);
  await expectRows('nobody said this', 0);
  await page.locator('#empty', { hasText: 'No record passes the filter.' }).waitFor();
  await expectRows('', 7);
  await page.selectOption('#filter-from', 'server');
  await waitForRows(page, 3);
  await page.selectOption('#filter-type', 'text');
  await waitForRows(page, 2);
  await page.check('#only-violations');
  await waitForRows(page, 0);
  await page.uncheck('#only-violations');
  await sendFromPage(page, 'third'); // what comes later is filtered too
  await waitForRows(page, 3);
  assert.equal(await page.locator('#count').innerText(), '3 of 9');
}

async function useKeyboard({ page }) {
  await talkOfHello(page);
  const selected = page.locator('.row[aria-selected=true]:not([hidden])');
  const press = (key) => page.keyboard.press(key);
  await page.focus('#list');
  await press('Home');
  await selected.filter({ hasText: 'TCP' }).waitFor();
  for (const key of ['j', 'ArrowDown', 'j']) await press(key);
  await selected.filter({ hasText: 'MASK' }).waitFor();
  await page.locator('.figure').waitFor();
  await press('k');
  await selected.filter({ hasText: 'response' }).waitFor();
  const active = await page.getAttribute('#list', 'aria-activedescendant');
  assert.equal(await selected.getAttribute('id'), active);
  await press('Escape');
  assert.equal(await page.locator('#pane').isVisible(), false);
  await press('Enter');
  assert.equal(await page.locator('#pane').isVisible(), true);
  await press('/');
  await page.keyboard.type('jkp');
  assert.equal(await page.inputValue('#search'), 'jkp');
  await page.fill('#search', '');
  await press('Escape');
  await press('p');
  await page.locator('#pause[aria-pressed=true]').waitFor();
  await page.evaluate(() => document.getElementById('send-form').requestSubmit());
  await page.locator('#pause', { hasText: /Resume \(\d/ }).waitFor();
  await page.focus('#list');
  await press('p');
  await page.locator('.row.text.server').nth(0).waitFor();
  await press('h');
  assert.equal(await page.inputValue('#hold'), 'both');
  await press('h');
  await press('?');
  await page.locator('#keys[open]').waitFor();
  await press('Escape');
  assert.equal(await page.locator('#keys[open]').count(), 0);
  await press('End');
  await page.locator('#follow[aria-pressed=true]').waitFor();
}

/** What a peer sends is text, also if it looks like HTML. */
async function showHtmlAsText({ page, inspector }) {
  const html = '<img src=x onerror="document.title=1"><b>bold</b>';
  const socket = new WebSocket(`${inspector.url.replace('http', 'ws')}chat`, {
    headers: { 'X-Evil': html },
  });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(html);
  socket.close(4000, html);
  await page.locator('.row.close').nth(1).waitFor();
  await openRow(page, '.row.handshake.client');
  await page.locator('.lines', { hasText: html }).waitFor();
  await openRow(page, '.row.text.client');
  await page.locator('.message', { hasText: html }).waitFor();
  await openRow(page, '.row.close.client');
  await page.locator('.facts', { hasText: html }).waitFor();
  await page.click('#ladder-tab');
  await page.locator('.ladder', { hasText: html }).waitFor();
  assert.equal(await page.locator('img').count(), 1); // the sign at the top
  assert.equal(await page.title(), 'ws6455 inspector');
}

async function takeTour({ page, inspector }) {
  // What is there already, and what others send, is not what a step waits for.
  const other = new WebSocket(inspector.url.replace('http', 'ws'));
  await new Promise((resolve) => other.once('open', resolve));
  other.send('Hello');
  await page.locator('.row.text.server').waitFor();
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await page.locator('.row.text.server').waitFor();
  const next = async (title) => {
    await page.locator('#tour h2', { hasText: title }).waitFor();
    await page.keyboard.press('Enter'); // the focus is on the main button
  };
  await next('Open a connection');
  await next('Send Hello');
  await page.locator('#tour', { hasText: '81 85' }).waitFor();
  await page.locator('.cell.lit.field-opcode').waitFor();
  await next('The first byte');
  await page.locator('.cell.lit.field-payload-len').waitFor();
  await next('The second byte');
  await page.locator('.cell.lit.field-masking-key').first().waitFor();
  await next('The key');
  await page.locator('#tour', { hasText: '81 05 48 65 6c 6c 6f' }).waitFor();
  await page.locator('.row.text.server[aria-selected=true]').waitFor();
  await next('The answer');
  await next('Send a Ping');
  await page.locator('.row.pong.server[aria-selected=true]', { hasText: 'beat' }).waitFor();
  await next('A message in three frames');
  await page.locator('.row.continuation[aria-selected=true]').waitFor();
  await next('Close');
  await page.locator('.summary', { hasText: 'The client began' }).waitFor();
  await next('That is the protocol');
  assert.equal(await page.locator('#tour').isVisible(), false);
  assert.equal(await page.locator('#break h2').first().isVisible(), true);
  await page.goto(page.url().split('#')[0]);
  await page.reload();
  await waitForInspector(page);
  assert.equal(await page.locator('#tour').isVisible(), false); // only once
  await page.click('#tour-start');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#tour').isVisible(), false);
}

const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;

async function fitPhone({ page }) {
  await talkOfHello(page);
  assert.equal(await page.locator('#pane').isVisible(), false);
  assert.ok((await page.evaluate(overflow)) <= 0, 'the list is too wide');
  assert.ok((await page.locator('#list').boundingBox()).height > 200, 'the list is too low');
  await openRow(page, '.row.text.client');
  await page.locator('.masking').waitFor();
  for (const tab of ['#detail-tab', '#ladder-tab', '#held-tab']) {
    await page.click(tab);
    const wide = await page
      .locator('#pane')
      .evaluate((pane) => pane.scrollWidth - pane.clientWidth);
    assert.ok(wide <= 0, `${tab} is ${wide} pixels too wide`);
  }
  await page.click('#back');
  assert.equal(await page.locator('#pane').isVisible(), false);
  await page.goto(`${page.url().split('#')[0]}#break`);
  await page.locator('.rule').first().waitFor();
  assert.ok((await page.evaluate(overflow)) <= 0, 'the rules are too wide');
}

async function readInBothThemes({ page }) {
  await talkOfHello(page);
  const chooseNext = async () => {
    await page.locator('.menu summary').click();
    await page.click('#theme');
    await page.keyboard.press('Escape'); // closes the menu
    await page.locator('#theme').waitFor({ state: 'hidden' });
  };
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const seen = [];
  for (const theme of ['light', 'dark']) {
    await chooseNext();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
    await openRow(page, '.row.text.client');
    await page.locator('.masking').waitFor();
    await page.mouse.move(0, 0);
    await page.waitForTimeout(300); // the colours change slowly
    assert.deepEqual(await page.evaluate(lowContrast, 4.5), []);
    seen.push(await background());
  }
  assert.notEqual(seen[0], seen[1]);
  await chooseNext();
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.equal(await background(), seen[1]);
  await page.emulateMedia({ colorScheme: 'light' });
  assert.equal(await background(), seen[0]);
}

/** Each control has a name. */
async function nameControls({ page }) {
  await talkOfHello(page);
  await openRow(page, '.row.text.client');
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll('button, input, select, textarea, a')]
      .filter(
        (it) =>
          !(it.ariaLabel || it.innerText?.trim() || it.textContent.trim() || it.labels?.length),
      )
      .map((it) => it.outerHTML),
  );
  assert.deepEqual(nameless, []);
  assert.equal(await page.getByRole('listbox').getByRole('option', { selected: true }).count(), 1);
  assert.equal(await page.getByRole('tab', { selected: true }).innerText(), 'Detail');
}

/** The inspector sends what the browser's WebSocket cannot send. */
async function sendMadeFrames({ page }) {
  await openFromPage(page);
  await page.fill('#message', 'beat');
  await page.selectOption('#message-kind', 'ping');
  await page.click('#send');
  await page.locator('.row.pong.server', { hasText: 'beat' }).waitFor();
  await page.fill('#message', 'one two 😀');
  await page.selectOption('#message-kind', 'fragments');
  await page.click('#send');
  await page.locator('.row.text.server', { hasText: 'one two 😀' }).waitFor();
  assert.equal(await page.locator('.row.continuation.client').count(), 2);
  await page.locator('.row.text.client', { hasText: 'one' }).waitFor();
  assert.equal(await page.locator('.row.bad').count(), 0);
  await page.fill('#message', 'x'.repeat(126));
  await page.selectOption('#message-kind', 'ping');
  await page.click('#send');
  await page.locator('#compose-error', { hasText: 'at most 125 bytes' }).waitFor();
  await page.fill('#path', 'ws://example.com/');
  await page.click('#open');
  await page.locator('#compose-error', { hasText: 'a path of the target' }).waitFor();
}

async function clearRecords({ page }) {
  await talkOfHello(page);
  await page.click('#clear');
  await waitForRows(page, 0);
  await sendFromPage(page, 'after');
  assert.equal(await visibleRows(page).count(), 2);
  await page.reload();
  await page.locator('.row.text.server', { hasText: 'after' }).waitFor();
}

async function openByAddress({ page, inspector }) {
  await page.goto(inspector.url.replace('localhost', '127.0.0.1'));
  await waitForInspector(page);
  await talkOfHello(page);
}

const CASES = [
  ['shows Hello bit by bit', readHello],
  ['shows which bits and bytes a field has', lightFields],
  ['explains both handshakes, and computes the accept value', readHandshake],
  ['draws the closing handshake with the states of both ends', readLadder],
  ['joins fragments, and shows sizes before and after inflation', seeFragments],
  ['filters', filterRecords],
  ['sends Pings and fragments', sendMadeFrames],
  ['is used with the keyboard', useKeyboard],
  ['shows HTML of a peer as text', showHtmlAsText],
  ['gives a tour', takeTour, { demo: true }],
  ['fits a phone', fitPhone, { size: [360, 720] }],
  ['has contrast in light and dark', readInBothThemes],
  ['names its controls', nameControls],
  ['is opened by its address too', openByAddress],
  ['clears, and shows the rest again after a reload', clearRecords],
];

if (lackingBrowser) skip(NAME, lackingBrowser);
else {
  const chosen = process.argv[2] ?? '';
  for (const [name, use, options] of CASES.filter(([title]) => title.includes(chosen))) {
    await result(`${NAME}: ${name}`, () => withInspector(use, options));
  }
  await endBrowser();
}
