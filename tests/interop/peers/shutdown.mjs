/** Clients of other implementations when a process with our server gets SIGTERM: none sees 1006. */
import assert from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { lackingBrowser, startBrowser } from '../support/browser.mjs';
import { within } from '../support/deadline.mjs';
import { PagePuppet } from '../support/page-puppet.mjs';
import { Puppet } from '../support/puppet.mjs';
import { fail, result, skip } from '../support/results.mjs';
import { subjectName } from '../support/subject.mjs';

const COUNT = 20;
const PYTHON = '/usr/bin/python3';

const script = (name) => fileURLToPath(new URL(`../puppets/${name}`, import.meta.url));

async function drain(puppet) {
  const child = spawn(process.execPath, [script('draining-server.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const exited = once(child, 'exit');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value: url } = await within(15_000, 'the server', lines.next());
    const ids = Array.from({ length: COUNT }, (_, index) => `/${index}`);
    for (const id of ids) puppet.connect({ id, url: url + id, protocols: [] });
    await within(10_000, 'all clients', Promise.all(ids.map((id) => puppet.opened(id))));
    child.kill('SIGTERM');
    const [code] = await within(10_000, 'the exit of the server', exited);
    assert.strictEqual(code, 0);
    for (const id of ids) {
      const { code, reason } = await within(1_000, 'close', puppet.closed(id));
      assert.match(`${code} ${reason}`, /^1012 retry-after=[0-5]\.\d$/);
    }
    const { closed, clean, terminated } = JSON.parse((await lines.next()).value);
    assert.deepStrictEqual([closed, clean, terminated], [COUNT, COUNT, 0]);
  } finally {
    child.kill('SIGKILL');
  }
}

async function check(name, start) {
  let puppet;
  try {
    puppet = await start();
    await result(`SIGTERM with ${COUNT} clients of ${name}`, () => drain(puppet));
  } catch (error) {
    fail(name, error);
  } finally {
    await puppet?.stop();
  }
}

const startModule = (name) => () =>
  Puppet.start(process.execPath, [script('ws-api.mjs'), 'client', 'tcp', name]);

async function checkBrowser() {
  const pages = createServer((_, response) => response.end('<!doctype html>'));
  await once(pages.listen(0, '127.0.0.1'), 'listening');
  const context = await startBrowser();
  const address = `http://127.0.0.1:${pages.address().port}/`;
  await check('Chromium', () => PagePuppet.start(context, address));
  await context.close();
  pages.closeAllConnections();
  pages.close();
}

await check('our own', startModule(subjectName));
await check('ws', startModule('ws'));

if (spawnSync(PYTHON, ['-c', 'import websockets']).status !== 0) {
  skip('SIGTERM with clients of python websockets', `${PYTHON} has no websockets`);
} else {
  const parameters = [script('debian_websockets.py'), 'client', 'tcp'];
  await check('python websockets', () => Puppet.start(PYTHON, parameters));
}

if (lackingBrowser) skip('SIGTERM with clients of Chromium', lackingBrowser);
else await checkBrowser();
