/**
 * crossws, h3 and Nitro on ws6455: `npm ci --prefix tests/crossws && node tests/crossws/run.mjs`, after
 * `npm run build`. A part that takes long has a name: `node tests/crossws/run.mjs nitro`.
 */
import { strictEqual } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { result, tally } from '../interop/support/results.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const LINK = at('node_modules/ws6455');
if (!existsSync(LINK)) symlinkSync(at('../..'), LINK);

const { BEYOND_CROSSWS, demo, OF_CROSSWS } = await import('./behaviours.mjs');
const { join, listen, refused } = await import('./client.mjs');
const { SUBJECTS } = await import('./subjects.mjs');

/** Starts a server, checks it, and ends it. */
async function withServer(make, options, check) {
  const { adapter, server } = make(options);
  const url = await listen(server);
  try {
    await check({ adapter, url });
  } finally {
    adapter.closeAll(undefined, undefined, true);
    server.closeAllConnections();
    server.close();
  }
}

async function checkAdapters() {
  for (const [subject, { make, own }] of Object.entries(SUBJECTS)) {
    for (const [name, check] of Object.entries(OF_CROSSWS)) {
      await result(`${subject}: ${name}`, () => withServer(make, { hooks: demo }, check));
    }
    if (!own) continue;
    for (const [name, { hooks, check }] of Object.entries(BEYOND_CROSSWS)) {
      await result(`${subject}: ${name}`, () => withServer(make, { hooks }, check));
    }
  }
}

async function checkH3() {
  const { toNodeHandler } = await import('srvx/node');
  const { default: crosswsAdapter } = await import('ws6455/crossws');
  const { makeApp } = await import('./h3-app.mjs');
  const app = makeApp();
  const make = () => {
    const adapter = crosswsAdapter({
      resolve: async (request) => (await app.fetch(request)).crossws,
    });
    const server = createServer(toNodeHandler(app.fetch));
    server.on('upgrade', adapter.handleUpgrade);
    return { adapter, server };
  };
  await result('h3: hooks of a route', () =>
    withServer(make, {}, async ({ url }) => {
      strictEqual(await (await fetch(url.replace('ws', 'http'))).text(), 'plain');
      strictEqual((await refused(`${url}/chat`)).status, 401);
      const ada = await join(`${url}/chat?name=ada`);
      strictEqual(ada.response.headers['x-name'], 'ada');
      const bob = await join(`${url}/chat?name=bob`);
      strictEqual(await ada.next(), 'bob joined');
      bob.socket.send('hello');
      strictEqual(await bob.next(), 'you: hello');
      strictEqual(await ada.next(), 'bob: hello');
      bob.socket.close();
      strictEqual(await ada.next(), 'bob left');
    }),
  );
}

async function run(args, env = {}) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    cwd: at('nitro'),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => {
      output += part;
    });
  }
  return { child, output: () => output };
}

async function buildNitro() {
  rmSync(at('nitro/.output'), { recursive: true, force: true });
  mkdirSync(at('nitro'), { recursive: true });
  const { child, output } = await run([at('node_modules/nitro/dist/cli/index.mjs'), 'build']);
  const [code] = await once(child, 'exit');
  strictEqual(code, 0, output());
}

async function freePort() {
  const server = createServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return new URL(url).port;
}

async function withNitro(check) {
  const port = await freePort();
  const { child, output } = await run([at('nitro/.output/server/index.mjs')], {
    PORT: port,
    HOST: '127.0.0.1',
  });
  try {
    const deadline = Date.now() + 20_000;
    while (!/localhost|127\.0\.0\.1|Listening/.test(output())) {
      if (Date.now() > deadline || child.exitCode !== null)
        throw new Error(`it did not start:\n${output()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await check(`ws://127.0.0.1:${port}`);
  } catch (error) {
    error.message += `\n${output()}`;
    throw error;
  } finally {
    if (child.exitCode === null) {
      child.kill();
      await once(child, 'exit');
    }
  }
}

async function checkNitro() {
  await result('nitro: builds with the alias', buildNitro);
  await result('nitro: a chat, and a hook that fails', () =>
    withNitro(async (url) => {
      strictEqual(await (await fetch(url.replace('ws', 'http'))).text(), 'plain');
      const [one, other] = [await join(`${url}/chat`), await join(`${url}/chat`)];
      strictEqual((await one.next()).welcome, '/chat');
      strictEqual((await other.next()).welcome, '/chat');
      one.socket.send('fail');
      strictEqual(await one.next(), 'error: a hook of the program failed');
      one.socket.send('hello');
      strictEqual(await one.next(), 'sent hello');
      strictEqual(await other.next(), 'hello');
      for (const { socket } of [one, other]) socket.close();
    }),
  );
}

const PARTS = { adapters: checkAdapters, h3: checkH3, nitro: checkNitro };
const chosen = process.argv.slice(2);
for (const [name, check] of Object.entries(PARTS)) {
  if (chosen.length === 0 || chosen.includes(name)) await check();
}
console.log(`${tally}`);
process.exit();
