/**
 * Real engines for tests, each a process of its own on a free port of 127.0.0.1 with a folder of its own.
 * `startRedis(options)`, `startRedisCluster(options)` and `startNats(options)` resolve when the engine answers.
 *
 * An engine ends with the test process, whatever ends that. It does not keep the test process running.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard } from './support/guard.mjs';
import { redisCommand } from './support/redis-command.mjs';

const PATIENCE = 15_000;

/** Below the ports that the system gives to clients, so that a restart finds its port free. */
const [MIN_PORT, MAX_PORT] = [10_000, 30_000];

/** Debian has nats-server in a folder that only root has in its PATH. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin'];

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function find(name) {
  return FOLDERS.map((folder) => join(folder, name)).find(isExecutable);
}

/** @returns why an engine cannot be started here, or undefined */
export function whyMissing(engine) {
  const name = `${engine}-server`;
  if (process.platform === 'win32') return 'the tests with engines stop processes by signals';
  return find(name) === undefined ? `${name} is not installed` : undefined;
}

/** A process of an engine. */
export class Engine {
  port;
  pid;
  folder = mkdtempSync(join(tmpdir(), 'ws6455-engine-'));
  #kind;
  #options;
  #child;
  #watcher;

  constructor(kind, options) {
    this.#kind = kind;
    this.#options = options;
  }

  get url() {
    return `${this.#kind.protocol}://127.0.0.1:${this.port}`;
  }

