/** The chat of docs/examples on two processes, in a browser: its processes are killed, and no message is lost. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { lackingBrowser, startBrowser } from '../support/browser.mjs';
import { within } from '../support/deadline.mjs';
import { result, skip } from '../support/results.mjs';
import { temporaryFolder } from '../support/temporary.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const IOREDIS = join(ROOT, 'tests/brokers/node_modules/ioredis');
const NAME = 'the chat on two processes in Chromium';
/** Where a picture of the page is written: `SCREENSHOT=docs/images/chat-cluster.png`. */
const { SCREENSHOT } = process.env;

/** A copy of the example, with its packages. */
function install() {
  const folder = join(temporaryFolder, 'chat-cluster');
  const packages = join(folder, 'node_modules');
  cpSync(join(ROOT, 'docs/examples/chat-cluster'), folder, {
    recursive: true,
    filter: (path) => !path.endsWith('node_modules'),
  });
  mkdirSync(packages);
  symlinkSync(ROOT, join(packages, 'ws6455'), 'junction');
  if (existsSync(IOREDIS)) symlinkSync(IOREDIS, join(packages, 'ioredis'), 'junction');
  return folder;
}

/** With the port 0 the chat would get another one if both processes ended at once. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Reads on: a program whose output nobody reads may end. */
function printedAddress(child, carrier) {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, by, address] = line.match(/ and (.+): (http:\/\/[^\s/]+:\d+\/)/) ?? [];
      if (by === carrier) resolve(address);
      else if (by !== undefined) reject(new Error(`it runs on ${by}`));
    });
    child.once('exit', () => reject(new Error('it ended without printing its address')));
  });
}

async function withChat(folder, carrier, use) {
  const child = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: {
      ...process.env,
      PORT: `${await freePort()}`,
      BROKER: carrier === 'Redis' ? '' : 'cluster',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    await use(await within(20_000, 'the chat starts', printedAddress(child, carrier)));
  } finally {
    child.kill();
    await within(5_000, 'the chat ends', exited);
  }
}

const processOf = (page) => page.locator('#process:not(.gone)').innerText();

/** Pages at different processes. */
async function openPages(context, address) {
  const [first, second] = [await context.newPage(), await context.newPage()];
  for (const page of [first, second]) {
    page.setDefaultTimeout(20_000);
    await page.setViewportSize({ width: 760, height: 680 });
    await page.goto(address);
  }
  for (let attempt = 0; (await processOf(first)) === (await processOf(second)); attempt++) {
    assert(attempt < 20, 'all connections came to one process');
    await second.reload();
  }
  return [first, second];
}

async function write(page, text) {
  await page.locator('#text').fill(text);
  await page.keyboard.press('Enter');
}

const counted = (page) =>
  page
    .locator('.message')
    .evaluateAll((items) => items.map(({ dataset }) => Number(dataset.text)).filter(Boolean));

const untilCounted = (page, number) =>
  page.locator(`.message[data-text="${number}"]`).waitFor({ state: 'attached' });

/** Ends the process of a page while the other one counts, and waits until it is connected to another. */
async function endProcess(page) {
  const before = await processOf(page);
  await page.locator('#kill').click();
  await page.locator('.notice', { hasText: `The connection to ${before} is gone` }).waitFor();
  await page.locator('.notice', { hasText: /Connected again.*Nothing is lost/ }).waitFor();
  assert.notEqual(await processOf(page), before);
}

/** Of the moment when the process was gone. */
async function takePicture(page) {
  const again = page.locator('.notice', { hasText: 'Connected again' }).first();
  await again.evaluate((element) => element.scrollIntoView({ block: 'center' }));
  await page.screenshot({ path: SCREENSHOT });
}

async function talk(address) {
  const context = await startBrowser();
  try {
    const [reader, author] = await openPages(context, address);
    const errors = [];
    for (const page of [reader, author]) page.on('pageerror', (error) => errors.push(error));
    await author.locator('#author').fill('Ada');
    await reader.locator('#author').fill('Grace');
    await write(author, 'Hello from another process');
    const hello = reader.locator('.message', { hasText: 'Hello from another process' });
    await hello.waitFor();
    assert.equal(await hello.getAttribute('data-process'), await processOf(author));
    assert.equal(await hello.getAttribute('data-reader'), await processOf(reader));
    await author.locator('#count').click();
    await untilCounted(reader, 5);
    await endProcess(reader);
    await endProcess(author);
    const [last = 0] = (await counted(author)).slice(-1);
    await untilCounted(reader, last + 5);
    await author.locator('#count').click();
    await write(author, '999');
    await Promise.all([reader, author].map((page) => untilCounted(page, 999)));
    const numbers = await counted(author);
    assert.deepEqual(numbers, [
      ...Array.from({ length: numbers.length - 1 }, (_, i) => i + 1),
      999,
    ]);
    assert.deepEqual(await counted(reader), numbers);
    const late = await context.newPage();
    await late.goto(address);
    await untilCounted(late, 999);
    assert.deepEqual(await counted(late), numbers.slice(-50));
    if (SCREENSHOT) await takePicture(reader);
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
  }
}

function lackingRedis() {
  if (!existsSync(IOREDIS)) return 'tests/brokers is not installed';
  const { error } = spawnSync('redis-server', ['--version'], { stdio: 'ignore' });
  return error === undefined ? undefined : 'redis-server is not installed';
}

const folder = install();
for (const [carrier, lacking] of [
  ['node:cluster', lackingBrowser],
  ['Redis', lackingBrowser ?? lackingRedis()],
]) {
  const name = `${NAME}, over ${carrier}`;
  if (lacking) skip(name, lacking);
  else await result(`${name}: loses nothing`, () => withChat(folder, carrier, talk));
}
