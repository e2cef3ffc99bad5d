/** The programs of docs/recipes.md for frameworks and behind nginx, word for word, each in its own process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { within } from '../support/deadline.mjs';
import { result, skip } from '../support/results.mjs';
import { refusal, talk } from '../support/talk.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const page = readFileSync(at('../docs/recipes.md'), 'utf8');
const PRELOAD = at('../support/free-port.cjs');
const NGINX = '/usr/sbin/nginx';

/** The names that the programs require, and the packages that are installed for them. */
const LINKS = { ws6455: 'ws', '@hono/node-server': 'hono-node-server-2' };

/** A folder beside `node_modules`, so that the packages are found. */
const folder = at('../recipes');
rmSync(folder, { recursive: true, force: true });
for (const [name, target] of Object.entries(LINKS)) {
  const link = join(folder, 'node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(at(`../node_modules/${target}`), link, 'dir');
}

function codeOf(heading, language = 'js') {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [, code] = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(section) ?? [];
  assert.ok(code, `docs/recipes.md has a program for ${heading}`);
  return code;
}

/** Runs a server. `output` is what it has printed. */
function start(heading, { more = '', port = 0 } = {}) {
  const file = join(folder, `${heading.replace(/\W+/g, '-')}.cjs`);
  writeFileSync(file, codeOf(heading) + more);
  const child = spawn(process.execPath, ['--require', PRELOAD, file], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, RECIPE_PORT: port },
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.push(text));
  return { child, output, closed: once(child, 'close') };
}

/** Runs a server, hands its address to `use`, and ends it. It must not print anything. */
async function running(heading, use, more) {
  const { child, output, closed } = start(heading, { more });
  try {
    const ended = closed.then(() => Promise.reject(new Error(`ended: ${output.join('')}`)));
    const listening = Promise.race([once(child, 'message'), ended]);
    const [{ port }] = await within(20_000, 'the port', listening);
    ended.catch(() => {});
    await use(`127.0.0.1:${port}`, child);
    assert.equal(output.join(''), '');
  } finally {
    child.kill('SIGKILL');
    await closed;
  }
}

/** It says why it cannot listen, and ends by itself. */
async function saysThatPortIsInUse(heading) {
  const occupying = createServer().listen(0, '127.0.0.1');
  await once(occupying, 'listening');
  const { child, output, closed } = start(heading, { port: occupying.address().port });
  try {
    const [code] = await within(20_000, 'the end', closed);
    assert.equal(code, 0);
    assert.match(output.join(''), /^(cannot listen: )?listen EADDRINUSE: [^\n]*\n$/);
  } finally {
    child.kill('SIGKILL');
    occupying.close();
  }
}

async function isPage(host, path = '/') {
  const response = await fetch(`http://${host}${path}`);
  assert.deepEqual([response.status, await response.text()], [200, 'a page']);
}

async function isChat(host) {
  const clients = [await talk(`ws://${host}/chat`), await talk(`ws://${host}/chat`)];
  clients[0].ws.send('hello');
  for (const { hear } of clients) assert.equal(await hear(), 'hello');
  for (const { ws, closed } of clients) {
    ws.close();
    await closed();
  }
}

/** A page, a chat, and no other path. */
async function isPageAndChat(host) {
  await isPage(host);
  await isChat(host);
  assert.equal(await refusal(`ws://${host}/other`), 404);
}

async function hasSessions(host) {
  assert.equal(await refusal(`ws://${host}/`), 401);
  const login = await fetch(`http://${host}/login`, { method: 'POST' });
  const [cookie] = login.headers.getSetCookie();
  const headers = { Cookie: cookie.split(';', 1)[0] };
  const origin = `http://${host}`;
  assert.equal(await refusal(`ws://${host}/`, { headers, origin: 'http://attacker.example' }), 403);
  const { ws, hear, closed } = await talk(`ws://${host}/`, [], { headers, origin });
  assert.equal(await hear(), 'Hello, Ada');
  ws.close();
  await closed();
}

async function hasHooks(host) {
  assert.equal(await refusal(`ws://${host}/rooms/tea`), 401);
  const { ws, hear, closed } = await talk(`ws://${host}/rooms/tea?token=7d0a`);
  ws.send('milk?');
  assert.equal(await hear(), 'tea: milk?');
  ws.close();
  await closed();
}

async function echoes(host) {
  await isPage(host);
  const { ws, hear, closed } = await talk(`ws://${host}/echo`);
  ws.send('hello');
  assert.equal(await hear(), 'hello');
  ws.send(Buffer.of(1, 2, 3));
  assert.deepEqual(await hear(), Buffer.of(1, 2, 3));
  ws.close();
  await closed();
  assert.equal(await refusal(`ws://${host}/other`), 404);
}

/** With `fastify.close()` clients see 1001, and the process ends. */
async function closesClients(host, child) {
  const { closed } = await talk(`ws://${host}/chat`);
  const exit = once(child, 'exit');
  child.send('close');
  assert.equal((await closed())[0], 1001);
  assert.deepEqual(await within(10_000, 'the exit', exit), [0, null]);
}

/** The configuration of the page. The address of a client is what it says, for there is no network. */
function configuration(host, socket) {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const servers = codeOf('Behind nginx', 'nginx')
    .replace('listen 80;', `listen unix:${socket};`)
    .replace('127.0.0.1:8080', host);
  return `
    daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr crit;
    events {}
    http {
      access_log off;
      ${paths.map((kind) => `${kind}_temp_path ${folder};`).join(' ')}
      set_real_ip_from unix:; real_ip_header X-Client;
      ${servers}
    }`;
}

function accepts(path) {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => resolve(true));
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
  });
}

async function isBehindNginx(host) {
  const socket = join(folder, 'nginx.sock');
  writeFileSync(join(folder, 'nginx.conf'), configuration(host, socket));
  const argv = ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')];
  const nginx = spawn(NGINX, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  const closed = once(nginx, 'close');
  try {
    for (let i = 0; !(await accepts(socket)); i++) {
      assert.ok(i < 500 && nginx.exitCode === null, 'nginx accepts connections');
      await wait(10);
    }
    const headers = { 'X-Client': '203.0.113.7', 'X-Forwarded-For': '198.51.100.1' };
    const client = await talk(`ws+unix:${socket}:/`, [], { headers });
    assert.equal(await client.hear(), 'Your address is 203.0.113.7');
    client.ws.close();
    await client.closed();
  } finally {
    nginx.kill('SIGKILL');
    await closed;
  }
}

const RECIPES = [
  ['Express', isPageAndChat],
  ['Express with sessions', hasSessions],
  ['Fastify', isPageAndChat],
  ['Fastify with @fastify/websocket', hasHooks],
  ['Hono', echoes],
];

// The programs need what `ws` does not have.
if (process.env.PROGRAMS_ON === 'ws6455') {
  for (const [heading, use] of RECIPES) {
    await result(`recipes: ${heading}`, () => running(heading, use));
    await result(`recipes: ${heading}, the port is in use`, () => saysThatPortIsInUse(heading));
  }
  await result('recipes: Fastify closes its clients', () =>
    running('Fastify', closesClients, "process.once('message', () => fastify.close());"),
  );
  const name = 'recipes: Behind nginx';
  if (existsSync(NGINX)) await result(name, () => running('Behind nginx', isBehindNginx));
  else skip(name, `there is no ${NGINX}`);
}