  /** Tries ports until one is free. After that the engine keeps its port. */
  async start() {
    const end = Date.now() + PATIENCE;
    for (;;) {
      this.port ??= MIN_PORT + Math.floor(Math.random() * (MAX_PORT - MIN_PORT));
      if (await this.#launch()) return this;
      const log = this.log();
      if (!/address already in use|bind:/i.test(log) || Date.now() > end) {
        this.#clean();
        throw new Error(`${this.#kind.name} did not start:\n${log}`);
      }
      if (this.pid === undefined) this.port = undefined;
      else await sleep(50); // a restart: the port becomes free soon
    }
  }

  /** Stops the process where it is: its connections stay, and nothing is answered. */
  pause() {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume() {
    process.kill(this.pid, 'SIGCONT');
  }

  /** As a crash. */
  async kill() {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.ref();
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    this.#watcher.kill('SIGKILL');
  }

  /** Starts the engine again on its port, after a `kill` if it runs. */
  async restart() {
    await this.kill();
    await this.start();
  }

  /** Ends the process and removes its folder. */
  async stop() {
    await this.kill();
    this.#clean();
  }

  /** What the engine has printed. */
  log() {
    try {
      return readFileSync(join(this.folder, 'log'), 'utf8');
    } catch {
      return '';
    }
  }

  async #launch() {
    const log = join(this.folder, 'log');
    rmSync(log, { force: true });
    const args = this.#kind.arguments(this, this.#options);
    const child = spawn(
      find(`${this.#kind.name}-server`),
      [...args, ...(this.#options.args ?? [])],
      {
        cwd: this.folder,
        stdio: 'ignore',
      },
    );
    await once(child, 'spawn');
    const watcher = guard(child.pid, this.folder);
    const isReady = await this.#waitUntilReady(child);
    if (isReady) {
      child.unref();
      Object.assign(this, { pid: child.pid });
      this.#child = child;
      this.#watcher = watcher;
    } else {
      child.kill('SIGKILL');
      watcher.kill('SIGKILL');
    }
    return isReady;
  }

  async #waitUntilReady(child) {
    const end = Date.now() + PATIENCE;
    while (child.exitCode === null && child.signalCode === null && Date.now() < end) {
      try {
        // Another program could answer at a port that this one did not get.
        if (await this.#kind.isReady(this, child.pid, this.#options)) return true;
      } catch {}
      await sleep(10);
    }
    return false;
  }

  #clean() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const REDIS = {
  name: 'redis',
  protocol: 'redis',
  arguments({ port, folder }, { persist = false, cluster = false }) {
    return [
      ...['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--logfile', join(folder, 'log')],
      ...['--save', '', '--appendonly', persist ? 'yes' : 'no', '--appendfsync', 'always'],
      ...(cluster ? ['--cluster-enabled', 'yes', '--cluster-port', port + 10_000] : []),
    ].map(String);
  },
  async isReady({ port }, pid, { cluster = false }) {
    const info = await redisCommand(port, 'INFO', 'server');
    if (!info.includes(`process_id:${pid}\r\n`)) return false;
    if ((await redisCommand(port, 'PING')) !== 'PONG') return false;
    if (cluster !== true) return true;
    const state = await redisCommand(port, 'CLUSTER', 'INFO');
    if (state.includes('cluster_slots_assigned:0\r\n')) {
      await redisCommand(port, 'CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
    }
    return state.includes('cluster_state:ok\r\n');
  },
};

class RedisEngine extends Engine {
  /** Sends one command on a connection of its own. */
  command(...words) {
    return redisCommand(this.port, ...words);
  }
}

/**
 * @param options.persist whether a message that was acknowledged is there after `kill` and `restart`
 * @param options.cluster whether it is a cluster of one node, which has all slots
 * @param options.args more arguments of redis-server
 */
export function startRedis(options = {}) {
  return new RedisEngine(REDIS, options).start();
}

/**
 * A cluster of several nodes that share the slots.
 * @returns `{ nodes, url, stop() }`
 */
export async function startRedisCluster({ nodes: count = 3, ...options } = {}) {
  const nodes = await Promise.all(
    Array.from({ length: count }, () => startRedis({ ...options, cluster: 'member' })),
  );
  const share = Math.ceil(16_384 / count);
  for (const [i, node] of nodes.entries()) {
    const end = Math.min(16_384, (i + 1) * share) - 1;
    await node.command('CLUSTER', 'ADDSLOTSRANGE', i * share, end);
    await node.command('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
  }
  const [first] = nodes;
  for (const { port } of nodes.slice(1)) {
    await first.command('CLUSTER', 'MEET', '127.0.0.1', port, port + 10_000);
  }
  await Promise.all(nodes.map((node) => untilClusterIsUp(node, count)));
  const stop = () => Promise.all(nodes.map((node) => node.stop()));
  return { nodes, url: first.url, port: first.port, stop };
}

async function untilClusterIsUp(node, count) {
  const end = Date.now() + PATIENCE;
  while (Date.now() < end) {
    const info = await node.command('CLUSTER', 'INFO');
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}\r`))
      return;
    await sleep(20);
  }
  throw new Error('The cluster of Redis did not become ready');
}

const NATS = {
  name: 'nats',
  protocol: 'nats',
  arguments({ port, folder }, { jetstream = false, persist = false }) {
    const store = join(folder, 'jetstream');
    if (!persist) rmSync(store, { recursive: true, force: true });
    if (jetstream) mkdirSync(store, { recursive: true });
    return [
      ...['--addr', '127.0.0.1', '--port', port, '--http_port', port + 10_000],
      ...['--log', join(folder, 'log'), '--name', `n${port}`],
      ...(jetstream ? ['--jetstream', '--store_dir', store] : []),
    ].map(String);
  },
  async isReady({ port }, pid) {
    const [{ server_name: name }, log] = [await natsInfo(port), await monitor(port, '/varz')];
    return name === `n${port}` && log.port === port && isAlive(pid);
  },
};

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The first line of a NATS server. */
async function natsInfo(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    let text = '';
    for await (const chunk of socket.setTimeout(1_000, () => socket.destroy())) {
      text += chunk;
      if (text.includes('\r\n')) break;
    }
    return JSON.parse(text.slice('INFO '.length, text.indexOf('\r\n')));
  } finally {
    socket.destroy();
  }
}

async function monitor(port, path) {
  const response = await fetch(`http://127.0.0.1:${port + 10_000}${path}`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(5_000),
  });
  return response.json();
}

class NatsEngine extends Engine {
  /** Asks the monitoring port: `monitor('/connz?subs=1')`. */
  monitor(path) {
    return monitor(this.port, path);
  }
}

/**
 * @param options.jetstream whether it has JetStream
 * @param options.persist whether the streams are there after `kill` and `restart`
 * @param options.args more arguments of nats-server
 */
export function startNats(options = {}) {
  return new NatsEngine(NATS, options).start();
}
