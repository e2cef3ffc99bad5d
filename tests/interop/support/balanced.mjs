/** The server and the configurations of docs/examples/load-balancer, started with other ports and times. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { within } from './deadline.mjs';
import { fileOf, subjectName } from './subject.mjs';
import { temporaryFolder } from './temporary.mjs';

const EXAMPLE = new URL('../../../docs/examples/load-balancer/', import.meta.url);
const running = new Set();
let files = 0;

/** In milliseconds. */
const LAME_DUCK = 1_500;

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The text of a file of the example, with each of `replacements`: what is not there is an error. */
function adapted(file, replacements) {
  let text = readFileSync(new URL(file, EXAMPLE), 'utf8');
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

function write(extension, text) {
  const path = join(temporaryFolder, `${++files}.${extension}`);
  writeFileSync(path, text);
  return path;
}

function start(program, parameters, options) {
  const child = spawn(program, parameters, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Neither nginx nor HAProxy tells which port it was given, so one is chosen for it. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** The server of the example. */
class Backend {
  port = 0;
  /** What `shutdown` reported. */
  report;
  #child;
  #file;
  #env;

  constructor({ heartbeat = true, env = {} } = {}) {
    const beat = heartbeat ? '{ interval: 300, timeout: 10_000 }' : 'false, idleTimeout: 0';
    const text = adapted('server.js', [
      ["require('ws6455')", `require(${JSON.stringify(fileOf(subjectName))})`],
      ["require('ws6455/topics')", `require(${JSON.stringify(fileOf('ws6455/topics'))})`],
      ['...hardened,', `...hardened, heartbeat: ${beat},`],
      ['lameDuck: 6_000', `lameDuck: ${LAME_DUCK}`],
      ['spread: 10_000', 'spread: 2_000'],
      ['retryAfter: [0, 5]', 'retryAfter: [0, 1]'],
      ['timeout: 25_000', 'timeout: 8_000'],
    ]);
    this.#file = write('cjs', text);
    this.#env = env;
  }

  async restart() {
    await this.kill();
    const env = { ...process.env, ...this.#env, PORT: String(this.port) };
    const stdio = ['ignore', 'pipe', 'inherit'];
    this.#child = start(process.execPath, [this.#file], { env, stdio });
    const lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    const { value } = await within(10_000, 'the server', lines.next());
    this.port = Number(/^port (\d+)$/.exec(value)[1]);
    this.report = lines.next().then((line) => JSON.parse(line.value ?? 'null'));
    this.report.catch(() => {});
    return this;
  }

  /** A rolling deploy ends it so. */
  terminate() {
    this.#child.kill('SIGTERM');
  }

  async kill() {
    if (this.#child) await end(this.#child, 'SIGKILL');
  }

  stop() {
    return this.kill();
  }
}

export function startBackend(options) {
  return new Backend(options).restart();
}

function portsOf(backends) {
  return backends.map(({ port }, i) => [`127.0.0.1:${8081 + i}`, `127.0.0.1:${port}`]);
}

/** Where nginx writes the bodies of plain requests; its own folders belong to root. */
function folders() {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return kinds.map((kind) => `${kind}_temp_path ${temporaryFolder}/${kind};`).join(' ');
}

/**
 * `configure` makes its file, `command` starts it, `signal` has it read the file again. `noticedAfter` is how long
 * after SIGTERM a server gets no new clients, in milliseconds: nginx does not ask for the health of a server, and
 * tries it until it refuses.
 */
const KINDS = {
  nginx: {
    configure: (port, backends) =>
      adapted('nginx.conf', [
        ['worker_rlimit_nofile 200000;', process.getuid() === 0 ? 'user root;' : ''],
        ['worker_connections 100000;', 'worker_connections 500;'],
        ['http {', `http { access_log off; ${folders()}`],
        ['listen 80 ', `listen 127.0.0.1:${port} `],
        ['fail_timeout=5s', 'fail_timeout=1s'],
        ['75s', '3s'],
        ...portsOf(backends),
      ]),
    command: (file) => {
      const folder = join(temporaryFolder, `nginx${files}`);
      mkdirSync(folder);
      const global = `daemon off; pid ${folder}/pid; error_log stderr crit;`;
      return ['/usr/sbin/nginx', '-p', folder, '-e', 'stderr', '-c', file, '-g', global];
    },
    signal: 'SIGHUP',
    noticedAfter: LAME_DUCK + 200,
  },
  haproxy: {
    configure: (port, backends) =>
      adapted('haproxy.cfg', [
        ['maxconn 100000', 'maxconn 500'],
        ['bind :80 ', `bind 127.0.0.1:${port} `],
        ['inter 2s', 'inter 200ms'],
        ['timeout tunnel 75s', 'timeout tunnel 3s'],
        ...portsOf(backends),
      ]),
    command: (file) => ['/usr/sbin/haproxy', '-W', '-db', '-q', '-f', file],
    signal: 'SIGUSR2',
    noticedAfter: LAME_DUCK / 2,
  },
};

function accepts(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function untilAccepting(port, child) {
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}`);
    await wait(20);
  }
}

export async function startBalancer(kind, backends) {
  const { configure, command, signal, noticedAfter } = KINDS[kind];
  const port = await freePort();
  const [program, ...parameters] = command(write('conf', configure(port, backends)));
  const child = start(program, parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
  await within(10_000, program, untilAccepting(port, child));
  return {
    url: `ws://127.0.0.1:${port}/`,
    noticedAfter,
    reload: async () => {
      child.kill(signal);
      await wait(500); // it has no event for the end of a reload
      await within(10_000, program, untilAccepting(port, child));
    },
    stop: () => end(child, 'SIGTERM'),
  };
}
