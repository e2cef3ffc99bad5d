/** Processes of worker.mjs, and their clients. */

import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client } from '../clients/client.mjs';
import { guard } from './guard.mjs';
import { until, within } from './wait.mjs';

const WORKER = fileURLToPath(new URL('../worker.mjs', import.meta.url));
/** Until a process has started, and its broker is up; also on a machine with other work. */
const PATIENCE = 45_000;

const EXEC_ARGV = ['--expose-gc'];

/** Those that run. */
const running = new Set();

/** Ends what a failed scenario has left. */
export async function killWorkers() {
  await Promise.all([...running].map((worker) => worker.kill()));
}

/** A server process. */
export class Worker {
  port;
  clients = [];
  /** What it wrote on standard error. */
  errors = '';
  #child;
  #guard;
  #ids = 0;
  #waiting = new Map();

  /** @param path the way to the engine: `{ config, proxy }` */
  static async start(backend, serverOptions = {}) {
    const path = await backend.connect();
    const worker = new Worker();
    worker.proxy = path.proxy;
    const env = { ...process.env, BROKER_TEST: JSON.stringify({ ...path.config, serverOptions }) };
    worker.#child = backend.isCluster ? forkInCluster(env) : forkAlone(env);
    worker.#guard = guard(worker.#child.pid);
    worker.exited = once(worker.#child, 'exit');
    running.add(worker);
    worker.exited.then(() => {
      running.delete(worker);
      worker.#guard.kill('SIGKILL');
    });
    worker.#child.stderr.on('data', (chunk) => {
      worker.errors += chunk;
    });
    const listening = new Promise((resolve) => {
      worker.#child.on('message', (message) => worker.#onMessage(message, backend, resolve));
    });
    const died = worker.exited.then(([code, signal]) => {
      throw new Error(`A worker ended with ${code ?? signal}:\n${worker.errors}`);
    });
    died.catch(() => {});
    worker.port = await within(PATIENCE, 'A worker', Promise.race([listening, died]));
    return worker;
  }

  get pid() {
    return this.#child.pid;
  }

  async call(name, argument) {
    const id = ++this.#ids;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#child.send({ call: name, id, argument });
    return within(60_000, `${name} in a worker`, answer);
  }

  stats() {
    return this.call('stats');
  }

  publish(...messages) {
    return this.call('publish', messages);
  }

  /** @returns a new client of this server */
  async client() {
    const client = await Client.connect(this.port);
    this.clients.push(client);
    return client;
  }

  isUp() {
    return until('The broker is up', async () => (await this.stats()).broker.isUp, PATIENCE);
  }

  pause() {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume() {
    process.kill(this.pid, 'SIGCONT');
  }

  async kill() {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** @returns how many milliseconds it took until the process had ended by itself */
  async close() {
    for (const client of this.clients) client.terminate();
    const begin = Date.now();
    await this.call('close');
    await within(8_000, 'The end of a process whose server is closed', this.exited);
    const [code, signal] = await this.exited;
    if (code !== 0) throw new Error(`A worker ended with ${code ?? signal}:\n${this.errors}`);
    return Date.now() - begin;
  }

  #onMessage(message, backend, onListening) {
    if (message.listening !== undefined) onListening(message.listening);
    else if (message.id !== undefined) this.#onAnswer(message);
    else backend.onMessage?.(this, message);
  }

  /** For a backend whose messages travel over IPC. */
  send(message) {
    if (this.#child.connected) this.#child.send(message);
  }

  #onAnswer({ id, result, error }) {
    const { resolve, reject } = this.#waiting.get(id) ?? {};
    this.#waiting.delete(id);
    if (error !== undefined) reject?.(new Error(error));
    else resolve?.(result);
  }
}

function forkAlone(env) {
  return fork(WORKER, {
    env,
    execArgv: EXEC_ARGV,
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
}

function forkInCluster(env) {
  // It keeps the serialization that the backend has set.
  cluster.setupPrimary({ exec: WORKER, execArgv: EXEC_ARGV, silent: true });
  const { process: child } = cluster.fork(env);
  return child;
}

/** @returns that many workers, whose brokers are up */
export async function startFleet(backend, count = 3, serverOptions = {}) {
  const workers = await Promise.all(
    Array.from({ length: count }, () => Worker.start(backend, serverOptions)),
  );
  await Promise.all(workers.map((worker) => worker.isUp()));
  return workers;
}
